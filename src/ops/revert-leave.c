/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "load/unheld.h"
#include "ops/revert-parts.h"

/* Whether all that stands on IMAGE leaves as well. */
static bool
nothing_stays_on(const struct revert *revert, const struct image *image)
{
    g_autoptr(GPtrArray) overlays = usage_overlays(revert->state, image);

    for (guint i = 0; i < overlays->len; i++) {
        if (!g_hash_table_contains(revert->leaving, g_ptr_array_index(overlays, i)))
            return false;
    }
    return state_find_dependents(revert->state, image) == NULL;
}

/* How many disks of the domain have IMAGE as their active one. */
static unsigned
count_active(const struct state *state, const struct image *image)
{
    unsigned count = 0;

    for (guint i = 0; i < state->disks->len; i++)
        count += g_array_index(state->disks, struct state_disk, i).image == image;
    return count;
}

/* Why the active IMAGE of DISK has to stay, or NULL. The definition of a snapshot that does not
 * hold the disk may name it, since the disk goes on with whatever image it has; but not as another
 * disk.
 */
static const char *
find_reason(const struct revert *revert, const struct revert_disk *disk, const struct image *image)
{
    const struct state *state = revert->state;
    const char *target = disk->frozen->disk->name;
    const char *obstacle = usage_find_obstacle(state, image);

    if (state->snapshots->problems->len > 0)
        return "the snapshot store is not in order";
    if (!revert->all_known)
        return "not all images of disks and snapshots can be read";
    if (obstacle)
        return obstacle;
    if (usage_find_snapshot(state, image, NULL))
        return "a snapshot needs it";
    if (!usage_is_ours_while_active(state, image))
        return "no snapshot made it";
    if (!usage_is_of_disk(state, image, target))
        return "nothing shows that it is of this disk";
    if (state_find_unheld(state, image, target))
        return "the definition of a snapshot names it as another disk";
    if (!nothing_stays_on(revert, image))
        return "other images stand on it";
    return count_active(state, image) > 1 ? "another disk has it, too" : NULL;
}

bool
revert_can_replace(const struct revert *revert, const struct revert_disk *disk)
{
    return !find_reason(revert, disk, disk->active->image);
}

bool
revert_leaves_unnamed(const struct revert *revert, const struct revert_disk *disk)
{
    const struct image *image = disk->active ? disk->active->image : NULL;
    const char *target = disk->frozen->disk->name;

    return image && image != disk->frozen->image && disk->how != REVERT_IN_PLACE && !image->block &&
           state_get_tags(revert->state, image)->len > 0 &&
           usage_is_ours_while_active(revert->state, image) &&
           usage_is_of_disk(revert->state, image, target) &&
           !state_find_unheld(revert->state, image, target);
}

/* Layers of disk TARGET without a name that nothing stands on any more go with what stood on them.
 */
static void
find_leaving_layers(struct revert *revert, const char *target, const struct image *image)
{
    for (; image && state_is_layer(revert->state, image); image = image->backing) {
        if (usage_find_obstacle(revert->state, image) ||
            usage_find_snapshot(revert->state, image, NULL) || !nothing_stays_on(revert, image) ||
            count_active(revert->state, image) > 0 ||
            state_find_unheld(revert->state, image, target))
            return;
        g_hash_table_add(revert->leaving, (gpointer)image);
    }
}

/* Say of the image that DISK had why it is still there. */
static void
note_staying(const struct revert *revert, const struct revert_disk *disk, const struct image *image)
{
    const char *reason = find_reason(revert, disk, image);

    if (!revert->notes || revert->request->save_as || image == disk->frozen->image ||
        g_hash_table_contains(revert->leaving, image) ||
        usage_find_snapshot(revert->state, image, NULL) || !reason)
        return;
    g_ptr_array_add(revert->notes, g_strdup_printf("image '%s', which disk '%s' had, is kept: %s",
                                                   image->path, disk->frozen->disk->name, reason));
}

static const struct image *
active_image(const struct revert *revert, guint index)
{
    const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, index);

    return disk->active ? disk->active->image : NULL;
}

void
revert_find_leaving(struct revert *revert)
{
    guint count = revert->disks->len;

    for (guint i = 0; i < count && !revert->request->save_as; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);
        const struct image *image = active_image(revert, i);

        if (image && image != disk->frozen->image && !find_reason(revert, disk, image))
            g_hash_table_add(revert->leaving, (gpointer)image);
    }
    for (guint i = 0; i < count; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);
        const struct image *image = active_image(revert, i);

        if (!image)
            continue;
        note_staying(revert, disk, image);
        if (g_hash_table_contains(revert->leaving, image))
            find_leaving_layers(revert, disk->frozen->disk->name, image->backing);
    }
}
