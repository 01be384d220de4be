/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "load/neighbours.h"
#include "load/place.h"
#include "util/error.h"

/* Whether two names lead to one file, or to one device through whatever nodes. */
static bool
is_same_storage(const struct stat *a, const struct stat *b)
{
    if (S_ISBLK(a->st_mode) || S_ISBLK(b->st_mode))
        return S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether PATH, which may not be there, leads to what ST tells of. */
static bool
leads_to(const char *path, const struct stat *st)
{
    struct stat there;

    return path && stat(path, &there) == 0 && is_same_storage(&there, st);
}

/* Whether writing to TARGET could change what is at PATH. */
static bool
is_touched(const char *path, const struct storage *target)
{
    scoped(storage) storage = NULL;
    struct stat there;

    if (!path || stat(path, &there) < 0)
        return false;
    storage = storage_new(&there);
    return storage_overlaps(storage, target);
}

static bool
check_not_frozen(const struct state *state, const char *path, const struct storage *target,
                 GError **error)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);

    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        for (guint d = 0; d < def->disks->len; d++) {
            const struct snapshot_disk *disk = g_ptr_array_index(def->disks, d);

            if (!is_touched(snapshot_def_frozen_path(def, disk->name), target))
                continue;
            g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                        "'%s' holds disk '%s' of snapshot '%s' and must not be written", path,
                        disk->name, def->name);
            return false;
        }
    }
    return true;
}

/* No disk may have OVERLAY in its chain: what stands on it would be written away under it. */
static bool
check_nothing_stands_on(const struct state *state, const struct image *overlay, GError **error)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (!disk->image || !image_stands_on(disk->image, overlay))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' is in the chain of disk '%s' already", overlay->path, disk->def->target);
        return false;
    }
    return true;
}

bool
state_load_overlay(struct state *state, const char *path, const struct image_format *format,
                   GError **error)
{
    const struct image *image = image_graph_walk(state->graph, path, format, error);
    scoped(storage) storage = NULL;
    struct stat st;

    if (!image || !check_nothing_stands_on(state, image, error))
        return false;
    storage = stat(path, &st) == 0 ? storage_new(&st) : NULL;
    if (storage && !check_not_frozen(state, path, storage, error))
        return false;
    g_hash_table_insert(state->overlays, g_strdup(path), (void *)image);
    return true;
}

/* Whether anything in DIRECTORY is at risk of being read or removed as ours. */
static bool
check_not_inside(const char *path, const char *directory, GError **error)
{
    g_autofree char *parent = g_path_get_dirname(path);
    struct stat st;

    if (stat(parent, &st) < 0 || !leads_to(directory, &st))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "'%s' would lie in '%s', where only offshot's own files may be", path, directory);
    return false;
}

static bool
is_disk_touched(const struct state_disk *disk, const struct storage *target)
{
    for (const struct image *image = disk->image; image; image = image->backing) {
        if (is_touched(image->path, target))
            return true;
    }
    return is_touched(disk->def->source, target);
}

static bool
check_no_disk(const struct state *state, const char *path, const struct storage *target,
              GError **error)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (!is_disk_touched(disk, target))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' is an image of disk '%s', perhaps under another name", path,
                    disk->def->target);
        return false;
    }
    return true;
}

/* All others that were walked: what lies below the frozen images of other branches. */
static bool
check_no_image(const struct state *state, const char *path, const struct storage *target,
               GError **error)
{
    g_autoptr(GPtrArray) all = image_graph_all(state->graph);

    for (guint i = 0; i < all->len; i++) {
        const struct image *image = g_ptr_array_index(all, i);

        if (!is_touched(image->path, target))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' is '%s', on which a snapshot stands, perhaps under another name", path,
                    image->path);
        return false;
    }
    return true;
}

static bool
check_no_neighbour(const struct state *state, const char *path, const struct storage *target,
                   GError **error)
{
    for (guint i = 0; state->neighbours && i < state->neighbours->len; i++) {
        const struct state_neighbour *neighbour = g_ptr_array_index(state->neighbours, i);

        if (!neighbour->storage || !storage_overlaps(neighbour->storage, target))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' is disk '%s' of domain '%s', perhaps under another name", path,
                    neighbour->target, neighbour->domain);
        return false;
    }
    return true;
}

static bool
check_unused(const struct state *state, const char *path, const struct stat *st, GError **error)
{
    scoped(storage) target = storage_new(st);

    return check_no_disk(state, path, target, error) &&
           check_not_frozen(state, path, target, error) &&
           check_no_image(state, path, target, error) &&
           check_no_neighbour(state, path, target, error);
}

bool
state_check_copy(const struct state *state, const char *path, GError **error)
{
    return check_not_inside(path, state->snapshots->directory, error) &&
           check_not_inside(path, state->location->state, error) &&
           state_check_place(state, path, error);
}

bool
state_check_target(struct state *state, const char *disk, const char *path, GError **error)
{
    struct stat st;
    bool there = stat(path, &st) == 0;
    g_autofree char *key = place_key(path, there ? &st : NULL);
    const char *other = key ? g_hash_table_lookup(state->targets, key) : NULL;

    if (!check_not_inside(path, state->snapshots->directory, error) ||
        !check_not_inside(path, state->location->state, error) ||
        (there && !check_unused(state, path, &st, error)) ||
        !state_check_place(state, path, error)) {
        g_prefix_error(error, "disk '%s': ", disk);
        return false;
    }
    if (other)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disks '%s' and '%s' would get their overlays in one place, '%s'", other, disk,
                    path);
    else if (key)
        g_hash_table_insert(state->targets, g_steal_pointer(&key), g_strdup(disk));
    return !other;
}

static void
note_alias(struct state *state, const char *path, const struct image *image, const struct stat *st)
{
    if (path && strcmp(path, image->path) != 0 && leads_to(path, st))
        g_hash_table_insert(state->aliases, g_strdup(path), image->path);
}

static void
note_domain_aliases(struct state *state, const struct domain_def *domain, const struct image *image,
                    const struct stat *st)
{
    for (guint i = 0; domain && i < domain->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(domain->disks, i);

        note_alias(state, disk->source, image, st);
    }
}

static void
note_disk_aliases(struct state *state, const GPtrArray *disks, const struct image *image,
                  const struct stat *st)
{
    for (guint i = 0; i < disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(disks, i);

        note_alias(state, disk->source, image, st);
    }
}

void
state_load_aliases(struct state *state, const char *target)
{
    const struct image *image = state_get_disk(state, target)->image;
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);
    struct stat st;

    if (!image || stat(image->path, &st) < 0)
        return;
    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        note_disk_aliases(state, def->disks, image, &st);
        note_disk_aliases(state, def->revert_disks, image, &st);
        note_domain_aliases(state, def->domain, image, &st);
        note_domain_aliases(state, def->inactive_domain, image, &st);
    }
}

bool
state_load_directory(struct state *state, const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);
    char *real = realpath(directory, NULL);

    if (!real) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "there is no directory '%s' for '%s'", directory, path);
        return false;
    }
    g_hash_table_insert(state->directories, g_steal_pointer(&directory), g_strdup(real));
    free(real);
    return true;
}

char *
state_resolve(const struct state *state, const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    const char *real = g_hash_table_lookup(state->directories, directory);

    return real ? g_build_filename(real, name, NULL) : g_strdup(path);
}
