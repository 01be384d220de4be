/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/usage.h"

#include <string.h>

#include "conf/snapshot-align.h"
#include "load/unheld.h"

const struct snapshot_def *
usage_find_snapshot(const struct state *state, const struct image *image, snapshot_set *removed)
{
    for (guint i = 0; state->frozen && i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->image == image &&
            !(removed && g_hash_table_contains(removed, frozen->def->name)))
            return frozen->def;
    }
    return NULL;
}

const struct state_disk *
usage_find_active(const struct state *state, const struct image *image)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (disk->image == image)
            return disk;
    }
    return NULL;
}

static void
add_chain(GPtrArray *images, GHashTable *seen, const struct image *top)
{
    for (; top && g_hash_table_add(seen, (gpointer)top); top = top->backing)
        g_ptr_array_add(images, (gpointer)top);
}

static gint
compare_paths(gconstpointer a, gconstpointer b)
{
    const struct image *const *one = a;
    const struct image *const *other = b;

    return strcmp((*one)->path, (*other)->path);
}

GPtrArray *
usage_images(const struct state *state)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    GPtrArray *images = g_ptr_array_new();
    GHashTableIter iter;
    gpointer layer;

    for (guint i = 0; i < state->disks->len; i++)
        add_chain(images, seen, g_array_index(state->disks, struct state_disk, i).image);
    for (guint i = 0; state->frozen && i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        add_chain(images, seen, frozen->image);
    }
    for (guint i = 0; state->unheld && i < state->unheld->len; i++)
        add_chain(images, seen,
                  ((const struct state_unheld *)g_ptr_array_index(state->unheld, i))->image);
    if (state->layers) {
        g_hash_table_iter_init(&iter, state->layers);
        while (g_hash_table_iter_next(&iter, &layer, NULL))
            add_chain(images, seen, layer);
    }
    g_ptr_array_sort(images, compare_paths);
    return images;
}

GPtrArray *
usage_overlays(const struct state *state, const struct image *image)
{
    g_autoptr(GPtrArray) all = usage_images(state);
    GPtrArray *overlays = g_ptr_array_new();

    for (guint i = 0; i < all->len; i++) {
        struct image *other = g_ptr_array_index(all, i);

        if (other->backing == image)
            g_ptr_array_add(overlays, other);
    }
    return overlays;
}

static void
add_name(GPtrArray *names, const char *name)
{
    if (name && !g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
        g_ptr_array_add(names, (gpointer)name);
}

GPtrArray *
usage_names(const struct state *state, const struct image *image)
{
    GPtrArray *names = g_ptr_array_new();

    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (disk->image == image)
            add_name(names, disk->def->source);
    }
    for (guint i = 0; state->frozen && i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->image == image)
            add_name(names, frozen->path);
    }
    add_name(names, image->path);
    return names;
}

const struct state_frozen *
usage_find_replaced(const struct state *state, const struct image *image)
{
    const struct state_frozen *replaced = NULL;

    for (guint i = 0; state->frozen && i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->image != image)
            continue;
        if (frozen->record == STATE_RECORD_SAME)
            return NULL;
        if (frozen->record == STATE_RECORD_OTHER && !replaced)
            replaced = frozen;
    }
    return replaced;
}

/* Whether one of DISKS (of struct snapshot_disk) names an image that has NAMES as its overlay. A
 * name that is spelt otherwise does not count: then the image is taken for somebody else's, and
 * stays.
 */
static bool
names_overlay(const GPtrArray *disks, GPtrArray *names)
{
    for (guint i = 0; i < disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(disks, i);

        if (disk->source &&
            g_ptr_array_find_with_equal_func(names, disk->source, g_str_equal, NULL))
            return true;
    }
    return false;
}

bool
usage_is_called_overlay(const struct state *state, const struct image *image)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);
    g_autoptr(GPtrArray) names = usage_names(state, image);

    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        if (names_overlay(def->revert_disks, names) || names_overlay(def->disks, names))
            return true;
    }
    return false;
}

/* Whether IMAGE can be an overlay that DEF made: it stands on what DEF has frozen, and is not
 * itself that. XML may claim any file as an overlay; a link in that file is what it cannot make up.
 */
static bool
can_be_made_by(const struct state *state, const struct snapshot_def *def, const struct image *image)
{
    bool stands = false;

    for (guint i = 0; state->frozen && i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->def != def || !frozen->image)
            continue;
        if (frozen->image == image)
            return false;
        stands |= image_stands_on(image, frozen->image);
    }
    return stands;
}

bool
usage_is_ours(const struct state *state, const struct image *image)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);
    g_autoptr(GPtrArray) names = usage_names(state, image);

    if (usage_find_replaced(state, image))
        return false;
    for (guint i = 0; image->format->overlay && i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        if ((names_overlay(def->revert_disks, names) || names_overlay(def->disks, names)) &&
            can_be_made_by(state, def, image))
            return true;
    }
    return state_is_layer(state, image) || state_was_flattened(state, image);
}

bool
usage_is_ours_while_active(const struct state *state, const struct image *image)
{
    g_autofree char *directory = g_path_get_dirname(image->path);
    g_autofree char *below = image->backing ? g_path_get_dirname(image->backing->path) : NULL;

    return usage_is_ours(state, image) ||
           (g_strcmp0(directory, below) == 0 && usage_find_snapshot(state, image->backing, NULL));
}

/* Whether one of DISKS (of struct snapshot_disk) is TARGET with an overlay that has NAMES. */
static bool
names_overlay_of(const GPtrArray *disks, GPtrArray *names, const char *target)
{
    for (guint i = 0; i < disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(disks, i);

        if (strcmp(disk->name, target) == 0 && disk->source &&
            g_ptr_array_find_with_equal_func(names, disk->source, g_str_equal, NULL))
            return true;
    }
    return false;
}

/* Whether IMAGE, which stands on nothing since it was flattened, has the name that its disk keeps:
 * FROZEN is called after it.
 */
static bool
has_kept_name(const struct state *state, const struct image *image,
              const struct state_frozen *frozen)
{
    g_autofree char *name = state_was_flattened(state, image)
                                ? snapshot_frozen_name(image->path, frozen->def->name)
                                : NULL;

    return name && g_strcmp0(name, frozen->path) == 0;
}

bool
usage_is_of_disk(const struct state *state, const struct image *image, const char *target)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);
    g_autoptr(GPtrArray) names = usage_names(state, image);

    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->image && strcmp(frozen->disk->name, target) == 0 &&
            (image_stands_on(image, frozen->image) || has_kept_name(state, image, frozen)))
            return true;
    }
    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        if (names_overlay_of(def->disks, names, target) ||
            names_overlay_of(def->revert_disks, names, target))
            return true;
    }
    return false;
}

const char *
usage_find_obstacle(const struct state *state, const struct image *image)
{
    if (image->block)
        return "it is a block device";
    if (image->symlink || image->links != 1)
        return "it has more than one name";
    if (state_get_tags(state, image)->len > 0)
        return "it holds internal snapshots";
    return NULL;
}

bool
usage_is_in_use(const struct state *state, const struct image *image)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (disk->image && image_stands_on(disk->image, image))
            return true;
    }
    return false;
}
