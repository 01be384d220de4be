/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/place.h"

#include <string.h>

#include "load/neighbours.h"
#include "util/error.h"

char *
place_key(const char *path, const struct stat *st)
{
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);
    struct stat parent;

    if (st && S_ISBLK(st->st_mode)) {
        scoped(storage) storage = storage_new(st);

        return storage_key(storage);
    }
    if (stat(directory, &parent) < 0)
        return NULL;
    return g_strdup_printf("%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT " %s", (guint64)parent.st_dev,
                           (guint64)parent.st_ino, name);
}

/* Whether PATH is another spelling of PLACE, where an image should be. */
static bool
is_place(const char *path, const char *place)
{
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *one = NULL;
    g_autofree char *other = NULL;

    if (!place || !g_str_has_suffix(place, name))
        return false;
    one = place_key(path, NULL);
    other = place_key(place, NULL);
    return one && g_strcmp0(one, other) == 0;
}

static const char *
find_in_domain(const struct domain_def *domain, const char *path)
{
    for (guint i = 0; domain && i < domain->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(domain->disks, i);

        if (is_place(path, disk->source))
            return disk->target;
    }
    return NULL;
}

static const char *
find_in_disks(const GPtrArray *disks, const char *path)
{
    for (guint i = 0; i < disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(disks, i);

        if (is_place(path, disk->source))
            return disk->name;
    }
    return NULL;
}

/* The disk that has an image at PATH by what DEF says, or NULL. */
static const char *
find_in_snapshot(const struct snapshot_def *def, const char *path)
{
    const char *disk = find_in_disks(def->disks, path);

    if (!disk)
        disk = find_in_disks(def->revert_disks, path);
    if (!disk)
        disk = find_in_domain(def->domain, path);
    return disk ? disk : find_in_domain(def->inactive_domain, path);
}

/* The image of which a backing link leads to PATH, where none is, or NULL. */
static const char *
find_above(const struct state *state, const char *path)
{
    GHashTableIter iter;
    gpointer place;
    gpointer above;

    g_hash_table_iter_init(&iter, image_graph_missing(state->graph));
    while (g_hash_table_iter_next(&iter, &place, &above)) {
        if (above && is_place(path, place))
            return above;
    }
    return NULL;
}

static bool
check_no_neighbour(const struct state *state, const char *path, GError **error)
{
    for (guint i = 0; state->neighbours && i < state->neighbours->len; i++) {
        const struct state_neighbour *neighbour = g_ptr_array_index(state->neighbours, i);

        if (!is_place(path, neighbour->path))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' is where disk '%s' of domain '%s' has to be, for which it would be "
                    "taken: choose another name",
                    path, neighbour->target, neighbour->domain);
        return false;
    }
    return true;
}

/* Whether nothing of the domain has to be at PATH, nor of its neighbours. What is missing now may
 * come back, and until then a file in its place would be taken for it.
 */
static bool
check_no_place(const struct state *state, const char *path, GError **error)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);
    const char *disk = find_in_domain(state->domain, path);
    const char *above = disk ? NULL : find_above(state, path);

    for (guint i = 0; !disk && i < all->len; i++)
        disk = find_in_snapshot(g_ptr_array_index(all, i), path);
    if (disk)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' is where an image of disk '%s' has to be, for which it would be taken: "
                    "choose another name",
                    path, disk);
    else if (above)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' is where the backing image of '%s' has to be, for which it would be "
                    "taken: choose another name",
                    path, above);
    return !disk && !above && check_no_neighbour(state, path, error);
}

bool
state_check_place(const struct state *state, const char *path, GError **error)
{
    struct stat st;

    /* no plan overwrites what is there */
    return lstat(path, &st) == 0 || check_no_place(state, path, error);
}

void
state_load_places(struct state *state)
{
    g_autoptr(GPtrArray) all = snapshot_tree_descendants(state->snapshots->tree, NULL);

    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        for (guint d = 0; def->domain && d < def->domain->disks->len; d++) {
            const struct domain_disk *disk = g_ptr_array_index(def->domain->disks, d);

            if (snapshot_def_frozen_path(def, disk->target) && disk->source &&
                (disk->type == DISK_TYPE_FILE || disk->type == DISK_TYPE_BLOCK))
                state_walk(state, disk, NULL);
        }
    }
}

bool
state_names_are_free(const struct state *state, const GPtrArray *paths)
{
    for (guint i = 0; i < paths->len; i++) {
        const char *path = g_ptr_array_index(paths, i);
        g_autoptr(GError) error = NULL;
        struct stat st;
        bool exists;

        if (file_stat(path, false, &st, &exists, &error) || error ||
            !check_no_place(state, path, NULL))
            return false;
    }
    return true;
}
