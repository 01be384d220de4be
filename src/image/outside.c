/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/outside.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/backing-guess.h"
#include "util/error.h"

/* No header of a format with backing links fits into less; a VMDK descriptor may be as short. */
#define IMAGE_SIZE_MIN 128

/* So often a directory is read again in which files are renamed meanwhile. */
#define LOOKS_MAX 20

struct outside {
    GHashTable *skipped;    /* set of struct image_file */
    GHashTable *seen;       /* set of char *: what was followed already (seen_key()) */
    GHashTable *dependents; /* struct image_file -> GPtrArray of struct dependent */
};

static void
dependent_free(gpointer data)
{
    struct dependent *dependent = data;

    g_free(dependent->text);
    g_free(dependent);
}

struct outside *
outside_new(void)
{
    struct outside *outside = g_new0(struct outside, 1);

    outside->skipped = g_hash_table_new_full(image_file_hash, image_file_equal, g_free, NULL);
    outside->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    outside->dependents = g_hash_table_new_full(image_file_hash, image_file_equal, g_free,
                                                (GDestroyNotify)g_ptr_array_unref);
    return outside;
}

void
outside_free(struct outside *outside)
{
    if (!outside)
        return;
    g_hash_table_unref(outside->skipped);
    g_hash_table_unref(outside->seen);
    g_hash_table_unref(outside->dependents);
    g_free(outside);
}

void
outside_skip(struct outside *outside, const struct image_file *file)
{
    g_hash_table_add(outside->skipped, image_file_copy(file));
}

static bool
is_noted(const GPtrArray *dependents, const char *text)
{
    for (guint i = 0; i < dependents->len; i++) {
        if (strcmp(((const struct dependent *)g_ptr_array_index(dependents, i))->text, text) == 0)
            return true;
    }
    return false;
}

void
outside_note(struct outside *outside, const struct image_file *below, char *text,
             const struct image_file *who)
{
    GPtrArray *dependents = g_hash_table_lookup(outside->dependents, below);
    struct dependent *dependent;

    if (!dependents) {
        dependents = g_ptr_array_new_with_free_func(dependent_free);
        g_hash_table_insert(outside->dependents, image_file_copy(below), dependents);
    }
    if (is_noted(dependents, text)) {
        g_free(text);
        return;
    }
    dependent = g_new0(struct dependent, 1);
    dependent->text = text;
    if (who)
        dependent->file = *who;
    g_ptr_array_add(dependents, dependent);
}

const GPtrArray *
outside_find(const struct outside *outside, const struct image_file *file)
{
    return g_hash_table_lookup(outside->dependents, file);
}

static bool
has_moved(const GError *error)
{
    return g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT);
}

/* FILE as it is called at PATH: what a relative link in it leads to depends on the directory, and a
 * file may have names in several. Free with g_free().
 */
static char *
seen_key(const char *path, const struct image_file *file)
{
    g_autofree char *directory = g_path_get_dirname(path);
    char *real = realpath(directory, NULL);
    char *key = g_strdup_printf("%" PRIu64 " %" PRIu64 " %s",
                                file->block ? file->rdev : file->identity.device,
                                file->block ? 0 : file->identity.inode, real ? real : directory);

    free(real);
    return key;
}

/* Find the file BELOW that an image names. True, and *FOUND false, when nothing is there that could
 * be an image; false when that cannot be told.
 */
static bool
look_below(const char *below, struct image_file *file, bool *found, GError **error)
{
    g_autoptr(GError) local = NULL;

    *found = image_file_look(file, below, &local);
    if (*found || !g_error_matches(local, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* Find in *BELOW, NULL: nothing, what the image AT, which is HERE, stands on. What has gone, or
 * been renamed, while its overlay was looked at is nothing.
 */
static bool
find_below(const char *at, struct image_file *here, bool uppermost, char **below, GError **error)
{
    g_autoptr(GError) local = NULL;

    *below = backing_guess(at, here, &local);
    if (!local || (has_moved(local) && !uppermost))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* It is the same again when any of PASSED (of char *) is asked for once more. */
static void
forget(struct outside *outside, const GPtrArray *passed)
{
    for (guint i = 0; i < passed->len; i++)
        g_hash_table_remove(outside->seen, g_ptr_array_index(passed, i));
}

bool
outside_follow(struct outside *outside, const char *path, const struct image_file *file,
               GError **error)
{
    g_autoptr(GPtrArray) passed = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *at = g_strdup(path);
    struct image_file here = *file;

    for (;;) {
        struct image_file next = {0};
        g_autofree char *key = seen_key(at, &here);
        g_autofree char *below = NULL;
        bool found = false;

        /* each symbolic link is told by its own name */
        if (!g_hash_table_add(outside->seen, g_strdup(key)) && (passed->len > 0 || !here.symlink))
            break;
        g_ptr_array_add(passed, g_steal_pointer(&key));
        if (!find_below(at, &here, passed->len == 1, &below, error) ||
            (below && !look_below(below, &next, &found, error))) {
            forget(outside, passed);
            return false;
        }
        if (!found)
            break;
        outside_note(outside, &next, g_steal_pointer(&at), &here);
        if (g_hash_table_contains(outside->skipped, &next))
            break;
        at = g_steal_pointer(&below);
        here = next;
    }
    return true;
}

/* Follow what the symbolic link PATH leads to by its own name, which others may use. */
static bool
follow_target(struct outside *outside, const char *path, const struct image_file *link,
              GError **error)
{
    struct image_file target = *link;
    char *resolved = realpath(path, NULL);
    bool told;

    target.symlink = false;
    told = !resolved || outside_follow(outside, resolved, &target, error);
    free(resolved);
    return told;
}

static bool
is_link(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
}

/* Follow the file at PATH. Fails with OFFSHOT_ERROR_INCONSISTENT when it has another name by now,
 * otherwise when it cannot be told what it stands on.
 */
static bool
look_at_file(struct outside *outside, const char *path, GError **error)
{
    struct image_file file = {0};
    g_autoptr(GError) local = NULL;

    if (!image_file_look(&file, path, &local)) {
        if (g_error_matches(local, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED) ||
            (has_moved(local) && is_link(path)))
            return true;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if ((!file.block && file.identity.size < IMAGE_SIZE_MIN) ||
        g_hash_table_contains(outside->skipped, &file))
        return true;
    return (!file.symlink || follow_target(outside, path, &file, error)) &&
           outside_follow(outside, path, &file, error);
}

static bool
may_be_image(const struct dirent *entry)
{
    return entry->d_type == DT_REG || entry->d_type == DT_LNK || entry->d_type == DT_BLK ||
           entry->d_type == DT_UNKNOWN;
}

/* Look at every file of ENTRIES. Whether all of them stayed where they were listed. */
static bool
look_at_all(struct outside *outside, const char *directory, DIR *entries, GPtrArray *unreadable)
{
    const struct dirent *entry;
    bool moved = false;

    while ((entry = readdir(entries))) {
        g_autoptr(GError) error = NULL;
        g_autofree char *path = NULL;

        if (!may_be_image(entry))
            continue;
        path = g_build_filename(directory, entry->d_name, NULL);
        if (look_at_file(outside, path, &error))
            continue;
        if (has_moved(error))
            moved = true;
        else if (!g_ptr_array_find_with_equal_func(unreadable, path, g_str_equal, NULL))
            g_ptr_array_add(unreadable, g_steal_pointer(&path));
    }
    return !moved;
}

void
outside_look(struct outside *outside, const char *directory, GPtrArray *unreadable)
{
    DIR *entries = opendir(directory);
    bool complete = false;

    /* what is renamed between its listing and the look at it was listed under the old name only */
    for (unsigned tries = 0; entries && !complete && tries < LOOKS_MAX; tries++) {
        rewinddir(entries);
        complete = look_at_all(outside, directory, entries, unreadable);
    }
    if (!complete)
        g_ptr_array_add(unreadable, g_strdup(directory));
    if (entries)
        closedir(entries);
}
