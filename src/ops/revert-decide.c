/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/snapshot-facts.h"
#include "ops/merge-rules.h"
#include "ops/revert-parts.h"
#include "util/error.h"

void
revert_free(struct revert *revert)
{
    if (!revert)
        return;
    for (guint i = 0; i < revert->disks->len; i++) {
        struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);

        g_free(disk->path);
        g_free(disk->saved);
    }
    g_array_unref(revert->disks);
    g_hash_table_unref(revert->leaving);
    domain_def_free(revert->text);
    g_free(revert);
}

static bool
kept_names(const struct snapshot_def *def)
{
    g_autofree char *element = def && def->domain ? domain_def_element(def->domain) : NULL;

    return element && snapshot_facts_keep_filename(element);
}

const struct domain_def *
revert_definition(const struct revert *revert)
{
    const struct snapshot_def *target = revert->request->target;

    return target->inactive_domain ? target->inactive_domain : target->domain;
}

const struct revert_disk *
revert_find_disk(const struct revert *revert, const char *target)
{
    for (guint i = 0; i < revert->disks->len; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);

        if (strcmp(disk->frozen->disk->name, target) == 0)
            return disk;
    }
    return NULL;
}

const struct state_disk *
revert_find_active(const struct revert *revert, const char *target)
{
    const GArray *disks = revert->state->disks;

    for (guint i = 0; i < disks->len; i++) {
        const struct state_disk *disk = &g_array_index(disks, struct state_disk, i);

        if (strcmp(disk->def->target, target) == 0)
            return disk;
    }
    return NULL;
}

/* Whether the definition that comes back has the disk: one that was plugged into a running VM may
 * be missing there.
 */
static bool
is_defined(const struct revert *revert, const struct snapshot_disk *disk)
{
    const struct domain_def *then = revert_definition(revert);

    for (guint i = 0; i < then->disks->len; i++) {
        const struct domain_disk *def = g_ptr_array_index(then->disks, i);

        if (strcmp(def->target, disk->name) == 0)
            return true;
    }
    return false;
}

static void
note_disk(const struct revert *revert, const struct snapshot_disk *disk, const char *what)
{
    if (revert->notes)
        g_ptr_array_add(revert->notes, g_strdup_printf("disk '%s' of snapshot '%s' %s", disk->name,
                                                       revert->request->target->name, what));
}

static bool
add_disk(struct revert *revert, const struct snapshot_disk *def, GError **error)
{
    const char *name = revert->request->target->name;
    const struct state_frozen *frozen = state_find_frozen(revert->state, name, def->name);
    struct revert_disk disk = {.frozen = frozen};

    if (frozen->error) {
        g_propagate_prefixed_error(error, g_error_copy(frozen->error),
                                   "disk '%s' of snapshot '%s': ", def->name, name);
        return false;
    }
    if (frozen->record == STATE_RECORD_OTHER)
        note_disk(
            revert, def,
            "is in another file than the one that was frozen under that name: look at what it "
            "holds before you rely on it");
    disk.active = revert_find_active(revert, def->name);
    /* what the domain has as another format than it is would be given the wrong one */
    if (disk.active && disk.active->error && disk.active->image) {
        g_propagate_prefixed_error(error, g_error_copy(disk.active->error),
                                   "disk '%s' of the domain: ", def->name);
        return false;
    }
    disk.how = def->snapshot == SNAPSHOT_LOCATION_INTERNAL ? REVERT_TAG : REVERT_ANEW;
    if (disk.how == REVERT_TAG) {
        disk.path = g_strdup(frozen->path);
        disk.format = frozen->image->format;
    }
    g_array_append_val(revert->disks, disk);
    return true;
}

static bool
add_disks(struct revert *revert, GError **error)
{
    const GPtrArray *disks = revert->request->target->disks;

    for (guint i = 0; i < disks->len; i++) {
        const struct snapshot_disk *def = g_ptr_array_index(disks, i);

        if (def->snapshot == SNAPSHOT_LOCATION_MANUAL)
            note_disk(revert, def, "was left to you: put its state back by hand");
        if (def->snapshot != SNAPSHOT_LOCATION_EXTERNAL &&
            def->snapshot != SNAPSHOT_LOCATION_INTERNAL)
            continue;
        if (!is_defined(revert, def))
            note_disk(revert, def, "is not in the definition that comes back, and stays as it is");
        else if (!add_disk(revert, def, error))
            return false;
    }
    return true;
}

struct revert *
revert_begin(const struct state *state, const struct revert_request *request, GPtrArray *notes,
             GError **error)
{
    scoped(revert) revert = g_new0(struct revert, 1);

    revert->state = state;
    revert->request = request;
    revert->notes = notes;
    revert->disks = g_array_new(FALSE, TRUE, sizeof(struct revert_disk));
    revert->leaving = g_hash_table_new(NULL, NULL);
    revert->all_known = merge_rules_state_known(state, NULL);
    revert->target_keeps_names = kept_names(request->target);
    revert->keeps_names =
        revert->target_keeps_names || kept_names(snapshot_tree_current(state->snapshots->tree));
    if (!add_disks(revert, error) || !revert_name_overlays(revert, error))
        return NULL;
    return g_steal_pointer(&revert);
}
