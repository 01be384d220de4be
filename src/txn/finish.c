/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/finish.h"

#include "txn/journal.h"
#include "txn/step-image.h"
#include "util/error.h"
#include "util/interrupt.h"

bool
plan_sync_directories(const GPtrArray *steps, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < steps->len; i++) {
        const struct step *step = g_ptr_array_index(steps, i);
        const char *names[] = {step->path, step->kind == STEP_LINK ? NULL : step->source};

        for (size_t n = 0; n < G_N_ELEMENTS(names); n++) {
            g_autofree char *directory = names[n] ? g_path_get_dirname(names[n]) : NULL;

            if (!directory || step->kind == STEP_FILL_DEVICE || step_kind_is_image(step->kind) ||
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
can_be_abandoned(enum step_kind kind)
{
    return kind == STEP_REBASE || kind == STEP_RELINK;
}

static bool
merges(enum step_kind kind)
{
    return kind == STEP_COMMIT || can_be_abandoned(kind);
}

/* Whether STEP may have done something that cannot be taken back. In a recovery a guest may have
 * run on what a rebase made, and its old link must not come back.
 */
static bool
may_show(const struct execution *execution, const struct step *step)
{
    const struct step_context *context = &execution->context;

    /* what was interrupted had been begun, or not: only the image can tell */
    if (context->recovering && merges(step->kind))
        return execution->ranks_begun || !step_image_is_untouched(step, context);
    if (step->begun)
        return context->recovering || !can_be_abandoned(step->kind);
    return step_is_hidden(step) || step_was_applied(step, context);
}

/* Whether nothing of a committed plan can be seen yet that could not be taken back. */
static bool
nothing_applied(const struct execution *execution)
{
    const GPtrArray *apply = execution->plan->apply;

    for (guint i = 0; i < apply->len; i++) {
        if (may_show(execution, g_ptr_array_index(apply, i)))
            return false;
    }
    return true;
}

/* Give images their old backing links again, and mend what did not get to its new one. */
static bool
abandon(const struct plan *plan, const struct step_context *context, GError **error)
{
    for (guint i = plan->apply->len; i-- > 0;) {
        const struct step *step = g_ptr_array_index(plan->apply, i);

        if (step->begun && can_be_abandoned(step->kind) &&
            !step_image_abandon(step, context, error))
            return false;
    }
    return true;
}

bool
plan_apply_or_undo(struct execution *execution, bool *undone, GError **error)
{
    const char *directory = execution->setting.options->state_directory;
    const struct step_context *context = &execution->context;
    const struct plan *plan = execution->plan;
    g_autoptr(GError) failure = NULL;
    g_autoptr(GError) local = NULL;

    *undone = false;
    if (plan_apply(execution, &failure))
        return true;
    /* Who stops a recovery wants it to stop, not to go the other way. */
    if (!(context->recovering && interrupt_pending() != 0) && nothing_applied(execution) &&
        abandon(plan, context, &local) && journal_save(directory, plan, PLAN_PREPARE, &local))
        *undone = plan_undo(plan, plan->prepare->len, context, &local);
    /* Why it cannot be undone either is what the user has to deal with. */
    g_propagate_error(error, local ? g_steal_pointer(&local) : g_steal_pointer(&failure));
    return false;
}
