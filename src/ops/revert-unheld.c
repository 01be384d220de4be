/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "load/unheld.h"
#include "ops/revert-parts.h"
#include "util/error.h"

/* What was found of DEF, a disk of the definition that comes back; NULL: it is no image. */
static const struct state_unheld *
find_unheld(const struct revert *revert, const struct domain_disk *def)
{
    const GPtrArray *all = revert->state->unheld;

    for (guint i = 0; i < all->len; i++) {
        const struct state_unheld *unheld = g_ptr_array_index(all, i);

        if (unheld->disk == def)
            return unheld;
    }
    return NULL;
}

/* What depends on IMAGE, or would after the revert, for messages; NULL: nothing. Free with
 * g_free().
 */
static char *
find_dependent(const struct revert *revert, const struct image *image)
{
    const struct snapshot_def *holder = usage_find_snapshot(revert->state, image, NULL);
    const struct state_disk *active = usage_find_active(revert->state, image);
    const GPtrArray *dependents = state_find_dependents(revert->state, image);
    g_autoptr(GPtrArray) overlays = usage_overlays(revert->state, image);

    if (holder)
        return g_strdup_printf("snapshot '%s'", holder->name);
    if (overlays->len > 0)
        return g_strdup_printf("'%s'",
                               ((const struct image *)g_ptr_array_index(overlays, 0))->path);
    if (dependents)
        return g_strdup_printf("'%s'", (const char *)g_ptr_array_index(dependents, 0));
    if (revert->request->save_as && active && !active->def->readonly)
        return g_strdup_printf("snapshot '%s'", revert->request->save_as);
    return NULL;
}

/* A disk that comes back is written by a guest from then on: its image has to be there, to be what
 * it was, and nobody else's.
 */
static bool
check_returning(const struct revert *revert, const struct state_unheld *unheld, GError **error)
{
    const struct domain_disk *def = unheld->disk;
    const struct image *image = unheld->image;
    g_autofree char *who = NULL;

    if (unheld->error) {
        g_propagate_prefixed_error(
            error, g_error_copy(unheld->error),
            "disk '%s' was detached since and cannot come back as it was, attach it as it is now "
            "first: ",
            def->target);
        return false;
    }
    if (strcmp(image->format->qemu, "raw") == 0 && image->looks_like &&
        strcmp(image->looks_like, "raw") != 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s' was detached since and would come back with image '%s' as raw, "
                    "which looks like %s: attach the disk as it is now first",
                    def->target, def->source, image->looks_like);
        return false;
    }
    who = find_dependent(revert, image);
    if (!who)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "disk '%s' was detached since and would come back with image '%s', on which %s "
                "depends now: attach the disk with its present image first",
                def->target, def->source, who);
    return false;
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

/* The image that DEF, a disk of the definition that comes back, has afterwards; NULL: a new
 * overlay, or none that is known.
 */
static const struct image *
find_result(const struct revert *revert, const struct domain_disk *def)
{
    const struct revert_disk *held = revert_find_disk(revert, def->target);
    const struct state_disk *now = revert_find_active(revert, def->target);
    const struct state_unheld *unheld;

    if (held)
        return held->how == REVERT_TAG ? held->frozen->image : NULL;
    if (!state_unheld_returns(revert->state, def))
        return now->image;
    unheld = find_unheld(revert, def);
    return unheld ? unheld->image : NULL;
}

/* Whether two disks can have these images: what one of them writes the other must not stand on. */
static bool
are_compatible(const struct domain_disk *one, const struct image *image,
               const struct domain_disk *other, const struct image *their)
{
    if (image == their)
        return (one->readonly && other->readonly) || (one->shareable && other->shareable);
    return (other->readonly || !image_stands_on(image, their)) &&
           (one->readonly || !image_stands_on(their, image));
}

/* DEF comes back, among all the others. */
static bool
check_others(const struct revert *revert, const struct domain_disk *def, GError **error)
{
    const GPtrArray *disks = revert_definition(revert)->disks;
    const struct image *image = find_result(revert, def);

    for (guint i = 0; image && i < disks->len; i++) {
        const struct domain_disk *other = g_ptr_array_index(disks, i);
        const struct image *their = other == def ? NULL : find_result(revert, other);

        if (!their || are_compatible(def, image, other, their))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s' would come back with image '%s', while disk '%s' has it, or one of "
                    "the same chain: attach it with another image first",
                    def->target, def->source, other->target);
        return false;
    }
    return true;
}

static void
note_missing(const struct revert *revert, const struct state_unheld *unheld)
{
    if (unheld->missing && revert->notes)
        g_ptr_array_add(revert->notes, g_strdup_printf("medium '%s' of disk '%s' is missing",
                                                       unheld->disk->source, unheld->disk->target));
}

/* Whether DEF, which the snapshot does not hold, has the same image now. */
static bool
has_same_source(const struct domain_disk *def, const struct state_disk *now)
{
    return now && now->def->type == def->type && g_strcmp0(now->def->source, def->source) == 0;
}

/* Whether DEF gets what NOW, the disk as it is, says of its image. */
static bool
goes_on(const struct revert *revert, const struct domain_disk *def, const struct state_disk *now)
{
    return !state_unheld_returns(revert->state, def) ||
           (has_same_source(def, now) && now->def->source);
}

static const char *
driver_type(const struct domain_disk *def)
{
    return def->format ? def->format : "raw";
}

/* Whether DEF says the same of the image as NOW, so that nothing has to be changed. */
static bool
is_unchanged(const struct domain_disk *def, const struct state_disk *now)
{
    return has_same_source(def, now) && strcmp(driver_type(def), driver_type(now->def)) == 0 &&
           def->has_encryption == now->def->has_encryption &&
           def->has_slices == now->def->has_slices;
}

/* What a path and a driver type do not say cannot be brought into the definition. */
static bool
check_carried(const struct revert *revert, const struct domain_disk *def,
              const struct state_disk *now, GError **error)
{
    if (is_unchanged(def, now) || !(def->has_encryption || now->def->has_encryption ||
                                    def->has_slices || now->def->has_slices))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "disk '%s' goes on as it is, but has <encryption> or <slices>, now or in the "
                "definition of snapshot '%s', and is another one now: give it the image that it "
                "had then, or detach it",
                def->target, revert->request->target->name);
    return false;
}

static bool
check_disk(const struct revert *revert, const struct domain_disk *def, GError **error)
{
    const struct state_disk *now = revert_find_active(revert, def->target);
    const struct state_unheld *unheld = find_unheld(revert, def);

    if (goes_on(revert, def, now))
        return check_place(revert, now, error) && check_carried(revert, def, now, error);
    if (!unheld)
        return true;
    if (def->readonly)
        note_missing(revert, unheld);
    else if (!check_returning(revert, unheld, error))
        return false;
    return check_others(revert, def, error);
}

bool
revert_check_unheld(const struct revert *revert, GError **error)
{
    const GPtrArray *disks = revert_definition(revert)->disks;

    g_assert(revert->state->unheld);
    for (guint i = 0; i < disks->len; i++) {
        const struct domain_disk *def = g_ptr_array_index(disks, i);

        if (!revert_find_disk(revert, def->target) && !check_disk(revert, def, error))
            return false;
    }
    return true;
}

void
revert_plan_unheld(struct plan *plan, const struct revert *revert)
{
    const GPtrArray *all = revert->state->unheld;

    for (guint i = 0; i < all->len; i++) {
        const struct state_unheld *unheld = g_ptr_array_index(all, i);

        if (unheld->domain == revert_definition(revert) && !unheld->disk->readonly &&
            unheld->image && state_unheld_returns(revert->state, unheld->disk))
            plan_check_lock(plan, unheld->image->path, &unheld->image->identity);
    }
}

bool
revert_place_unheld(const struct revert *revert, const struct domain_disk *def,
                    struct domain_disk_change *change)
{
    const struct state_disk *now = revert_find_active(revert, def->target);

    *change = (struct domain_disk_change){.target = def->target};
    if (!goes_on(revert, def, now) || is_unchanged(def, now))
        return def->layers != NULL;
    *change = (struct domain_disk_change){def->target, now->def->type, now->def->source,
                                          driver_type(now->def)};
    return true;
}
