/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/run.h"

#include <string.h>
#include <unistd.h>

#include "txn/check.h"
#include "txn/finish.h"
#include "txn/journal.h"
#include "txn/prepare.h"
#include "txn/step-image.h"
#include "txn/step-look.h"
#include "txn/watch.h"
#include "util/child.h"
#include "util/error.h"
#include "util/interrupt.h"

/* Take everything back after FAILURE (ownership passes) and report it; a failing undo is worse. */
static bool
roll_back(const struct execution *execution, guint begun, GError *failure, GError **error)
{
    g_autoptr(GError) local = NULL;

    /* The signal that stopped the work must not stop this. */
    child_set_cancel(-1);
    if (plan_undo(execution->plan, begun, &execution->context, &local) &&
        journal_remove(execution->setting.options->state_directory, &local)) {
        g_propagate_error(error, failure);
        return false;
    }
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "%s; and it could not be undone (%s): run `offshot recover`", failure->message,
                local->message);
    g_error_free(failure);
    return false;
}

/* Whether a name that was linked to a new file leads to the file that was made. */
static bool
check_linked(const struct plan *plan, const struct step *link, GError **error)
{
    for (guint i = 0; i < plan->prepare->len; i++) {
        const struct step *maker = g_ptr_array_index(plan->prepare, i);

        if ((maker->kind != STEP_CREATE_OVERLAY && maker->kind != STEP_CONVERT) ||
            strcmp(maker->path, link->source) != 0 ||
            file_identity_is_same_file(&maker->made, &link->made))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "'%s' was replaced by somebody else while it was made", maker->path);
        return false;
    }
    return true;
}

/* A file that was linked to a second name may have become another to the kernel (an overlay file
 * system copies it up); what is to be replaced is what has that second name.
 */
static void
identify_linked(const struct plan *plan, const struct step *link)
{
    for (guint i = 0; i < plan->apply->len; i++) {
        struct step *step = g_ptr_array_index(plan->apply, i);

        if (step->kind == STEP_REPLACE && strcmp(step->path, link->source) == 0)
            step->old = link->made;
    }
}

/* An image that got or took a tag is not any more as the planner saw it, and that was us. */
static bool
identify_changed(const struct plan *plan, const struct step *changed, GError **error)
{
    struct file_identity now;
    struct stat st;

    if (!step_look(changed->path, &now, &st, error))
        return false;
    for (guint i = 0; i < plan->apply->len; i++) {
        struct step *step = g_ptr_array_index(plan->apply, i);

        if (step->kind == STEP_REPLACE && strcmp(step->path, changed->path) == 0 &&
            file_identity_is_same_file(&step->old, &now))
            step->old = now;
    }
    return true;
}

static bool
identify_prepared(const struct plan *plan, struct step *step, GError **error)
{
    if (step_kind_is_image(step->kind))
        return identify_changed(plan, step, error);
    if (step->kind != STEP_LINK)
        return true;
    if (!step_identify(step, error) || !check_linked(plan, step, error))
        return false;
    identify_linked(plan, step);
    return true;
}

/* Note which files were made, for the commit record. */
static bool
identify(const struct plan *plan, GError **error)
{
    for (guint i = 0; i < plan->prepare->len; i++) {
        if (!identify_prepared(plan, g_ptr_array_index(plan->prepare, i), error))
            return false;
    }
    for (guint i = 0; i < plan->apply->len; i++) {
        if (!step_identify(g_ptr_array_index(plan->apply, i), error))
            return false;
    }
    return true;
}

/* Write the commit record. When that fails, what counts is the record that a recovery would read:
 * it may have been written although it could not be flushed.
 */
static bool
commit(const struct plan *plan, const char *directory, GError **error)
{
    scoped(journal) journal = NULL;
    g_autoptr(GError) local = NULL;

    if (journal_save(directory, plan, PLAN_APPLY, &local))
        return true;
    journal = journal_load(directory, plan->domain, false, NULL);
    if (journal && journal->phase == PLAN_APPLY)
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* Everything up to the commit record. */
static bool
prepare_and_commit(const struct execution *execution, guint *begun, GError **error)
{
    const struct plan *plan = execution->plan;

    return plan_prepare(execution, begun, error) && plan_sync_directories(plan->prepare, error) &&
           identify(plan, error) && plan_check_interrupted(error) &&
           commit(plan, execution->setting.options->state_directory, error);
}

static bool
run_locked(struct execution *execution, GError **error)
{
    const char *directory = execution->setting.options->state_directory;
    g_autoptr(GError) local = NULL;
    guint begun = 0;
    bool undone;

    if (!prepare_and_commit(execution, &begun, &local))
        return roll_back(execution, begun, g_steal_pointer(&local), error);
    if (plan_apply_or_undo(execution, &undone, &local) && journal_remove(directory, &local))
        return true;
    if (undone && journal_remove(directory, NULL)) {
        g_set_error(error, OFFSHOT_ERROR,
                    local->code == OFFSHOT_ERROR_INTERRUPTED ? OFFSHOT_ERROR_FAILED : local->code,
                    "%s", local->message);
        return false;
    }
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "%s; the operation has begun: remove the cause, then run `offshot recover`",
                local->message);
    return false;
}

bool
txn_run(struct plan *plan, const struct txn_options *options, GError **error)
{
    GArray *locks = plan_locks_new();
    scoped(watch) watch = watch_new();
    bool yielded = false;
    struct execution execution = {
        .plan = plan,
        .context = {.plan = plan,
                    .same_boot = true,
                    .yielded = &yielded,
                    .watch = watch,
                    .notes = options->notes},
        .setting = {.options = options},
    };
    bool done;

    interrupt_begin();
    child_set_cancel(interrupt_fd());
    done = plan_check(plan, locks, error);
    if (done)
        done = run_locked(&execution, error);
    child_set_cancel(-1);
    interrupt_end();
    plan_locks_free(locks);
    return done;
}

bool
txn_check(const struct plan *plan, GError **error)
{
    GArray *locks = plan_locks_new();
    bool fine = plan_check(plan, locks, error);

    plan_locks_free(locks);
    return fine;
}
