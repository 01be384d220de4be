/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/delete-record.h"

#include <string.h>

#include "ops/delete-parents.h"
#include "ops/keep.h"
#include "ops/record.h"
#include "util/error.h"

/* What is being written. */
struct writing {
    const struct state *state;
    snapshot_set *removed;
    const struct merges *merges; /* NULL: no image is touched */
    GHashTable *changed;         /* set of struct image: MERGES put them elsewhere in chains … */
    GHashTable *merged;          /* … and set of what they are called; NULL: none are */
    GHashTable *moved;           /* path -> struct record_place */
    GHashTable *parents;         /* name -> name of the new parent */
};

static void
find_moves(struct writing *writing)
{
    GHashTableIter iter;
    gpointer path;
    gpointer value;

    writing->moved = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
    if (!writing->merges)
        return;
    g_hash_table_iter_init(&iter, writing->merges->moved);
    while (g_hash_table_iter_next(&iter, &path, &value)) {
        const struct image *image = value;
        g_autoptr(GPtrArray) names = usage_names(writing->state, image);
        struct record_place *place = g_new0(struct record_place, 1);

        place->path = g_ptr_array_index(names, 0);
        place->format = image->format->libvirt;
        place->set_type = true;
        place->type = image->block ? DISK_TYPE_BLOCK : DISK_TYPE_FILE;
        g_hash_table_insert(writing->moved, path, place);
    }
}

static void
find_merged(struct writing *writing)
{
    GHashTableIter iter;
    gpointer image;

    writing->changed = writing->merges ? merges_find_changed(writing->merges) : NULL;
    if (!writing->changed || g_hash_table_size(writing->changed) == 0)
        return;
    writing->merged = g_hash_table_new(g_str_hash, g_str_equal);
    g_hash_table_iter_init(&iter, writing->changed);
    while (g_hash_table_iter_next(&iter, &image, NULL)) {
        g_autoptr(GPtrArray) names = usage_names(writing->state, image);

        for (guint i = 0; i < names->len; i++)
            g_hash_table_add(writing->merged, g_ptr_array_index(names, i));
    }
}

/* Whether <backingStore> of DISK names what is not below it any more. */
static bool
has_old_chain(const struct writing *writing, const struct state_disk *disk)
{
    if (!disk->def->layers || !writing->changed)
        return false;
    for (const struct image *image = disk->image; image; image = image->backing) {
        if (g_hash_table_contains(writing->changed, image))
            return true;
    }
    return false;
}

static const struct record_place *
find_place(const struct writing *writing, const char *path)
{
    return path ? g_hash_table_lookup(writing->moved, path) : NULL;
}

/* The domain's disks whose active image is called otherwise from now on, or stands on others. */
static bool
plan_domain(struct plan *plan, const struct writing *writing, GError **error)
{
    const struct state *state = writing->state;
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(struct domain_disk_change));

    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);
        const struct record_place *place = find_place(writing, disk->def->source);
        struct domain_disk_change change = {.target = disk->def->target};

        if (!place && !has_old_chain(writing, disk))
            continue;
        if (place) {
            change.type = place->type;
            change.source = place->path;
            change.format = place->format;
        }
        g_array_append_val(changes, change);
    }
    return record_disks(plan, state, changes, error);
}

/* Whether one of DISKS (of struct snapshot_disk) names the overlay PATH, once all have moved. */
static bool
name_overlay(const struct writing *writing, const GPtrArray *disks, const char *path)
{
    for (guint i = 0; i < disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(disks, i);
        const struct record_place *place = find_place(writing, disk->source);

        if (g_strcmp0(place ? place->path : disk->source, path) == 0)
            return true;
    }
    return false;
}

/* Whether any snapshot that remains says that it made the overlay PATH. */
static bool
is_claimed(const struct writing *writing, const char *path)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(writing->state->snapshots->tree);

    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        if (!g_hash_table_contains(writing->removed, def->name) &&
            (name_overlay(writing, def->disks, path) ||
             name_overlay(writing, def->revert_disks, path)))
            return true;
    }
    return false;
}

static bool
has_children(const struct writing *writing, const struct snapshot_def *def)
{
    g_autoptr(GPtrArray) below =
        snapshot_tree_descendants(writing->state->snapshots->tree, def->name);

    for (guint i = 0; i < below->len; i++) {
        const struct snapshot_def *other = g_ptr_array_index(below, i);

        if (!g_hash_table_contains(writing->removed, other->name))
            return true;
    }
    return false;
}

static struct snapshot_disk *
find_or_add(GPtrArray *disks, const char *target)
{
    struct snapshot_disk *disk;

    for (guint i = 0; i < disks->len; i++) {
        disk = g_ptr_array_index(disks, i);
        if (strcmp(disk->name, target) == 0)
            return disk;
    }
    disk = snapshot_disk_new(target);
    disk->snapshot = SNAPSHOT_LOCATION_EXTERNAL;
    g_ptr_array_add(disks, disk);
    return disk;
}

/* The active image of MINE was made by a snapshot that goes: CURRENT, which the disk stands on from
 * now on, says so in its stead, in the place where libvirt looks for it.
 */
static bool
adopt_overlay(const struct writing *writing, const struct state_disk *mine,
              struct snapshot_def *current)
{
    const struct record_place *place = find_place(writing, mine->def->source);
    const char *path = place ? place->path : mine->def->source;
    const struct snapshot_disk *held = snapshot_def_find_disk(current, mine->def->target);
    bool stands_in_disks =
        held && held->snapshot == SNAPSHOT_LOCATION_EXTERNAL && !has_children(writing, current);
    struct snapshot_disk *disk;

    if (!mine->image || !usage_is_ours(writing->state, mine->image) || is_claimed(writing, path))
        return false;
    disk = find_or_add(stands_in_disks ? current->disks : current->revert_disks, mine->def->target);
    g_free(disk->source);
    disk->source = g_strdup(path);
    disk->has_source = true;
    disk->type = place ? place->type : mine->def->type;
    g_free(disk->format);
    disk->format = g_strdup(place ? place->format : mine->def->format);
    return true;
}

static bool
adopt_overlays(const struct writing *writing, struct snapshot_def *current)
{
    const GArray *disks = writing->state->disks;
    bool any = false;

    for (guint i = 0; i < disks->len; i++) {
        if (adopt_overlay(writing, &g_array_index(disks, struct state_disk, i), current))
            any = true;
    }
    return any;
}

static bool
plan_snapshots(struct plan *plan, const struct writing *writing, GError **error)
{
    const struct snapshot_def *current = delete_find_current(writing->state, writing->removed);
    scoped(snapshot_def) adopting = current ? snapshot_def_copy(current) : NULL;
    struct record record = {
        .set_current = true,
        .current = current ? current->name : NULL,
        .moved = writing->moved,
        .merged = writing->merged,
        .removed = writing->removed,
        .parents = writing->parents,
    };

    if (adopting && writing->merges && adopt_overlays(writing, adopting)) {
        adopting->active = true;
        record.def = adopting;
        record.replace = true;
    }
    return record_snapshots(plan, writing->state, &record, error);
}

static bool
write_all(struct plan *plan, struct writing *writing, GError **error)
{
    bool fine;

    writing->parents = delete_find_parents(writing->state, writing->removed);
    find_moves(writing);
    find_merged(writing);
    fine = plan_domain(plan, writing, error) && plan_snapshots(plan, writing, error);
    g_hash_table_unref(writing->parents);
    g_hash_table_unref(writing->moved);
    g_clear_pointer(&writing->merged, g_hash_table_unref);
    g_clear_pointer(&writing->changed, g_hash_table_unref);
    return fine;
}

bool
delete_record_plan(struct plan *plan, const struct state *state, snapshot_set *removed,
                   const struct merges *merges, GError **error)
{
    struct writing writing = {.state = state, .removed = removed, .merges = merges};

    return write_all(plan, &writing, error);
}

/* Whether a removed snapshot has a disk in LAYER, or in what stands on it. */
static bool
is_held(const struct state *state, snapshot_set *removed, const struct image *layer)
{
    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (g_hash_table_contains(removed, frozen->def->name) &&
            image_stands_on(frozen->image, layer))
            return true;
    }
    return false;
}

/* The layers that no removed snapshot needs. Free the container with g_ptr_array_unref(). */
static GPtrArray *
find_rest(const struct state *state, snapshot_set *removed)
{
    GPtrArray *rest = g_ptr_array_new();
    GHashTableIter iter;
    gpointer layer;

    g_hash_table_iter_init(&iter, state->layers);
    while (g_hash_table_iter_next(&iter, &layer, NULL)) {
        if (!is_held(state, removed, layer))
            g_ptr_array_add(rest, layer);
    }
    return rest;
}

/* Images are left as they are for good: what removed snapshots need is not to be found by a later
 * operation that could make garbage of it, or change what it stands on.
 */
static void
forget_layers(struct plan *plan, const struct state *state, snapshot_set *removed)
{
    g_autoptr(GPtrArray) rest = find_rest(state, removed);
    const struct keep keep = {.state = state, .removed = removed, .layers = rest};
    g_autoptr(GPtrArray) kept = keep_find(&keep);

    if (rest->len < g_hash_table_size(state->layers) || keep_is_news(state, kept))
        record_layers(plan, state, rest, NULL, kept);
}

bool
delete_record_plan_metadata(struct plan *plan, const struct state *state, snapshot_set *removed,
                            GError **error)
{
    forget_layers(plan, state, removed);
    return delete_record_plan(plan, state, removed, NULL, error);
}
