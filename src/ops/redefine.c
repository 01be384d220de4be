/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/redefine.h"

#include <string.h>

#include "conf/snapshot-align.h"
#include "conf/snapshot-facts.h"
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

static GHashTable *
facts_of(const struct snapshot_def *def)
{
    g_autofree char *element = domain_def_element(def->domain);

    return snapshot_facts_frozen(element);
}

static bool
is_same_record(const struct frozen_record *a, const struct frozen_record *b)
{
    return a->directory == b->directory && file_identity_is_unchanged(&a->identity, &b->identity);
}

/* The disks of which DEF has something on record that OLD has not, or not of the same image. A set
 * of targets, borrowed from FACTS, those of DEF; free with g_hash_table_unref().
 */
static GHashTable *
find_outdated(const struct snapshot_def *def, const struct snapshot_def *old, GHashTable *facts)
{
    GHashTable *outdated = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) known = facts_of(old);
    GHashTableIter iter;
    gpointer disk;
    gpointer then;

    g_hash_table_iter_init(&iter, facts);
    while (g_hash_table_iter_next(&iter, &disk, &then)) {
        const struct frozen_record *now = g_hash_table_lookup(known, disk);

        if (!now || !is_same_record(now, then) ||
            g_strcmp0(snapshot_def_frozen_path(def, disk), snapshot_def_frozen_path(old, disk)) !=
                0)
            g_hash_table_add(outdated, disk);
    }
    return outdated;
}

/* Which file was frozen is on record of the image that OLD names, as it is by now: a document from
 * before a merge, or that says where the image has been moved to, does not know it.
 */
static bool
drop_outdated(struct snapshot_def *def, const struct snapshot_def *old, GError **error)
{
    g_autoptr(GHashTable) facts = NULL;
    g_autoptr(GHashTable) outdated = NULL;
    g_autofree char *element = NULL;
    g_autofree char *text = NULL;

    if (!def->domain || !old || !old->domain)
        return true;
    facts = facts_of(def);
    outdated = find_outdated(def, old, facts);
    if (g_hash_table_size(outdated) == 0)
        return true;
    element = domain_def_element(def->domain);
    text = snapshot_facts_forget(element, outdated, error);
    if (!text)
        return false;
    domain_def_free(def->domain);
    def->domain = domain_def_parse(text, strlen(text), def->name, error);
    return def->domain != NULL;
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
        !complete_disks(def, error) || !drop_outdated(def, old, error))
        return NULL;
    def->active = current || (old && old->active);
    if (!record_snapshots(plan, state, &record, error))
        return NULL;
    return g_steal_pointer(&plan);
}
