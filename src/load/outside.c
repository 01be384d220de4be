/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/outside.h"

#include <sys/stat.h>

#include "image/backing-guess.h"
#include "util/error.h"

static gpointer
file_copy(const struct image_file *file)
{
    struct image_file *copy = g_new(struct image_file, 1);

    *copy = *file;
    return copy;
}

/* What the graph knows of an image, as image_file_look() would tell it. */
static bool
file_of_image(struct image_file *file, const struct image *image)
{
    struct stat st;

    *file = (struct image_file){.identity = image->identity, .block = image->block};
    if (!image->block)
        return true;
    if (stat(image->path, &st) < 0)
        return false;
    file->rdev = st.st_rdev;
    return true;
}

void
outside_init(struct outside *outside, struct state *state)
{
    g_autoptr(GPtrArray) all = image_graph_all(state->graph);

    outside->state = state;
    outside->images = g_hash_table_new_full(image_file_hash, image_file_equal, g_free, NULL);
    outside->seen = g_hash_table_new_full(image_file_hash, image_file_equal, g_free, NULL);
    for (guint i = 0; i < all->len; i++) {
        struct image *image = g_ptr_array_index(all, i);
        struct image_file file;

        if (file_of_image(&file, image))
            g_hash_table_insert(outside->images, file_copy(&file), image);
    }
}

void
outside_clear(struct outside *outside)
{
    g_hash_table_unref(outside->images);
    g_hash_table_unref(outside->seen);
}

const struct image *
outside_find_image(const struct outside *outside, const struct image_file *file)
{
    return g_hash_table_lookup(outside->images, file);
}

void
outside_note(struct outside *outside, const struct image *image, char *text)
{
    GHashTable *dependents = outside->state->dependents;
    GPtrArray *texts = g_hash_table_lookup(dependents, image);

    if (!texts) {
        texts = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(dependents, (void *)image, texts);
    }
    if (g_ptr_array_find_with_equal_func(texts, text, g_str_equal, NULL))
        g_free(text);
    else
        g_ptr_array_add(texts, text);
}

void
outside_note_all(struct outside *outside, const char *text)
{
    GHashTableIter iter;
    gpointer image;

    g_hash_table_iter_init(&iter, outside->images);
    while (g_hash_table_iter_next(&iter, NULL, &image))
        outside_note(outside, image, g_strdup(text));
}

/* Whether ERROR, met so many LAYERS down, leaves unknown what the uppermost one stands on. */
static bool
is_unknown(const GError *error, unsigned layers)
{
    return g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED) ||
           (layers == 0 && g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED));
}

bool
outside_follow(struct outside *outside, const char *path, const struct image_file *file,
               GError **error)
{
    g_autofree char *at = g_strdup(path);
    struct image_file here = *file;

    for (unsigned layers = 0; layers < IMAGE_CHAIN_MAX; layers++) {
        const struct image *image;
        g_autofree char *below = NULL;
        g_autoptr(GError) local = NULL;

        if (!g_hash_table_add(outside->seen, file_copy(&here)) && !(layers == 0 && here.symlink))
            break;
        below = backing_guess(at, &here, &local);
        if (is_unknown(local, layers)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return false;
        }
        if (!below || !image_file_look(&here, below, NULL))
            break;
        image = outside_find_image(outside, &here);
        if (image) {
            outside_note(outside, image, g_steal_pointer(&at));
            break;
        }
        g_free(at);
        at = g_steal_pointer(&below);
    }
    return true;
}
