/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "ops/revert-parts.h"
#include "util/error.h"

/* A disk that the snapshot does not cover and the domain has lost comes back with the image that it
 * had; which must not have become part of a snapshot meanwhile.
 */
static bool
check_lost_disk(const struct revert *revert, const struct domain_disk *def, GError **error)
{
    g_autoptr(GPtrArray) all = usage_images(revert->state);

    for (guint i = 0; def->source && i < all->len; i++) {
        const struct image *image = g_ptr_array_index(all, i);
        const struct snapshot_def *holder = NULL;
        g_autoptr(GPtrArray) overlays = NULL;
        g_autofree char *who = NULL;

        if (strcmp(image->path, def->source) != 0)
            continue;
        holder = usage_find_snapshot(revert->state, image, NULL);
        overlays = usage_overlays(revert->state, image);
        if (!holder && overlays->len == 0 && !state_find_dependents(revert->state, image))
            continue;
        who = holder ? g_strdup_printf("snapshot '%s'", holder->name) : g_strdup("another image");
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s' was detached since and would come back with image '%s', on which %s "
                    "depends now: attach the disk with its present image first",
                    def->target, def->source, who);
        return false;
    }
    return true;
}

/* Whether the domain has a state of DISK under the target that the snapshot knows it by. */
static bool
is_in_place(const struct revert *revert, const struct revert_disk *disk)
{
    const struct image *image = disk->active ? disk->active->image : NULL;

    return image && usage_is_of_disk(revert->state, image, disk->frozen->disk->name);
}

/* Disk NOW goes on as it is. When it is what the snapshot holds under another target, the domain
 * would get that disk twice, and lose the one that NOW was then.
 */
static bool
check_place(const struct revert *revert, const struct state_disk *now, GError **error)
{
    for (guint i = 0; now->image && !now->def->readonly && i < revert->disks->len; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);

        if (!image_stands_on(now->image, disk->frozen->image) || is_in_place(revert, disk))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s' of the domain has image '%s' of the disk that snapshot '%s' holds "
                    "as '%s': give the disks the targets that they had then, or detach it",
                    now->def->target, now->image->path, revert->request->target->name,
                    disk->frozen->disk->name);
        return false;
    }
    return true;
}

/* Whether DEF, which the snapshot does not hold, comes back with what it had then. */
static bool
comes_back(const struct domain_disk *def, const struct state_disk *now)
{
    return def->readonly || !now || !now->def->source ||
           (now->def->type != DISK_TYPE_FILE && now->def->type != DISK_TYPE_BLOCK);
}

bool
revert_check_unheld(const struct revert *revert, GError **error)
{
    const GPtrArray *disks = revert_definition(revert)->disks;

    for (guint i = 0; i < disks->len; i++) {
        const struct domain_disk *def = g_ptr_array_index(disks, i);
        const struct state_disk *now = revert_find_active(revert, def->target);

        if (revert_find_disk(revert, def->target))
            continue;
        if (!now && !def->readonly && !check_lost_disk(revert, def, error))
            return false;
        if (!comes_back(def, now) && !check_place(revert, now, error))
            return false;
    }
    return true;
}

bool
revert_place_unheld(const struct revert *revert, const struct domain_disk *def,
                    struct domain_disk_change *change)
{
    const struct state_disk *now = revert_find_active(revert, def->target);

    *change = (struct domain_disk_change){.target = def->target};
    if (comes_back(def, now) || g_strcmp0(now->def->source, def->source) == 0)
        return def->layers != NULL;
    *change = (struct domain_disk_change){def->target, now->def->type, now->def->source,
                                          now->def->format ? now->def->format : "raw"};
    return true;
}
