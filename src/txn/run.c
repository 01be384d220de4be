/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/run.h"

#include <string.h>
#include <unistd.h>

#include "txn/check.h"
#include "txn/finish.h"
#include "txn/journal.h"
#include "txn/step.h"
#include "util/child.h"
#include "util/error.h"
#include "util/interrupt.h"

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

/* One run of programs: their argument vectors, and the descriptors that they inherit beside the
 * locks. */
struct batch {
    GPtrArray *vectors; /* of char ** */
    GArray *children;   /* of struct child */
    GArray *inherited;  /* of int */
};

static void
batch_add(struct batch *batch, const struct step *step)
{
    struct child child = {.argv = step_program(step)};

    if (!child.argv)
        return;
    g_ptr_array_add(batch->vectors, child.argv);
    g_array_append_val(batch->children, child);
    if (step->fd >= 0)
        g_array_append_val(batch->inherited, step->fd);
}

static bool
batch_run(struct batch *batch, unsigned jobs, GError **error)
{
    g_autofree struct child **list = g_new0(struct child *, batch->children->len + 1);
    size_t count = batch->children->len;
    bool fine;

    for (size_t i = 0; i < count; i++)
        list[i] = &g_array_index(batch->children, struct child, i);
    fine = count == 0 || child_run(list, count, jobs, error);
    for (size_t i = 0; i < count; i++)
        fine = fine && child_check(list[i], error);
    for (size_t i = 0; i < count; i++)
        child_clear(list[i]);
    return fine;
}

/* Run the programs of steps FIRST to END together, then judge each. */
static bool
run_programs(const GPtrArray *steps, guint first, guint end, const GArray *locks, unsigned jobs,
             GError **error)
{
    struct batch batch = {
        .vectors = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev),
        .children = g_array_new(FALSE, TRUE, sizeof(struct child)),
        .inherited = g_array_new(FALSE, FALSE, sizeof(int)),
    };
    bool fine;

    g_array_append_vals(batch.inherited, locks->data, locks->len);
    for (guint i = first; i < end; i++)
        batch_add(&batch, g_ptr_array_index(steps, i));
    child_set_inherited(batch.inherited);
    fine = batch_run(&batch, jobs, error);
    child_set_inherited((GArray *)locks);
    g_ptr_array_unref(batch.vectors);
    g_array_unref(batch.children);
    g_array_unref(batch.inherited);
    return fine;
}

/* Before new overlays get their final names: note in the journal which files they are and that they
 * are empty, so that a recovery can tell whether somebody has come to use them.
 */
static bool
announce_links(const struct plan *plan, guint first, guint end, const char *directory,
               GError **error)
{
    bool fresh = false;

    for (guint i = first; i < end; i++) {
        struct step *link = g_ptr_array_index(plan->prepare, i);

        for (guint m = 0; link->fresh && m < first; m++) {
            const struct step *maker = g_ptr_array_index(plan->prepare, m);

            if (strcmp(maker->path, link->source) == 0)
                link->made = maker->made;
        }
        fresh = fresh || link->fresh;
    }
    return !fresh || journal_save(directory, plan, PLAN_PREPARE, error);
}

/* Run steps FIRST to END, of one rank. *BEGUN counts those that may have left something. */
static bool
prepare_rank(const struct plan *plan, guint first, guint end, const GArray *locks, unsigned jobs,
             guint *begun, GError **error)
{
    for (guint i = first; i < end; i++) {
        if (!check_interrupted(error) || !step_begin(g_ptr_array_index(plan->prepare, i), error))
            return false;
        *begun = i + 1;
    }
    if (!run_programs(plan->prepare, first, end, locks, jobs, error))
        return false;
    for (guint i = first; i < end; i++) {
        if (!step_end(g_ptr_array_index(plan->prepare, i), error))
            return false;
    }
    return true;
}

/* Run the prepare steps. */
static bool
prepare(const struct plan *plan, const GArray *locks, const struct txn_options *options,
        guint *begun, GError **error)
{
    for (guint first = 0, end; first < plan->prepare->len; first = end) {
        end = rank_end(plan->prepare, first);
        if (!announce_links(plan, first, end, options->state_directory, error) ||
            !prepare_rank(plan, first, end, locks, options->jobs, begun, error))
            return false;
    }
    return check_interrupted(error);
}

/* Take everything back after FAILURE (ownership passes) and report it; a failing undo is worse. */
static bool
roll_back(const struct plan *plan, guint begun, const struct txn_options *options, GError *failure,
          GError **error)
{
    const struct step_context context = {.same_boot = true, .notes = options->notes};
    g_autoptr(GError) local = NULL;

    if (plan_undo(plan, begun, &context, &local) &&
        journal_remove(options->state_directory, &local)) {
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

        if (maker->kind != STEP_CREATE_OVERLAY || strcmp(maker->path, link->source) != 0 ||
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

/* Note which files were made, for the commit record. */
static bool
identify(const struct plan *plan, GError **error)
{
    for (guint i = 0; i < plan->prepare->len; i++) {
        struct step *step = g_ptr_array_index(plan->prepare, i);

        if (step->kind == STEP_LINK &&
            (!step_identify(step, error) || !check_linked(plan, step, error)))
            return false;
        if (step->kind == STEP_LINK)
            identify_linked(plan, step);
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
    journal = journal_load(directory, plan->domain, NULL);
    if (journal && journal->phase == PLAN_APPLY)
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

/* Everything up to the commit record. */
static bool
prepare_and_commit(struct plan *plan, const struct txn_options *options, const GArray *locks,
                   guint *begun, GError **error)
{
    return prepare(plan, locks, options, begun, error) &&
           plan_sync_directories(plan->prepare, error) && identify(plan, error) &&
           check_interrupted(error) && commit(plan, options->state_directory, error);
}

static bool
run_locked(struct plan *plan, const struct txn_options *options, const GArray *locks,
           GError **error)
{
    const struct step_context context = {.same_boot = true, .notes = options->notes};
    g_autoptr(GError) local = NULL;
    guint begun = 0;
    bool undone;

    if (!journal_save(options->state_directory, plan, PLAN_PREPARE, &local) ||
        !prepare_and_commit(plan, options, locks, &begun, &local))
        return roll_back(plan, begun, options, g_steal_pointer(&local), error);
    if (plan_apply_or_undo(plan, &context, options->state_directory, &undone, &local) &&
        journal_remove(options->state_directory, &local))
        return true;
    if (undone && journal_remove(options->state_directory, NULL)) {
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
    bool done;

    interrupt_begin();
    child_set_cancel(interrupt_fd());
    done = plan_check(plan, locks, error);
    if (done)
        done = run_locked(plan, options, locks, error);
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
