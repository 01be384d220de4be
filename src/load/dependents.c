/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/dependents.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "load/domains.h"
#include "load/outside.h"
#include "util/error.h"

/* No header of a format with backing links fits into less; a VMDK descriptor may be as short. */
#define IMAGE_SIZE_MIN 128

static void
note_unreadable(struct outside *outside, const GPtrArray *images, const char *path)
{
    for (guint i = 0; i < images->len; i++)
        outside_note(outside, g_ptr_array_index(images, i),
                     g_strdup_printf("%s (cannot be read)", path));
}

/* Follow what the symbolic link PATH leads to by its own name, which others may use. */
static bool
follow_target(struct outside *outside, const char *path, const struct image_file *link)
{
    struct image_file target = *link;
    char *resolved = realpath(path, NULL);
    bool told;

    target.symlink = false;
    told = !resolved || outside_follow(outside, resolved, &target, NULL);
    free(resolved);
    return told;
}

static void
look_at_file(struct outside *outside, const GPtrArray *images, const char *path)
{
    struct image_file file = {0};
    g_autoptr(GError) error = NULL;

    if (!image_file_look(&file, path, &error)) {
        if (g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED))
            note_unreadable(outside, images, path);
        return;
    }
    if ((!file.block && file.identity.size < IMAGE_SIZE_MIN) || outside_find_image(outside, &file))
        return;
    if ((file.symlink && !follow_target(outside, path, &file)) ||
        !outside_follow(outside, path, &file, NULL))
        note_unreadable(outside, images, path);
}

static bool
may_be_image(const struct dirent *entry)
{
    return entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_BLK ||
           entry->d_type == DT_UNKNOWN;
}

/* Look at every file of DIRECTORY, where IMAGES lie. */
static void
look_at_directory(struct outside *outside, const char *directory, const GPtrArray *images)
{
    DIR *entries = opendir(directory);
    const struct dirent *entry;

    if (!entries) {
        note_unreadable(outside, images, directory);
        return;
    }
    while ((entry = readdir(entries))) {
        g_autofree char *path = NULL;

        if (!may_be_image(entry))
            continue;
        path = g_build_filename(directory, entry->d_name, NULL);
        look_at_file(outside, images, path);
    }
    closedir(entries);
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

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void
state_load_dependents(struct state *state)
{
    g_autoptr(GHashTable) directories = find_directories(state);
    struct outside outside;
    GHashTableIter iter;
    gpointer directory;
    gpointer images;
    gpointer texts;

    outside_init(&outside, state);
    g_hash_table_iter_init(&iter, directories);
    while (g_hash_table_iter_next(&iter, &directory, &images))
        look_at_directory(&outside, directory, images);
    outside_follow_domains(&outside);
    outside_clear(&outside);
    g_hash_table_iter_init(&iter, state->dependents);
    while (g_hash_table_iter_next(&iter, NULL, &texts))
        g_ptr_array_sort(texts, compare_texts);
}
