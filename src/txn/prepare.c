/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/prepare.h"

#include <string.h>

#include "txn/journal.h"
#include "txn/step-image.h"
#include "txn/watch.h"
#include "txn/step-look.h"
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

bool
plan_check_interrupted(GError **error)
{
    if (interrupt_pending() == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "interrupted by signal %d",
                interrupt_pending());
    return false;
}

/* Let links to new files know which files these are. Returns whether there are any. */
static bool
trace_links(const struct plan *plan, guint first, guint end)
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
    return fresh;
}

/* Say of the image steps FIRST to END whether they are begun. Returns whether there are any. */
static bool
mark_begun(const struct plan *plan, guint first, guint end, bool begun)
{
    bool found = false;

    for (guint i = first; i < end; i++) {
        struct step *step = g_ptr_array_index(plan->prepare, i);

        if (!step_kind_is_image(step->kind))
            continue;
        step->begun = begun;
        found = true;
    }
    return found;
}

/* Where the first rank with steps that change images begins; one past the last step when none does.
 */
static guint
first_image_rank(const GPtrArray *steps)
{
    for (guint first = 0, end; first < steps->len; first = end) {
        end = rank_end(steps, first);
        for (guint i = first; i < end; i++) {
            if (step_kind_is_image(((const struct step *)g_ptr_array_index(steps, i))->kind))
                return first;
        }
    }
    return steps->len;
}

/* Write the journal in which the image steps FIRST to END are begun; whether they really are is
 * known here more exactly.
 */
static bool
save_begun(const struct execution *execution, guint first, guint end, GError **error)
{
    const struct plan *plan = execution->plan;
    bool saved;

    mark_begun(plan, first, end, true);
    saved = journal_save(execution->setting.options->state_directory, plan, PLAN_PREPARE, error);
    mark_begun(plan, first, end, false);
    return saved;
}

/* Before new overlays get their final names: note in the journal which files they are and that they
 * are empty, so that a recovery can tell whether somebody has come to use them. Before images are
 * changed: note that, so that a recovery leaves those alone that were not; of the first the journal
 * knew from the beginning.
 */
static bool
announce(const struct execution *execution, guint first, guint end, GError **error)
{
    const struct plan *plan = execution->plan;
    bool fresh = trace_links(plan, first, end);
    bool images = mark_begun(plan, first, end, false) && first != first_image_rank(plan->prepare);

    return (!fresh && !images) || save_begun(execution, first, end, error);
}

static bool
begin(struct step *step, const struct step_context *context, GError **error)
{
    bool needed;

    if (!plan_check_interrupted(error))
        return false;
    if (!watch_check(step, context, error))
        return false;
    return step_kind_is_image(step->kind) ? step_image_begin(step, context, &needed, error)
                                          : step_begin(step, error);
}

/* What PLAN saw at PATH; NULL: it did not look. */
static const struct file_identity *
planned_identity(const struct plan *plan, const char *path)
{
    for (guint i = 0; i < plan->checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(plan->checks, i);

        if (check->identity.inode != 0 && strcmp(check->path, path) == 0)
            return &check->identity;
    }
    return NULL;
}

/* A second name was given to whatever the first one led to at that moment: it has to be what was
 * looked at, and no symbolic link to something else.
 */
static bool
check_linked(const struct step *link, const struct plan *plan, GError **error)
{
    const struct file_identity *planned =
        link->fresh ? &link->made : planned_identity(plan, link->source);
    struct file_identity there;
    struct stat st;

    if (!planned || planned->inode == 0)
        return true;
    if (!step_look(link->path, &there, &st, error))
        return false;
    if (file_identity_is_same_file(&there, planned))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                "'%s' was replaced by somebody else while '%s' was made", link->source, link->path);
    return false;
}

static bool
end_rank(const GPtrArray *steps, const struct step_context *context, GError **error)
{
    for (guint i = 0; i < steps->len; i++) {
        struct step *step = g_ptr_array_index(steps, i);

        if (!(step_kind_is_image(step->kind) ? step_image_end(step, context, error)
                                             : step_end(step, error)))
            return false;
        if (step->kind == STEP_LINK && !check_linked(step, context->plan, error))
            return false;
    }
    return true;
}

/* Run steps FIRST to END, of one rank. *BEGUN counts those that may have left something. */
static bool
prepare_rank(const struct execution *execution, guint first, guint end, guint *begun,
             GError **error)
{
    g_autoptr(GPtrArray) steps = g_ptr_array_new();

    for (guint i = first; i < end; i++) {
        struct step *step = g_ptr_array_index(execution->plan->prepare, i);

        g_ptr_array_add(steps, step);
        if (!begin(step, &execution->context, error))
            return false;
        *begun = i + 1;
    }
    watch_expire(execution->context.watch);
    return batch_run(steps, &execution->setting, NULL, error) &&
           end_rank(steps, &execution->context, error);
}

static void
close_images(const GPtrArray *steps)
{
    for (guint i = 0; i < steps->len; i++) {
        struct step *step = g_ptr_array_index(steps, i);

        if (step_kind_is_image(step->kind))
            step_image_close(step);
    }
}

bool
plan_prepare(const struct execution *execution, guint *begun, GError **error)
{
    const struct plan *plan = execution->plan;
    guint image = first_image_rank(plan->prepare);
    guint image_end = image < plan->prepare->len ? rank_end(plan->prepare, image) : image;
    bool fine = save_begun(execution, image, image_end, error);

    *begun = 0;
    for (guint first = 0, end; fine && first < plan->prepare->len; first = end) {
        end = rank_end(plan->prepare, first);
        fine = announce(execution, first, end, error) &&
               prepare_rank(execution, first, end, begun, error);
        close_images(plan->prepare);
    }
    return fine && plan_check_interrupted(error);
}
