/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/batch.h"

#include <string.h>

#include "image/qemu-limits.h"
#include "txn/step-image.h"
#include "txn/step.h"
#include "util/child.h"

/* How many bytes at the end of a program's output are searched for how far it is. */
#define PROGRESS_TAIL 64

struct batch;

/* One program. */
struct job {
    struct batch *batch;
    struct step *step;
    struct child child;
    double fraction; /* how much of it is done */
};

struct batch {
    const struct batch_setting *setting;
    GPtrArray *jobs; /* of struct job */
};

static void
job_free(struct job *job)
{
    g_strfreev(job->child.argv);
    child_clear(&job->child);
    g_free(job);
}

static bool
kind_has_progress(enum step_kind kind)
{
    return kind == STEP_COMMIT || kind == STEP_REBASE || kind == STEP_CONVERT;
}

static void
report(const struct batch *batch)
{
    const struct txn_options *options = batch->setting->options;
    double sum = batch->setting->others_done;
    unsigned count = batch->setting->others;

    for (guint i = 0; i < batch->jobs->len; i++) {
        const struct job *job = g_ptr_array_index(batch->jobs, i);

        if (!kind_has_progress(job->step->kind))
            continue;
        sum += job->fraction;
        count++;
    }
    options->progress(sum / count, options->progress_data);
}

/* qemu-img -p writes "    (12.34/100%)" again and again, carriage returns between. */
static void
note_progress(const struct child *child, void *data)
{
    struct job *job = data;
    size_t tail = MIN(child->out->len, PROGRESS_TAIL);
    const char *text = child->out->str + child->out->len - tail;
    const char *end = g_strrstr_len(text, (gssize)tail, "/100%)");
    const char *start = end ? g_strrstr_len(text, end - text, "(") : NULL;
    double fraction;

    if (!start)
        return;
    fraction = CLAMP(g_ascii_strtod(start + 1, NULL) / 100, 0, 1);
    if (fraction <= job->fraction)
        return;
    job->fraction = fraction;
    report(job->batch);
}

static void
add_job(struct batch *batch, struct step *step)
{
    bool progress = batch->setting->options->progress && kind_has_progress(step->kind);
    char **argv = step_kind_is_image(step->kind) ? step_image_program(step, progress)
                                                 : step_program(step, progress);
    struct job *job;

    if (!argv)
        return;
    job = g_new0(struct job, 1);
    job->batch = batch;
    job->step = step;
    job->child.argv = argv;
    job->child.sandbox = step->sandbox;
    job->child.limits = qemu_img_limits(step->sandbox);
    job->child.fds[0] = MAX(step->fd, 0);
    job->child.fds[1] = MAX(step->with_fd, 0);
    job->child.on_output = progress ? note_progress : NULL;
    job->child.on_output_data = job;
    g_ptr_array_add(batch->jobs, job);
}

/* Start and await them. */
static bool
run_jobs(const struct batch *batch, GError **error)
{
    g_autofree struct child **list = g_new0(struct child *, batch->jobs->len + 1);

    for (guint i = 0; i < batch->jobs->len; i++) {
        struct job *job = g_ptr_array_index(batch->jobs, i);

        list[i] = &job->child;
    }
    return batch->jobs->len == 0 ||
           child_run(list, batch->jobs->len, batch->setting->options->jobs, error);
}

/* Judge each. */
static bool
check_jobs(const struct batch *batch, GPtrArray *failed, GError **error)
{
    g_autoptr(GError) first = NULL;

    for (guint i = 0; i < batch->jobs->len; i++) {
        const struct job *job = g_ptr_array_index(batch->jobs, i);

        if (child_check(&job->child, first ? NULL : &first))
            continue;
        if (failed && job->child.started)
            g_ptr_array_add(failed, job->step);
    }
    if (!first)
        return true;
    g_propagate_error(error, g_steal_pointer(&first));
    return false;
}

bool
batch_run(const GPtrArray *steps, const struct batch_setting *setting, GPtrArray *failed,
          GError **error)
{
    struct batch batch = {
        .setting = setting,
        .jobs = g_ptr_array_new_with_free_func((GDestroyNotify)job_free),
    };
    bool fine;

    for (guint i = 0; i < steps->len; i++)
        add_job(&batch, g_ptr_array_index(steps, i));
    fine = run_jobs(&batch, error);
    for (guint i = 0; i < batch.jobs->len; i++) {
        const struct job *job = g_ptr_array_index(batch.jobs, i);

        if (step_kind_is_image(job->step->kind) && job->child.started)
            job->step->begun = true;
    }
    fine = fine && check_jobs(&batch, failed, error);
    g_ptr_array_unref(batch.jobs);
    return fine;
}
