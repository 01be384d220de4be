/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/create-shared.h"

#include "load/tree.h"
#include "ops/usage.h"
#include "util/error.h"

/* No other disk of the domain may write the image that is frozen, or an image below it. */
static bool
check_disks(const struct state *state, const struct state_disk *mine, GError **error)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *other = &g_array_index(state->disks, struct state_disk, i);

        if (other == mine || !other->image)
            continue;
        if (other->image == mine->image) {
            g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                        "disks '%s' and '%s' have the same image '%s'", mine->def->target,
                        other->def->target, mine->image->path);
            return false;
        }
        if (image_stands_on(other->image, mine->image) ||
            (!other->def->readonly && image_stands_on(mine->image, other->image))) {
            g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                        "disks '%s' and '%s' share a backing chain in which one writes what the "
                        "other depends on",
                        mine->def->target, other->def->target);
            return false;
        }
    }
    return true;
}

/* Nor may another domain: its guest would write the frozen image, and an internal snapshot of this
 * one could never be gone back to.
 */
static bool
check_no_writer(const struct state *state, const struct state_disk *mine, GError **error)
{
    const struct state_neighbour *writer = state_find_writer(state, mine->image);

    if (writer)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s': '%s' is disk '%s' of domain '%s' as well, which would write it: "
                    "make it <readonly/> in '%s' or take it out there, or leave it out of the "
                    "snapshot",
                    mine->def->target, mine->image->path, writer->target, writer->domain,
                    writer->xml);
    return !writer;
}

bool
create_shared_check(const struct state *state, const struct state_disk *mine, GError **error)
{
    return check_no_writer(state, mine, error) && check_disks(state, mine, error);
}

/* The snapshot that keeps a disk in IMAGE as it is; NULL: none. */
static const struct snapshot_def *
find_freezer(const struct state *state, const struct image *image)
{
    for (guint i = 0; state->frozen && i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->image == image && frozen->disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL)
            return frozen->def;
    }
    return NULL;
}

/* What needs IMAGE as it is, under the name that it has, for a message; NULL: nothing. Free with
 * g_free().
 */
static char *
find_need(const struct state *state, const struct image *image)
{
    const struct snapshot_def *def = find_freezer(state, image);
    const GPtrArray *dependents = state_find_dependents(state, image);
    g_autoptr(GPtrArray) overlays = usage_overlays(state, image);

    if (def)
        return g_strdup_printf("snapshot '%s' is kept", def->name);
    if (overlays->len > 0)
        return g_strdup_printf("'%s' stands",
                               ((const struct image *)g_ptr_array_index(overlays, 0))->path);
    if (dependents && dependents->len > 0)
        return g_strdup_printf("'%s' stands", (const char *)g_ptr_array_index(dependents, 0));
    return NULL;
}

bool
create_shared_check_name(const struct state *state, const char *target, const struct image *image,
                         GError **error)
{
    g_autofree char *need = find_need(state, image);

    if (need)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s': %s on '%s', a name that would lead to the new overlay: leave "
                    "--keep-filename out",
                    target, need, image->path);
    return !need;
}

bool
create_shared_check_reused(const struct state *state, const char *target,
                           const struct image *overlay, GError **error)
{
    g_autofree char *need = find_need(state, overlay);

    if (need)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s': %s on '%s', which this domain would write: make an overlay of its "
                    "own for it, or leave --reuse-external out",
                    target, need, overlay->path);
    return !need;
}
