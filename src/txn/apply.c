/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/apply.h"

#include "txn/finish.h"
#include "txn/journal.h"
#include "txn/step-image.h"
#include "txn/watch.h"
#include "util/child.h"
#include "util/interrupt.h"

/* Steps of one rank, of struct step *. */
static GPtrArray *
select_steps(const GPtrArray *rank, bool (*wanted)(const struct step *step))
{
    GPtrArray *selected = g_ptr_array_new();

    for (guint i = 0; i < rank->len; i++) {
        if (wanted(g_ptr_array_index(rank, i)))
            g_ptr_array_add(selected, g_ptr_array_index(rank, i));
    }
    return selected;
}

static bool
is_commit(const struct step *step)
{
    return step->kind == STEP_COMMIT;
}

/* Whether it changes the image that it is about, not one below. */
static bool
changes_top(const struct step *step)
{
    return step_kind_is_image(step->kind) && !is_commit(step);
}

static bool
moves_name(const struct step *step)
{
    return step->kind == STEP_REPLACE || step->kind == STEP_INSTALL;
}

static bool
removes_name(const struct step *step)
{
    return step->kind == STEP_UNLINK;
}

/* Whether what the step takes away cannot be made again. */
static bool
is_final(const struct step *step)
{
    return step->kind == STEP_DELETE_TAG || (step->kind == STEP_UNLINK && step->guarded);
}

/* Whether it may take so long that a signal should stop it. */
static bool
is_long(const struct step *step)
{
    return step->kind == STEP_COMMIT || step->kind == STEP_REBASE;
}

static guint
count_steps(const GPtrArray *rank, bool (*wanted)(const struct step *step))
{
    g_autoptr(GPtrArray) steps = select_steps(rank, wanted);

    return steps->len;
}

static bool
any_step(const GPtrArray *rank, bool (*wanted)(const struct step *step))
{
    return count_steps(rank, wanted) > 0;
}

/* Begin each; those whose program has to run go into NEEDED. */
static bool
begin_steps(const GPtrArray *steps, const struct step_context *context, GPtrArray *needed,
            GError **error)
{
    for (guint i = 0; i < steps->len; i++) {
        struct step *step = g_ptr_array_index(steps, i);
        bool run = true;

        if (!step_image_begin(step, context, &run, error))
            return false;
        if (run)
            g_ptr_array_add(needed, step);
    }
    return true;
}

/* A `snapshot -d` that failed may have done its work: repair, and look. */
static bool
was_done_all_the_same(const struct execution *execution, const GPtrArray *failed)
{
    struct step_context context = execution->context;
    g_autoptr(GPtrArray) needed = g_ptr_array_new();

    context.recovering = true;
    for (guint i = 0; i < failed->len; i++) {
        struct step *step = g_ptr_array_index(failed, i);

        step_image_close(step);
        if (step->kind != STEP_DELETE_TAG)
            return false;
    }
    return failed->len > 0 && begin_steps(failed, &context, needed, NULL) && needed->len == 0;
}

static bool
run_programs(const struct execution *execution, const struct batch_setting *setting,
             const GPtrArray *needed, GError **error)
{
    g_autoptr(GPtrArray) failed = g_ptr_array_new();
    g_autoptr(GError) local = NULL;
    bool fine;

    child_set_cancel(any_step(needed, is_long) ? interrupt_fd() : -1);
    fine = batch_run(needed, setting, failed, &local);
    child_set_cancel(-1);
    if (needed->len > 0)
        watch_expire(execution->context.watch);
    if (fine || was_done_all_the_same(execution, failed))
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

static bool
end_steps(const struct execution *execution, const GPtrArray *steps, GError **error)
{
    for (guint i = 0; i < steps->len; i++) {
        if (!step_image_end(g_ptr_array_index(steps, i), &execution->context, error))
            return false;
    }
    return true;
}

/* Change the images of those steps of RANK that are WANTED, side by side. */
static bool
change_some(const struct execution *execution, const GPtrArray *rank,
            bool (*wanted)(const struct step *step), GError **error)
{
    g_autoptr(GPtrArray) steps = select_steps(rank, wanted);
    g_autoptr(GPtrArray) needed = g_ptr_array_new();
    struct batch_setting setting = execution->setting;
    bool fine;

    setting.others = count_steps(rank, is_long) - count_steps(steps, is_long);
    setting.others_done = any_step(steps, is_commit) ? setting.others : 0;
    fine = begin_steps(steps, &execution->context, needed, error) &&
           run_programs(execution, &setting, needed, error) && end_steps(execution, steps, error);
    for (guint i = 0; i < steps->len; i++) {
        step_image_close(g_ptr_array_index(steps, i));
        if (!fine)
            step_image_release(g_ptr_array_index(steps, i), &execution->context, NULL);
    }
    return fine;
}

/* What can be taken back comes before the commits, so that its failure still undoes everything. */
static bool
change_images(const struct execution *execution, const GPtrArray *rank, GError **error)
{
    return change_some(execution, rank, changes_top, error) &&
           change_some(execution, rank, is_commit, error);
}

static bool
finish_steps(const struct execution *execution, const GPtrArray *rank,
             bool (*wanted)(const struct step *step), GError **error)
{
    g_autoptr(GPtrArray) steps = select_steps(rank, wanted);

    for (guint i = 0; i < steps->len; i++) {
        if (!step_finish(g_ptr_array_index(steps, i), &execution->context, error))
            return false;
    }
    return true;
}

/* Once what went down into a base is flushed, the journal says so: from then on a guest may write
 * to the base, and the commit must not be repeated.
 */
static bool
note_applied(const struct execution *execution, const GPtrArray *rank, GError **error)
{
    unsigned done = ((const struct step *)g_ptr_array_index(rank, 0))->rank + 1;

    if (!any_step(rank, is_commit) || execution->plan->applied >= done)
        return true;
    execution->plan->applied = done;
    return journal_save(execution->setting.options->state_directory, execution->plan, PLAN_APPLY,
                        error);
}

/* The steps of the rank that begins at FIRST. */
static GPtrArray *
rank_at(const GPtrArray *steps, guint first)
{
    unsigned rank = ((const struct step *)g_ptr_array_index(steps, first))->rank;
    GPtrArray *found = g_ptr_array_new();

    for (guint i = first; i < steps->len; i++) {
        struct step *step = g_ptr_array_index(steps, i);

        if (step->rank == rank)
            g_ptr_array_add(found, step);
    }
    return found;
}

static bool
apply_rank(const struct execution *execution, const GPtrArray *rank, GError **error)
{
    /* What takes the place of it must be there after a power cut, too. */
    if (any_step(rank, is_final) && !plan_sync_directories(execution->plan->apply, error))
        return false;
    return change_images(execution, rank, error) && note_applied(execution, rank, error) &&
           finish_steps(execution, rank, moves_name, error) &&
           finish_steps(execution, rank, removes_name, error);
}

/* See that no stranger has come to stand on what is to be changed, while all can still be taken
 * back. What is to be removed may as well stay, when it is too late for that.
 */
static bool
check_strangers(const struct execution *execution, GError **error)
{
    const struct plan *plan = execution->plan;

    watch_expire(execution->context.watch);
    for (guint i = 0; i < plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(plan->apply, i);

        if (!(removes_name(step) && execution->context.recovering) &&
            !watch_check(step, &execution->context, error))
            return false;
    }
    return true;
}

/* What an interrupted run has hidden is whole, and has its name, before steps of other ranks look
 * for it.
 */
static bool
release_images(const struct execution *execution, GError **error)
{
    const struct plan *plan = execution->plan;

    for (guint i = 0; execution->context.recovering && i < plan->apply->len; i++) {
        if (!step_image_release(g_ptr_array_index(plan->apply, i), &execution->context, error))
            return false;
    }
    return true;
}

bool
plan_apply(struct execution *execution, GError **error)
{
    const struct plan *plan = execution->plan;

    child_set_cancel(-1);
    if (!release_images(execution, error))
        return false;
    for (guint i = 0; i < plan->prepare->len; i++) {
        if (!step_ensure(g_ptr_array_index(plan->prepare, i), &execution->context, error))
            return false;
    }
    if (!check_strangers(execution, error))
        return false;
    execution->ranks_begun = true;
    for (guint first = 0; first < plan->apply->len;) {
        g_autoptr(GPtrArray) rank = rank_at(plan->apply, first);

        if (!apply_rank(execution, rank, error))
            return false;
        watch_expire(execution->context.watch);
        first += rank->len;
    }
    return plan_sync_directories(plan->apply, error);
}
