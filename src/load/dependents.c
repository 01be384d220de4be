/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/dependents.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "load/domains.h"
#include "load/kept.h"
#include "store/stores.h"

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

static void
search_begin(struct search *search, struct state *state)
{
    g_autoptr(GPtrArray) all = image_graph_all(state->graph);

    search->state = state;
    search->outside = outside_new();
    search->images = g_hash_table_new_full(image_file_hash, image_file_equal, g_free, NULL);
    search->strayed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    search->stores = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    search->looked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    search->named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < all->len; i++) {
        struct image *image = g_ptr_array_index(all, i);
        struct image_file file;

        if (!file_of_image(&file, image))
            continue;
        g_hash_table_insert(search->images, image_file_copy(&file), image);
        outside_skip(search->outside, &file);
    }
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Leave in the state what was found. */
static void
search_end(struct search *search)
{
    GHashTableIter iter;
    gpointer file;
    gpointer image;

    g_hash_table_iter_init(&iter, search->images);
    while (g_hash_table_iter_next(&iter, &file, &image)) {
        const GPtrArray *found = outside_find(search->outside, file);
        GPtrArray *texts;

        if (!found)
            continue;
        texts = g_ptr_array_new_with_free_func(g_free);
        for (guint i = 0; i < found->len; i++)
            g_ptr_array_add(texts,
                            g_strdup(((struct dependent *)g_ptr_array_index(found, i))->text));
        g_ptr_array_sort(texts, compare_texts);
        g_hash_table_insert(search->state->dependents, image, texts);
    }
    g_hash_table_unref(search->images);
    g_hash_table_unref(search->strayed);
    g_hash_table_unref(search->stores);
    g_hash_table_unref(search->looked);
    g_hash_table_unref(search->named);
    outside_free(search->outside);
}

/* Look at every file of DIRECTORY, where IMAGES lie. */
static void
look_at_directory(struct search *search, const char *directory, const GPtrArray *images)
{
    g_autoptr(GPtrArray) unreadable = g_ptr_array_new_with_free_func(g_free);

    outside_look(search->outside, directory, unreadable);
    for (guint i = 0; i < unreadable->len; i++) {
        for (guint n = 0; n < images->len; n++) {
            struct image_file file;

            if (file_of_image(&file, g_ptr_array_index(images, n)))
                outside_note(search->outside, &file,
                             g_strdup_printf("%s (cannot be read)",
                                             (const char *)g_ptr_array_index(unreadable, i)),
                             NULL);
        }
    }
}

/* The directory of PATH without symbolic links; REAL keeps what was resolved. Borrowed. */
static const char *
real_directory(GHashTable *real, const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    char *known = g_hash_table_lookup(real, directory);
    char *resolved;

    if (known)
        return known;
    resolved = realpath(directory, NULL);
    known = g_strdup(resolved ? resolved : directory);
    free(resolved);
    g_hash_table_insert(real, g_steal_pointer(&directory), known);
    return known;
}

static void
add_image(GHashTable *directories, const char *directory, struct image *image)
{
    GPtrArray *images = g_hash_table_lookup(directories, directory);

    if (!images) {
        images = g_ptr_array_new();
        g_hash_table_insert(directories, g_strdup(directory), images);
    }
    if (!g_ptr_array_find(images, image, NULL))
        g_ptr_array_add(images, image);
}

/* All directories of images, without symbolic links -> the images in them. An image that was
 * reached through a link lies in two.
 */
static GHashTable *
find_directories(const struct state *state)
{
    GHashTable *directories =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    g_autoptr(GHashTable) real = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GPtrArray) all = image_graph_all(state->graph);

    for (guint i = 0; i < all->len; i++) {
        struct image *image = g_ptr_array_index(all, i);
        char *resolved;

        /* beside device nodes lie no images */
        if (image->block)
            continue;
        add_image(directories, real_directory(real, image->path), image);
        if (image->symlink && (resolved = realpath(image->path, NULL))) {
            add_image(directories, real_directory(real, resolved), image);
            free(resolved);
        }
    }
    return directories;
}

bool
state_load_dependents(struct state *state, GError **error)
{
    g_autoptr(GPtrArray) others = stores_load(state->location->state, error);
    g_autoptr(GHashTable) directories = find_directories(state);
    struct search search;
    GHashTableIter iter;
    gpointer directory;
    gpointer images;

    if (!others)
        return false;
    search_begin(&search, state);
    search.others = others;
    g_hash_table_iter_init(&iter, directories);
    while (g_hash_table_iter_next(&iter, &directory, &images)) {
        g_hash_table_add(state->searched, g_strdup(directory));
        g_hash_table_add(search.looked, g_strdup(directory));
        look_at_directory(&search, directory, images);
    }
    search_kept(&search);
    search_domains(&search);
    search_note_kept(&search);
    search_end(&search);
    return true;
}
