/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/finish.h"

#include "txn/journal.h"
#include "util/error.h"

bool
plan_sync_directories(const GPtrArray *steps, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < steps->len; i++) {
        const struct step *step = g_ptr_array_index(steps, i);
        const char *names[] = {step->path, step->kind == STEP_LINK ? NULL : step->source};

        for (size_t n = 0; n < G_N_ELEMENTS(names); n++) {
            g_autofree char *directory = names[n] ? g_path_get_dirname(names[n]) : NULL;

            if (!directory || step->kind == STEP_FILL_DEVICE ||
                g_hash_table_contains(seen, directory))
                continue;
            if (g_file_test(directory, G_FILE_TEST_IS_DIR) &&
                !file_sync_directory(directory, error))
                return false;
            g_hash_table_add(seen, g_steal_pointer(&directory));
        }
    }
    return true;
}

bool
plan_undo(const struct plan *plan, guint count, const struct step_context *context, GError **error)
{
    g_autoptr(GError) local = NULL;

    for (guint i = count; i-- > 0;) {
        if (step_undo(g_ptr_array_index(plan->prepare, i), context, &local))
            continue;
        if (local->code != OFFSHOT_ERROR_BUSY)
            local->code = OFFSHOT_ERROR_INTERRUPTED;
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    return true;
}

static bool
apply(const struct plan *plan, const struct step_context *context, GError **error)
{
    for (guint i = 0; i < plan->prepare->len; i++) {
        if (!step_ensure(g_ptr_array_index(plan->prepare, i), context, error))
            return false;
    }
    for (guint i = 0; i < plan->apply->len; i++) {
        if (!step_finish(g_ptr_array_index(plan->apply, i), context, error))
            return false;
    }
    return plan_sync_directories(plan->apply, error);
}

/* Whether nothing of a committed plan can be seen yet, so that it can still be taken back. */
static bool
nothing_applied(const struct plan *plan, const struct step_context *context)
{
    for (guint i = 0; i < plan->apply->len; i++) {
        if (step_was_applied(g_ptr_array_index(plan->apply, i), context))
            return false;
    }
    return true;
}

bool
plan_apply_or_undo(const struct plan *plan, const struct step_context *context,
                   const char *directory, bool *undone, GError **error)
{
    g_autoptr(GError) failure = NULL;
    g_autoptr(GError) local = NULL;

    *undone = false;
    if (apply(plan, context, &failure))
        return true;
    if (nothing_applied(plan, context) && journal_save(directory, plan, PLAN_PREPARE, &local))
        *undone = plan_undo(plan, plan->prepare->len, context, &local);
    /* Why it cannot be undone either is what the user has to deal with. */
    g_propagate_error(error, local ? g_steal_pointer(&local) : g_steal_pointer(&failure));
    return false;
}
