/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/edit.h"

#include <string.h>

#include "ops/create.h"
#include "ops/edit-rules.h"
#include "ops/record.h"
#include "ops/redefine.h"
#include "util/error.h"

static bool
gets_new_name(const struct edit_request *request, const struct snapshot_def *def)
{
    return strcmp(def->name, request->target->name) != 0;
}

static bool
gets_new_parent(const struct edit_request *request, const struct snapshot_def *def)
{
    return def->parent && g_strcmp0(def->parent, request->target->parent) != 0;
}

static bool
becomes_current(const struct edit_request *request)
{
    return request->current && !request->target->active;
}

enum state_parts
edit_state_parts(const struct edit_request *request, const struct snapshot_def *def)
{
    return gets_new_parent(request, def) || becomes_current(request) ? STATE_TREE : STATE_METADATA;
}

/* What is inside of an image is found there by the snapshot's name. */
static bool
check_not_internal(const struct edit_request *request, GError **error)
{
    const struct snapshot_def *target = request->target;
    bool internal = target->memory == SNAPSHOT_LOCATION_INTERNAL;

    for (guint i = 0; i < target->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(target->disks, i);

        internal = internal || disk->snapshot == SNAPSHOT_LOCATION_INTERNAL;
    }
    if (!internal)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "snapshot '%s' is inside of images, where it has this name for good, and cannot be "
                "%s: revert to it and `offshot create` one of the new name, or copy its disks out "
                "with `offshot extract`",
                target->name, request->clone ? "cloned" : "renamed");
    return false;
}

/* Snapshots that cannot be read may have the one as their parent that gets another name. */
static bool
check_store(const struct state *state, GError **error)
{
    if (state->snapshots->problems->len == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "the snapshot store '%s' has entries that are not in order (%s), and they might "
                "have to follow the new name: mend or remove them first",
                state->snapshots->directory,
                (const char *)g_ptr_array_index(state->snapshots->problems, 0));
    return false;
}

static bool
check_name(const struct state *state, const struct edit_request *request,
           const struct snapshot_def *def, GError **error)
{
    if (!gets_new_name(request, def))
        return true;
    if (request->rename || request->clone)
        return create_check_name(state, def->name, error) && check_not_internal(request, error) &&
               (request->clone || check_store(state, error));
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
        "snapshot '%s' is called '%s' now: --rename allows that, --clone makes a second one",
        request->target->name, def->name);
    return false;
}

/* The tree must go on saying what stands on what. */
static bool
check_place(const struct state *state, const struct edit_request *request,
            const struct snapshot_def *def, GError **error)
{
    const struct snapshot_tree *tree = state->snapshots->tree;
    const char *name = request->target->name;
    bool cloned = request->clone && gets_new_name(request, def);

    return snapshot_tree_check_parent(tree, cloned ? def->name : name, def->parent, error) &&
           (!gets_new_parent(request, def) ||
            edit_rules_check_parent(state, name, def->parent, error)) &&
           (!becomes_current(request) || edit_rules_check_current(state, name, error));
}

/* The children of a snapshot that is called NAME from now on. Free with g_hash_table_unref(). */
static GHashTable *
find_children(const struct state *state, const char *old, char *name)
{
    g_autoptr(GPtrArray) children = snapshot_tree_children(state->snapshots->tree, old);
    GHashTable *parents = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < children->len; i++) {
        const struct snapshot_def *child = g_ptr_array_index(children, i);

        g_hash_table_insert(parents, child->name, name);
    }
    return parents;
}

/* Plan that DEF stands in the place of the snapshot OLD, which has another name. */
static bool
plan_rename(struct plan *plan, const struct state *state, const struct snapshot_def *old,
            const struct snapshot_def *def, GError **error)
{
    g_autoptr(GHashTable) parents = find_children(state, old->name, def->name);
    g_autoptr(GHashTable) removed = g_hash_table_new(g_str_hash, g_str_equal);
    const struct record record = {.def = def, .removed = removed, .parents = parents};

    g_hash_table_add(removed, old->name);
    return record_snapshots(plan, state, &record, error);
}

static bool
plan_record(struct plan *plan, const struct state *state, const struct edit_request *request,
            struct snapshot_def *def, GError **error)
{
    bool another = gets_new_name(request, def);
    const struct record record = {.def = def, .replace = !another};

    def->active = request->current || (request->target->active && !(another && request->clone));
    if (another && request->rename)
        return plan_rename(plan, state, request->target, def, error);
    return record_snapshots(plan, state, &record, error);
}

struct plan *
edit_plan(const struct state *state, const struct edit_request *request, struct snapshot_def *def,
          GError **error)
{
    scoped(plan) plan = plan_new("edit", state->domain->name, def->name);

    if (!check_name(state, request, def, error) ||
        !edit_rules_check_fixed(request->target, def, error) ||
        !redefine_check(state, def, request->target, error) ||
        !check_place(state, request, def, error) || !plan_record(plan, state, request, def, error))
        return NULL;
    return g_steal_pointer(&plan);
}
