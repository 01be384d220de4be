/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/snapshot-facts.h"
#include "ops/record.h"
#include "ops/revert-parts.h"
#include "util/error.h"

static const struct domain_disk *
find_definition(const struct domain_def *domain, const char *target)
{
    for (guint i = 0; i < domain->disks->len; i++) {
        const struct domain_disk *def = g_ptr_array_index(domain->disks, i);

        if (strcmp(def->target, target) == 0)
            return def;
    }
    return NULL;
}

/* New overlays are files; an image that goes back is what it is. */
static enum disk_type
revert_disk_type(const struct revert_disk *disk)
{
    return disk->how == REVERT_TAG && disk->frozen->image->block ? DISK_TYPE_BLOCK : DISK_TYPE_FILE;
}

/* Where DEF, a disk of the snapshot's definition, is to be. Returns whether that changes it. */
static bool
place_disk(const struct revert *revert, const struct domain_disk *def,
           struct domain_disk_change *change)
{
    const struct revert_disk *disk = revert_find_disk(revert, def->target);

    if (!disk)
        return revert_place_unheld(revert, def, change);
    *change = (struct domain_disk_change){.target = def->target};
    /* what it says of the chain may be outdated, and the images say it */
    if (disk->how == REVERT_TAG && g_strcmp0(def->source, disk->path) == 0)
        return def->layers != NULL;
    *change = (struct domain_disk_change){def->target, revert_disk_type(disk), disk->path,
                                          disk->format->libvirt};
    return true;
}

/* The snapshot's definition of the domain with the disks where they will be. */
static char *
definition(const struct revert *revert, GError **error)
{
    const struct domain_def *then = revert_definition(revert);
    g_autoptr(GArray) changes = g_array_new(FALSE, TRUE, sizeof(struct domain_disk_change));
    const char *name = revert->state->domain->name;
    g_autofree char *element = NULL;
    g_autofree char *cleared = NULL;

    for (guint i = 0; i < then->disks->len; i++) {
        struct domain_disk_change change;

        if (place_disk(revert, g_ptr_array_index(then->disks, i), &change))
            g_array_append_val(changes, change);
    }
    element = domain_def_rewrite(then, (const struct domain_disk_change *)changes->data,
                                 changes->len, true, error);
    cleared = element ? snapshot_facts_clear(element, error) : NULL;
    /* of a domain that was renamed since only the name of today leads to its snapshots */
    if (cleared && strcmp(then->name, name) != 0)
        return domain_def_rename_element(cleared, name, error);
    return g_steal_pointer(&cleared);
}

/* Disks that the domain has gained are not in the old definition; their files stay. */
static void
note_gained(const struct revert *revert)
{
    for (guint i = 0; i < revert->state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(revert->state->disks, struct state_disk, i);

        if (find_definition(revert->text, disk->def->target))
            continue;
        g_ptr_array_add(revert->notes,
                        g_strdup_printf("disk '%s' was attached after the snapshot and is not part "
                                        "of the domain any more; its image '%s' is kept",
                                        disk->def->target,
                                        disk->def->source ? disk->def->source : "(none)"));
    }
}

static void
note_lost(const struct revert *revert)
{
    for (guint i = 0; i < revert->text->disks->len; i++) {
        const struct domain_disk *def = g_ptr_array_index(revert->text->disks, i);

        if (!find_definition(revert->state->domain, def->target))
            g_ptr_array_add(revert->notes,
                            g_strdup_printf("disk '%s' was detached after the snapshot and is part "
                                            "of the domain again",
                                            def->target));
    }
}

bool
revert_domain_plan(struct plan *plan, struct revert *revert, GError **error)
{
    g_autofree char *element = definition(revert, error);
    g_autofree char *document = NULL;

    if (!element)
        return false;
    revert->text = domain_def_parse(element, strlen(element), revert->request->target->name, error);
    if (!revert->text)
        return false;
    note_gained(revert);
    note_lost(revert);
    if (domain_def_is_same(revert->text, revert->state->domain))
        return true;
    document = domain_def_replace_element(revert->state->domain, element, error);
    return document && record_domain(plan, revert->state, document, error);
}
