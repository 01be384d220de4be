/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/redefine.h"

#include <string.h>

#include "conf/snapshot-align.h"
#include "ops/record.h"
#include "util/error.h"

/* libvirt tells snapshots of three kinds apart by their state. */
static const char *
snapshot_kind(const struct snapshot_def *def)
{
    if (strcmp(def->state, "disk-snapshot") == 0)
        return "disk-only";
    return strcmp(def->state, "shutoff") == 0 ? "offline" : "online";
}

static bool
check_same_kind(const struct snapshot_def *def, const struct snapshot_def *old, GError **error)
{
    if (strcmp(snapshot_kind(def), snapshot_kind(old)) == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "snapshot '%s' is %s and cannot be redefined as %s", def->name, snapshot_kind(old),
                snapshot_kind(def));
    return false;
}

static bool
check_uuid(const struct state *state, const struct snapshot_def *def, GError **error)
{
    const char *mine = state->domain->uuid;
    const char *given = def->domain ? def->domain->uuid : NULL;

    if (!mine || !given || strcmp(mine, given) == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "snapshot '%s' is of the domain with UUID %s, not of '%s' with UUID %s", def->name,
                given, state->domain->name, mine);
    return false;
}

/* Take the <domain> from the snapshot that is replaced when the new document has none. */
static bool
complete_domain(struct snapshot_def *def, const struct snapshot_def *old, GError **error)
{
    g_autofree char *element = NULL;

    if (def->domain)
        return true;
    if (!old || !old->domain) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "snapshot '%s' has no <domain>, and there is none to take it from", def->name);
        return false;
    }
    element = domain_def_element(old->domain);
    def->domain = domain_def_parse(element, strlen(element), def->name, error);
    return def->domain != NULL;
}

static bool
complete_disks(struct snapshot_def *def, GError **error)
{
    bool external =
        strcmp(def->state, "disk-snapshot") == 0 || def->memory == SNAPSHOT_LOCATION_EXTERNAL;

    return !def->domain || snapshot_def_align_disks(def, def->domain,
                                                    external ? SNAPSHOT_LOCATION_EXTERNAL
                                                             : SNAPSHOT_LOCATION_INTERNAL,
                                                    error);
}

bool
redefine_check(const struct state *state, struct snapshot_def *def, const struct snapshot_def *old,
               GError **error)
{
    return check_uuid(state, def, error) && (!old || check_same_kind(def, old, error)) &&
           complete_domain(def, old, error);
}

struct plan *
redefine_plan(const struct state *state, struct snapshot_def *def, bool current, GError **error)
{
    const struct snapshot_tree *tree = state->snapshots->tree;
    const struct snapshot_def *old = snapshot_tree_find(tree, def->name);
    const struct record record = {.def = def, .replace = old != NULL};
    scoped(plan) plan = plan_new("redefine", state->domain->name, def->name);

    if (!snapshot_name_check(def->name, error) || !redefine_check(state, def, old, error) ||
        !snapshot_tree_check_parent(tree, def->name, def->parent, error) ||
        !complete_disks(def, error))
        return NULL;
    def->active = current || (old && old->active);
    if (!record_snapshots(plan, state, &record, error))
        return NULL;
    return g_steal_pointer(&plan);
}
