/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/run.h"

#include <unistd.h>

#include "txn/check.h"
#include "txn/finish.h"
#include "txn/journal.h"
#include "txn/step-look.h"
#include "util/error.h"
#include "util/interrupt.h"

void
txn_recovered_clear(struct txn_recovered *recovered)
{
    g_clear_pointer(&recovered->operation, g_free);
    g_clear_pointer(&recovered->snapshot, g_free);
}

/* Undo or finish; *WHAT says which. Whatever goes wrong leaves the journal, and so an operation
 * that is half done.
 */
static bool
recover_locked(const struct journal *journal, const struct txn_options *options,
               enum txn_recovery *what, GError **error)
{
    const struct plan *plan = journal->plan;
    const struct step_context context = {
        .same_boot = journal->same_boot,
        .plan = plan,
        .recovering = true,
        .notes = options->notes,
    };
    g_autoptr(GError) local = NULL;
    bool undone = journal->phase == PLAN_PREPARE;
    bool fine;

    if (undone) {
        fine = plan_undo(plan, plan->prepare->len, &context, &local);
    } else {
        fine =
            plan_apply_or_undo(plan, &context, options->state_directory, &undone, &local) || undone;
        if (undone)
            step_note(&context, "%s", local->message);
        if (undone)
            g_clear_error(&local);
    }
    *what = undone ? TXN_UNDONE : TXN_FINISHED;
    if (fine && journal_remove(options->state_directory, &local))
        return true;
    if (local->code == OFFSHOT_ERROR_BUSY) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
        "the interrupted '%s' cannot be %s: %s; remove the cause, then run `offshot recover`",
        plan->operation, undone ? "undone" : "finished", local->message);
    return false;
}

bool
txn_recover(const struct txn_options *options, const char *domain, bool dry_run,
            struct txn_recovered *recovered, GError **error)
{
    g_autoptr(GError) local = NULL;
    scoped(journal) journal = journal_load(options->state_directory, domain, &local);
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
    /* Undoing only takes names away that no VM was told of; finishing moves images under a VM's
     * feet. */
    done = dry_run ||
           ((journal->phase == PLAN_PREPARE || plan_lock_images(journal->plan, locks, error)) &&
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
