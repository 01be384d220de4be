/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/run.h"

#include <unistd.h>

#include "txn/check.h"
#include "txn/journal.h"
#include "txn/step.h"
#include "util/child.h"
#include "util/error.h"
#include "util/interrupt.h"

static void
locks_free(GArray *locks)
{
    child_set_inherited(NULL);
    for (guint i = 0; i < locks->len; i++)
        close(g_array_index(locks, int, i));
    g_array_unref(locks);
}

static GArray *
locks_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(int));
}

/* The end of the run of equal ranks that begins at FIRST. */
static guint
rank_end(const GPtrArray *steps, guint first)
{
    unsigned rank = ((struct step *)g_ptr_array_index(steps, first))->rank;
    guint end = first + 1;

    while (end < steps->len && ((struct step *)g_ptr_array_index(steps, end))->rank == rank)
        end++;
    return end;
}

static bool
check_interrupted(GError **error)
{
    if (interrupt_pending() == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "interrupted by signal %d",
                interrupt_pending());
    return false;
}

/* Run the programs of steps FIRST to END together, then judge each. */
static bool
run_programs(const GPtrArray *steps, guint first, guint end, unsigned jobs, GError **error)
{
    g_autofree struct child *children = g_new0(struct child, end - first);
    g_autofree struct child **list = g_new0(struct child *, end - first);
    size_t count = 0;
    bool fine;

    for (guint i = first; i < end; i++) {
        struct step *step = g_ptr_array_index(steps, i);

        children[i - first].argv = step->argv;
        if (step->argv)
            list[count++] = &children[i - first];
    }
    fine = count == 0 || child_run(list, count, jobs, error);
    for (size_t i = 0; i < count; i++)
        fine = fine && child_check(list[i], error);
    for (size_t i = 0; i < count; i++)
        child_clear(list[i]);
    return fine;
}

/* Run the prepare steps. *BEGUN counts those that may have left something, also after a failure. */
static bool
prepare(const struct plan *plan, unsigned jobs, guint *begun, GError **error)
{
    for (guint first = 0, end; first < plan->prepare->len; first = end) {
        end = rank_end(plan->prepare, first);
        for (guint i = first; i < end; i++) {
            if (!check_interrupted(error) ||
                !step_begin(g_ptr_array_index(plan->prepare, i), error))
                return false;
            *begun = i + 1;
        }
        if (!run_programs(plan->prepare, first, end, jobs, error))
            return false;
        for (guint i = first; i < end; i++) {
            if (!step_end(g_ptr_array_index(plan->prepare, i), error))
                return false;
        }
    }
    return check_interrupted(error);
}

/* Flush every directory in which STEPS make, move or remove names. */
static bool
sync_directories(const GPtrArray *steps, GError **error)
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
            if (!file_sync_directory(directory, error))
                return false;
            g_hash_table_add(seen, g_steal_pointer(&directory));
        }
    }
    return true;
}

/* Undo the first COUNT prepare steps in reverse. Stops at the first that cannot be undone: the
 * steps before it made what proves that its file is ours.
 */
static bool
undo(const struct plan *plan, guint count, const struct step_context *context, GError **error)
{
    g_autoptr(GError) local = NULL;

    for (guint i = count; i-- > 0;) {
        if (step_undo(g_ptr_array_index(plan->prepare, i), context, &local))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED, "%s", local->message);
        return false;
    }
    return true;
}

/* Take everything back after FAILURE (ownership passes) and report it; a failing undo is worse. */
static bool
roll_back(const struct plan *plan, guint begun, const struct txn_options *options, GError *failure,
          GError **error)
{
    const struct step_context context = {.same_boot = true, .notes = options->notes};
    g_autoptr(GError) local = NULL;

    if (undo(plan, begun, &context, &local) && journal_remove(options->state_directory, &local)) {
        g_propagate_error(error, failure);
        return false;
    }
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "%s; and it could not be undone (%s): run `offshot recover`", failure->message,
                local->message);
    g_error_free(failure);
    return false;
}

static bool
identify(const struct plan *plan, GError **error)
{
    for (guint i = 0; i < plan->apply->len; i++) {
        if (!step_identify(g_ptr_array_index(plan->apply, i), error))
            return false;
    }
    return true;
}

static bool
apply(const struct plan *plan, const struct step_context *context, GError **error)
{
    for (guint i = 0; i < plan->apply->len; i++) {
        if (!step_finish(g_ptr_array_index(plan->apply, i), context, error))
            return false;
    }
    return sync_directories(plan->apply, error);
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
    journal = journal_load(directory, plan->domain, NULL);
    if (journal && journal->phase == PLAN_APPLY)
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* Everything up to the commit record. */
static bool
prepare_and_commit(struct plan *plan, const struct txn_options *options, guint *begun,
                   GError **error)
{
    return prepare(plan, options->jobs, begun, error) && sync_directories(plan->prepare, error) &&
           identify(plan, error) && check_interrupted(error) &&
           commit(plan, options->state_directory, error);
}

static bool
run_locked(struct plan *plan, const struct txn_options *options, GError **error)
{
    const struct step_context context = {.same_boot = true, .notes = options->notes};
    g_autoptr(GError) local = NULL;
    guint begun = 0;

    if (!journal_save(options->state_directory, plan, PLAN_PREPARE, &local) ||
        !prepare_and_commit(plan, options, &begun, &local))
        return roll_back(plan, begun, options, g_steal_pointer(&local), error);
    if (apply(plan, &context, &local) && journal_remove(options->state_directory, &local))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "%s; the operation has begun: remove the cause, then run `offshot recover`",
                local->message);
    return false;
}

bool
txn_run(struct plan *plan, const struct txn_options *options, GError **error)
{
    GArray *locks = locks_new();
    bool done;

    interrupt_begin();
    child_set_cancel(interrupt_fd());
    done = plan_check(plan, locks, error);
    if (done) {
        child_set_inherited(locks);
        done = run_locked(plan, options, error);
    }
    child_set_cancel(-1);
    interrupt_end();
    locks_free(locks);
    return done;
}

bool
txn_check(const struct plan *plan, GError **error)
{
    GArray *locks = locks_new();
    bool fine = plan_check(plan, locks, error);

    locks_free(locks);
    return fine;
}

void
txn_recovered_clear(struct txn_recovered *recovered)
{
    g_clear_pointer(&recovered->operation, g_free);
    g_clear_pointer(&recovered->snapshot, g_free);
}

/* Undo or finish. Whatever goes wrong leaves the journal, and so an operation that is half done. */
static bool
recover_locked(const struct journal *journal, const struct txn_options *options, GError **error)
{
    const struct step_context context = {.same_boot = journal->same_boot, .notes = options->notes};
    const struct plan *plan = journal->plan;
    bool undone = journal->phase == PLAN_PREPARE;
    g_autoptr(GError) local = NULL;

    if ((undone ? undo(plan, plan->prepare->len, &context, &local)
                : apply(plan, &context, &local)) &&
        journal_remove(options->state_directory, &local))
        return true;
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
    GArray *locks;
    bool done;

    *recovered = (struct txn_recovered){.what = TXN_NOTHING};
    if (!journal && !local)
        return true;
    if (!journal) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    locks = locks_new();
    interrupt_begin();
    /* Undoing only takes names away that no VM was told of; finishing moves images under a VM's
     * feet. */
    done = dry_run ||
           ((journal->phase == PLAN_PREPARE || plan_lock_images(journal->plan, locks, error)) &&
            recover_locked(journal, options, error));
    interrupt_end();
    locks_free(locks);
    if (done) {
        recovered->what = journal->phase == PLAN_PREPARE ? TXN_UNDONE : TXN_FINISHED;
        recovered->operation = g_strdup(journal->plan->operation);
        recovered->snapshot = g_strdup(journal->plan->snapshot);
    }
    return done;
}
