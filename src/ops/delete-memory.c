/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/delete-memory.h"

#include <string.h>

#include "ops/record.h"

/* Whether the two name one file, as far as it can be told. */
static bool
may_be_same(const struct state_memory *one, const struct state_memory *other)
{
    if (strcmp(one->def->memory_file, other->def->memory_file) == 0)
        return true;
    if (one->missing || other->missing)
        return false;
    return one->identity.inode == 0 || other->identity.inode == 0 ||
           file_identity_is_same_file(&one->identity, &other->identity);
}

/* A snapshot that remains and may have MEMORY as its own, or NULL. */
static const struct snapshot_def *
find_other(const struct state *state, snapshot_set *removed, const struct state_memory *memory)
{
    for (guint i = 0; i < state->memory->len; i++) {
        const struct state_memory *other = g_ptr_array_index(state->memory, i);

        if (!g_hash_table_contains(removed, other->def->name) && may_be_same(memory, other))
            return other->def;
    }
    return NULL;
}

/* Why the file stays, or NULL. Free with g_free(). */
static char *
find_reason(const struct state *state, snapshot_set *removed, const struct state_memory *memory)
{
    const struct snapshot_def *other = find_other(state, removed, memory);

    if (memory->reason)
        return g_strdup(memory->reason);
    return other ? g_strdup_printf("snapshot '%s' may need it", other->name) : NULL;
}

/* Two snapshots may name one file. */
static bool
is_planned(const struct plan *plan, const struct file_identity *identity)
{
    for (guint i = 0; i < plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(plan->apply, i);

        if (step->kind == STEP_UNLINK && file_identity_is_same_file(&step->old, identity))
            return true;
    }
    return false;
}

static void
plan_memory(struct plan *plan, const struct state *state, snapshot_set *removed,
            const struct state_memory *memory, GPtrArray *notes)
{
    const struct snapshot_def *def = memory->def;
    g_autofree char *reason = find_reason(state, removed, memory);

    if (memory->missing) {
        g_ptr_array_add(notes, g_strdup_printf("snapshot '%s': the file '%s' with its memory is "
                                               "not there any more",
                                               def->name, def->memory_file));
    } else if (reason) {
        g_ptr_array_add(notes, g_strdup_printf("snapshot '%s': its memory stays in '%s', since %s: "
                                               "remove the file if nothing needs it",
                                               def->name, def->memory_file, reason));
    } else if (!is_planned(plan, &memory->identity)) {
        plan_check_lock(plan, def->memory_file, &memory->identity);
        plan_check_unchanged(plan, def->memory_file, &memory->identity);
        record_removal(plan, def->memory_file, &memory->identity);
    }
}

void
delete_memory_plan(struct plan *plan, const struct state *state, snapshot_set *removed,
                   GPtrArray *notes)
{
    for (guint i = 0; state->memory && i < state->memory->len; i++) {
        const struct state_memory *memory = g_ptr_array_index(state->memory, i);

        if (g_hash_table_contains(removed, memory->def->name))
            plan_memory(plan, state, removed, memory, notes);
    }
}
