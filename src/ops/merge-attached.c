/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "ops/merge-rules.h"

static const struct state_disk *
find_disk(const struct state *state, const char *target)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (strcmp(disk->def->target, target) == 0)
            return disk;
    }
    return NULL;
}

/* Whether the images ONE and OTHER stand on something in common. */
static bool
are_related(const struct image *one, const struct image *other)
{
    for (; one; one = one->backing) {
        if (image_stands_on(other, one))
            return true;
    }
    return false;
}

/* Whether MINE, a disk of the domain, may be the one that had IMAGE: it has an image of the same
 * tree, or one that we made, which may stand on less than before. Otherwise it is another disk that
 * has got the target.
 */
static bool
is_same_disk(const struct state *state, const struct state_disk *mine, const struct image *image)
{
    if (!mine->image || usage_is_ours(state, mine->image) ||
        usage_is_called_overlay(state, mine->image) || are_related(mine->image, image))
        return true;
    for (const struct image *below = mine->image; below; below = below->backing) {
        if (state_was_flattened(state, below))
            return true;
    }
    return false;
}

bool
merge_rules_attached(const struct merge_setting *setting, const struct image *image, GError **error)
{
    const struct state *state = setting->state;

    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);
        const struct state_disk *mine;

        if (frozen->image != image || !g_hash_table_contains(setting->removed, frozen->def->name))
            continue;
        mine = find_disk(state, frozen->disk->name);
        if (!mine)
            return merge_refuse(error,
                                "'%s' is of disk '%s', which the domain does not have any more",
                                image->path, frozen->disk->name);
        if (!is_same_disk(state, mine, image))
            return merge_refuse(error, "'%s' is of a disk '%s' in whose place the domain has '%s'",
                                image->path, frozen->disk->name, mine->image->path);
    }
    return true;
}
