/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/snapshot-facts.h"
#include "ops/create-disk.h"
#include "ops/create.h"
#include "ops/record.h"
#include "ops/revert-parts.h"
#include "util/error.h"

static bool
target_has_disk(const struct revert *revert, const char *target)
{
    const struct domain_def *domain = revert_definition(revert);

    for (guint i = 0; i < domain->disks->len; i++) {
        if (strcmp(((const struct domain_disk *)g_ptr_array_index(domain->disks, i))->target,
                   target) == 0)
            return true;
    }
    return false;
}

/* How the present state of DISK is kept: in its image beside the state that comes, or by leaving
 * its image as it is. A disk that the target does not cover goes on as it is, and cannot be frozen.
 */
static enum snapshot_location
saved_location(const struct revert *revert, const struct state_disk *disk)
{
    const struct revert_disk *mine = revert_find_disk(revert, disk->def->target);

    if (!mine && target_has_disk(revert, disk->def->target))
        return SNAPSHOT_LOCATION_NO;
    if (mine && mine->how == REVERT_TAG && disk->image == mine->frozen->image)
        return SNAPSHOT_LOCATION_INTERNAL;
    return SNAPSHOT_LOCATION_EXTERNAL;
}

/* What create would be asked for to the same effect. */
static struct snapshot_def *
complete(const struct revert *revert, GError **error)
{
    scoped(snapshot_def) asked = snapshot_def_new();
    const struct create_request request = {.def = asked, .mode = SNAPSHOT_LOCATION_EXTERNAL};

    asked->name = g_strdup(revert->request->save_as);
    for (guint i = 0; i < revert->state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(revert->state->disks, struct state_disk, i);
        struct snapshot_disk *wanted;

        if (!disk->def->source || disk->def->readonly)
            continue;
        wanted = snapshot_disk_new(disk->def->target);
        wanted->snapshot = saved_location(revert, disk);
        g_ptr_array_add(asked->disks, wanted);
    }
    return create_complete(revert->state, &request, error);
}

static bool
plan_disk(struct plan *plan, const struct revert *revert, const struct snapshot_disk *disk,
          const char *name, GError **error)
{
    const struct create_request request = {.mode = SNAPSHOT_LOCATION_EXTERNAL};
    const struct image *image;

    if (!create_disk_check(revert->state, &request, disk, revert->notes, error))
        return false;
    image = state_get_disk(revert->state, disk->name)->image;
    if (disk->snapshot == SNAPSHOT_LOCATION_INTERNAL) {
        if (!create_internal_check(revert->state, disk, name, error))
            return false;
        create_internal_plan(plan, revert->state, disk, name);
        return true;
    }
    plan_check_exclusive(plan, image->path, &image->identity);
    return true;
}

/* Where the frozen images are, and which they are. */
static void
note_frozen(const struct revert *revert, const struct snapshot_disk *disk, GArray *frozen,
            GArray *facts)
{
    const struct state_disk *mine = state_get_disk(revert->state, disk->name);
    const struct revert_disk *reverted = revert_find_disk(revert, disk->name);
    struct frozen_image fact = {disk->name, mine->image->identity};
    struct domain_disk_change change = {disk->name, mine->def->type, NULL, NULL};

    g_array_append_val(facts, fact);
    if (!reverted || !reverted->saved)
        return;
    change.source = reverted->saved;
    g_array_append_val(frozen, change);
}

bool
revert_save_plan(struct plan *plan, struct revert *revert, GError **error)
{
    scoped(snapshot_def) def = complete(revert, error);
    g_autoptr(GArray) frozen = g_array_new(FALSE, TRUE, sizeof(struct domain_disk_change));
    g_autoptr(GArray) facts = g_array_new(FALSE, TRUE, sizeof(struct frozen_image));
    struct record record = {.def = def};

    for (guint i = 0; def && i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);

        if (disk->snapshot != SNAPSHOT_LOCATION_EXTERNAL &&
            disk->snapshot != SNAPSHOT_LOCATION_INTERNAL)
            continue;
        if (!plan_disk(plan, revert, disk, def->name, error))
            return false;
        if (disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL)
            note_frozen(revert, disk, frozen, facts);
    }
    if (!def)
        return false;
    def->active = false;
    return create_embed_domain(def, revert->state, frozen, facts,
                               frozen->len > 0 ? SNAPSHOT_FACTS_KEEP_FILENAME : 0, error) &&
           record_snapshots(plan, revert->state, &record, error);
}
