/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/run.h"

#include <string.h>
#include <unistd.h>

#include "txn/check.h"
#include "txn/finish.h"
#include "txn/journal.h"
#include "txn/step-image.h"
#include "txn/step-look.h"
#include "txn/watch.h"
#include "util/error.h"
#include "util/interrupt.h"

void
txn_recovered_clear(struct txn_recovered *recovered)
{
    g_clear_pointer(&recovered->operation, g_free);
    g_clear_pointer(&recovered->snapshot, g_free);
}

/* Why it was undone. What the user would have to do so that it can be finished is of no use then.
 */
static void
note_cause(const struct step_context *context, const GError *error)
{
    static const char *const advices[] = {STEP_EDITED_ADVICE, STEP_STRANGER_ADVICE};
    size_t length = strlen(error->message);

    for (size_t i = 0; i < G_N_ELEMENTS(advices); i++) {
        if (g_str_has_suffix(error->message, advices[i]))
            length = strlen(error->message) - strlen(advices[i]);
    }
    step_note(context, "%.*s", (int)length, error->message);
}

static void
set_unfinished(const struct plan *plan, bool undone, const GError *cause, GError **error)
{
    bool advised = g_str_has_suffix(cause->message, STEP_EDITED_ADVICE);

    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "the interrupted '%s' cannot be %s: %s%s", plan->operation,
                undone ? "undone" : "finished", cause->message,
                advised ? "" : "; remove the cause, then run `offshot recover`");
}

/* Whether one of STEPS changes or moves PATH, and says itself what becomes of it. */
static bool
any_step_moves(const GPtrArray *steps, const char *path)
{
    for (guint i = 0; i < steps->len; i++) {
        const struct step *step = g_ptr_array_index(steps, i);

        if (strcmp(step->path, path) == 0 || g_strcmp0(step->source, path) == 0)
            return true;
    }
    return false;
}

/* What a guest wrote before it was pointed at its new image is in the one that was frozen. */
static void
note_written(const struct plan *plan, const struct step_context *context)
{
    for (guint i = 0; i < plan->checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(plan->checks, i);
        struct file_identity there;
        struct stat st;

        if ((check->kind == PLAN_CHECK_LOCK || check->kind == PLAN_CHECK_EXCLUSIVE) &&
            !any_step_moves(plan->prepare, check->path) &&
            !any_step_moves(plan->apply, check->path) &&
            step_look(check->path, &there, &st, NULL) && S_ISREG(st.st_mode) &&
            step_same_file(context, &there, &check->identity) &&
            !step_unchanged_file(context, &there, &check->identity))
            step_note(context,
                      "'%s' was written after the operation was interrupted; the snapshot holds "
                      "what was written, too",
                      check->path);
    }
}

/* Undo or finish; *WHAT says which. Whatever goes wrong leaves the journal, and so an operation
 * that is half done.
 */
static bool
recover_locked(const struct journal *journal, const struct txn_options *options,
               enum txn_recovery *what, GError **error)
{
    const struct plan *plan = journal->plan;
    scoped(watch) watch = watch_new();
    bool yielded = false;
    struct execution execution = {
        .plan = journal->plan,
        .context = {.same_boot = journal->same_boot,
                    .plan = plan,
                    .recovering = true,
                    .yielded = &yielded,
                    .watch = watch,
                    .notes = options->notes},
        .setting = {.options = options},
    };
    const struct step_context *context = &execution.context;
    g_autoptr(GError) local = NULL;
    bool undone = journal->phase == PLAN_PREPARE;
    bool fine;

    if (undone) {
        fine = plan_undo(plan, plan->prepare->len, context, &local);
    } else {
        fine = plan_apply_or_undo(&execution, &undone, &local) || undone;
        if (undone)
            note_cause(context, local);
        if (undone)
            g_clear_error(&local);
        if (fine && !undone)
            note_written(plan, context);
    }
    *what = undone ? TXN_UNDONE : TXN_FINISHED;
    if (fine && journal_remove(options->state_directory, &local))
        return true;
    if (local->code == OFFSHOT_ERROR_BUSY) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    set_unfinished(plan, undone, local, error);
    return false;
}

bool
txn_recover(const struct txn_options *options, const char *domain, bool dry_run,
            struct txn_recovered *recovered, GError **error)
{
    g_autoptr(GError) local = NULL;
    scoped(journal) journal =
        journal_load(options->state_directory, domain, options->asked, &local);
    enum txn_recovery what;
    GArray *locks;
    bool done;

    *recovered = (struct txn_recovered){.what = TXN_NOTHING};
    if (!journal && !local)
        return true;
    if (!journal) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    what = journal->phase == PLAN_PREPARE ? TXN_UNDONE : TXN_FINISHED;
    locks = plan_locks_new();
    interrupt_begin();
    done = dry_run || (plan_lock_images(journal->plan, journal->phase, locks, error) &&
                       recover_locked(journal, options, &what, error));
    interrupt_end();
    plan_locks_free(locks);
    if (done) {
        recovered->what = what;
        recovered->operation = g_strdup(journal->plan->operation);
        recovered->snapshot = g_strdup(journal->plan->snapshot);
    }
    return done;
}

bool
txn_recovery_is_quick(const char *directory)
{
    scoped(journal) journal = journal_load(directory, NULL, false, NULL);
    const GPtrArray *steps;

    if (!journal)
        return true;
    steps = journal->phase == PLAN_PREPARE ? journal->plan->prepare : journal->plan->apply;
    for (guint i = 0; i < steps->len; i++) {
        if (step_kind_is_image(((const struct step *)g_ptr_array_index(steps, i))->kind))
            return false;
    }
    return true;
}
