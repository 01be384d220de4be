/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/plan.h"

#include "image/qemu-img.h"

/* What --dry-run shows of an image step: the program on the names that it is about, not on the
 * descriptors and stand-ins that it runs with.
 */
static void
show_program(struct step *step)
{
    const struct qemu_img_target image = {step->path, step->format, step->block, NULL};
    const struct rebase_spec rebase = {.backing = step->link.backing,
                                       .backing_format = step->link.format,
                                       .unsafe = step->kind == STEP_RELINK};
    const struct commit_spec commit = {.base = step->source, .depth = step->depth};

    switch (step->kind) {
    case STEP_TAKE_TAG:
        step->argv = qemu_img_snapshot_argv(&image, 'c', step->tag, NULL);
        return;
    case STEP_APPLY_TAG:
        step->argv = qemu_img_snapshot_argv(&image, 'a', step->tag, NULL);
        return;
    case STEP_DELETE_TAG:
        step->argv = qemu_img_snapshot_argv(&image, 'd', step->tag, NULL);
        return;
    case STEP_COMMIT:
        step->argv = qemu_img_commit_argv(&image, &commit, NULL);
        return;
    default:
        step->argv = qemu_img_rebase_argv(&image, &rebase, NULL);
    }
}

static struct step *
plan_add_image_step(struct plan *plan, enum step_kind kind, unsigned rank,
                    const struct step_image_spec *image)
{
    struct step *step = plan_add_step(plan, kind, rank, image->path, NULL);

    step->format = g_strdup(image->format);
    step->block = image->block;
    return step;
}

static struct step *
plan_add_tag_step(struct plan *plan, enum step_kind kind, unsigned rank,
                  const struct step_image_spec *image, const char *tag, const char *undo)
{
    struct step *step = plan_add_image_step(plan, kind, rank, image);

    step->tag = g_strdup(tag);
    step->undo = g_strdup(undo);
    if (!plan->token)
        plan->token = file_random_token();
    if (!image->block)
        step->hidden = file_temporary_name(image->path, plan->token);
    show_program(step);
    return step;
}

struct step *
plan_add_take_tag(struct plan *plan, unsigned rank, const struct step_image_spec *image,
                  const char *tag)
{
    return plan_add_tag_step(plan, STEP_TAKE_TAG, rank, image, tag, NULL);
}

struct step *
plan_add_apply_tag(struct plan *plan, unsigned rank, const struct step_image_spec *image,
                   const char *tag, const char *undo)
{
    return plan_add_tag_step(plan, STEP_APPLY_TAG, rank, image, tag, undo);
}

struct step *
plan_add_delete_tag(struct plan *plan, unsigned rank, const struct step_image_spec *image,
                    const char *tag)
{
    return plan_add_tag_step(plan, STEP_DELETE_TAG, rank, image, tag, NULL);
}

struct step *
plan_add_commit(struct plan *plan, unsigned rank, const struct step_image_spec *top,
                const char *base, unsigned depth)
{
    struct step *step = plan_add_image_step(plan, STEP_COMMIT, rank, top);

    step->source = g_strdup(base);
    step->depth = depth;
    show_program(step);
    return step;
}

static struct step_link
copy_link(const struct step_link *link)
{
    return (struct step_link){g_strdup(link->backing), g_strdup(link->format)};
}

struct step *
plan_add_rebase(struct plan *plan, unsigned rank, const struct step_image_spec *image,
                const struct step_link *link, const char *base, const struct step_link *old_link)
{
    struct step *step = plan_add_image_step(plan, STEP_REBASE, rank, image);

    step->link = copy_link(link);
    step->old_link = copy_link(old_link);
    step->base = g_strdup(base);
    show_program(step);
    return step;
}

struct step *
plan_add_relink(struct plan *plan, unsigned rank, const struct step_image_spec *image,
                const struct step_link *link, const struct step_link *old_link)
{
    struct step *step = plan_add_image_step(plan, STEP_RELINK, rank, image);

    step->link = copy_link(link);
    step->old_link = copy_link(old_link);
    show_program(step);
    return step;
}
