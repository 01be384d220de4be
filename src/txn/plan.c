/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/plan.h"

#include <string.h>

static void
plan_check_free(struct plan_check *check)
{
    g_free(check->path);
    g_free(check);
}

struct plan *
plan_new(const char *operation, const char *domain, const char *snapshot)
{
    struct plan *plan = g_new0(struct plan, 1);

    plan->operation = g_strdup(operation);
    plan->domain = g_strdup(domain);
    plan->snapshot = g_strdup(snapshot);
    plan->checks = g_ptr_array_new_with_free_func((GDestroyNotify)plan_check_free);
    plan->directories = g_ptr_array_new_with_free_func(g_free);
    plan->known = g_array_new(FALSE, TRUE, sizeof(struct file_identity));
    plan->prepare = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    plan->apply = g_ptr_array_new_with_free_func((GDestroyNotify)step_free);
    return plan;
}

void
plan_free(struct plan *plan)
{
    if (!plan)
        return;
    g_free(plan->operation);
    g_free(plan->domain);
    g_free(plan->snapshot);
    g_free(plan->token);
    g_free(plan->boot);
    g_free(plan->place);
    g_free(plan->definition);
    g_ptr_array_unref(plan->checks);
    g_ptr_array_unref(plan->directories);
    g_array_unref(plan->known);
    g_ptr_array_unref(plan->prepare);
    g_ptr_array_unref(plan->apply);
    g_free(plan);
}

static struct plan_check *
plan_add_check(struct plan *plan, enum plan_check_kind kind, const char *path,
               const struct file_identity *identity)
{
    struct plan_check *check = g_new0(struct plan_check, 1);

    check->kind = kind;
    check->path = g_strdup(path);
    if (identity)
        check->identity = *identity;
    g_ptr_array_add(plan->checks, check);
    return check;
}

void
plan_check_absent(struct plan *plan, const char *path)
{
    plan_add_check(plan, PLAN_CHECK_ABSENT, path, NULL);
}

void
plan_check_unchanged(struct plan *plan, const char *path, const struct file_identity *identity)
{
    plan_add_check(plan, PLAN_CHECK_UNCHANGED, path, identity);
}

/* How much a check asks of who uses an image; 0: nothing. */
static unsigned
exclusiveness(enum plan_check_kind kind)
{
    switch (kind) {
    case PLAN_CHECK_UNWRITTEN:
        return 1;
    case PLAN_CHECK_LOCK:
        return 2;
    case PLAN_CHECK_EXCLUSIVE:
        return 3;
    default:
        return 0;
    }
}

/* An image is asked for and locked once, as strictly as any of its checks wants it: our own lock
 * would be in the way of the next one.
 */
static void
plan_add_image_check(struct plan *plan, enum plan_check_kind kind, const char *path,
                     const struct file_identity *identity)
{
    for (guint i = 0; i < plan->checks->len; i++) {
        struct plan_check *check = g_ptr_array_index(plan->checks, i);

        if (exclusiveness(check->kind) == 0 || strcmp(check->path, path) != 0)
            continue;
        if (exclusiveness(kind) > exclusiveness(check->kind))
            check->kind = kind;
        return;
    }
    plan_add_check(plan, kind, path, identity);
}

void
plan_check_lock(struct plan *plan, const char *path, const struct file_identity *identity)
{
    plan_add_image_check(plan, PLAN_CHECK_LOCK, path, identity);
}

void
plan_check_exclusive(struct plan *plan, const char *path, const struct file_identity *identity)
{
    plan_add_image_check(plan, PLAN_CHECK_EXCLUSIVE, path, identity);
}

void
plan_check_unwritten(struct plan *plan, const char *path, const struct file_identity *identity)
{
    plan_add_image_check(plan, PLAN_CHECK_UNWRITTEN, path, identity);
}

void
plan_check_space(struct plan *plan, const char *directory, uint64_t bytes)
{
    plan_add_check(plan, PLAN_CHECK_SPACE, directory, NULL)->bytes = bytes;
}

void
plan_check_blank(struct plan *plan, const char *device, uint64_t bytes)
{
    plan_add_check(plan, PLAN_CHECK_BLANK, device, NULL)->bytes = bytes;
}

void
plan_check_install(struct plan *plan, const char *directory)
{
    plan_add_check(plan, PLAN_CHECK_INSTALL, directory, NULL);
}

void
plan_watch_directory(struct plan *plan, const char *directory)
{
    g_ptr_array_add(plan->directories, g_strdup(directory));
}

void
plan_know_file(struct plan *plan, const struct file_identity *identity)
{
    g_array_append_val(plan->known, *identity);
}

struct step *
plan_add_step(struct plan *plan, enum step_kind kind, unsigned rank, const char *path,
              const char *source)
{
    struct step *step = step_new(kind, rank, path);
    GPtrArray *steps = step_kind_phase(kind) == PLAN_PREPARE ? plan->prepare : plan->apply;
    guint place = steps->len;

    step->source = g_strdup(source);
    while (place > 0 && ((struct step *)g_ptr_array_index(steps, place - 1))->rank > rank)
        place--;
    g_ptr_array_insert(steps, (int)place, step);
    return step;
}

struct step *
plan_add_make_directory(struct plan *plan, unsigned rank, const char *path)
{
    return plan_add_step(plan, STEP_MAKE_DIRECTORY, rank, path, NULL);
}

struct step *
plan_add_stage_file(struct plan *plan, unsigned rank, const char *path, const char *content,
                    const char *like)
{
    struct step *step = plan_add_step(plan, STEP_STAGE_FILE, rank, path, NULL);

    step->content = g_strdup(content);
    step->like = g_strdup(like);
    return step;
}

struct step *
plan_add_create_overlay(struct plan *plan, unsigned rank, const char *path, char *const *argv,
                        const char *like)
{
    struct step *step = plan_add_step(plan, STEP_CREATE_OVERLAY, rank, path, NULL);

    step->argv = g_strdupv((char **)argv);
    step->like = g_strdup(like);
    return step;
}

struct step *
plan_add_convert(struct plan *plan, unsigned rank, const char *path, char *const *argv,
                 const char *like)
{
    struct step *step = plan_add_step(plan, STEP_CONVERT, rank, path, NULL);

    step->argv = g_strdupv((char **)argv);
    step->like = g_strdup(like);
    return step;
}

struct step *
plan_add_fill_device(struct plan *plan, unsigned rank, const char *source, const char *device)
{
    return plan_add_step(plan, STEP_FILL_DEVICE, rank, device, source);
}

struct step *
plan_add_link(struct plan *plan, unsigned rank, const char *existing, const char *path)
{
    struct step *step = plan_add_step(plan, STEP_LINK, rank, path, existing);

    for (guint i = 0; i < plan->prepare->len; i++) {
        const struct step *other = g_ptr_array_index(plan->prepare, i);

        step->fresh = step->fresh || strcmp(other->path, existing) == 0;
    }
    return step;
}

struct step *
plan_add_replace(struct plan *plan, unsigned rank, const char *source, const char *path,
                 const struct file_identity *old)
{
    struct step *step = plan_add_step(plan, STEP_REPLACE, rank, path, source);

    step->old = *old;
    return step;
}

struct step *
plan_add_install(struct plan *plan, unsigned rank, const char *source, const char *path)
{
    return plan_add_step(plan, STEP_INSTALL, rank, path, source);
}

struct step *
plan_add_unlink(struct plan *plan, unsigned rank, const char *path)
{
    return plan_add_step(plan, STEP_UNLINK, rank, path, NULL);
}

static void
step_link_clear(struct step_link *link)
{
    g_free(link->backing);
    g_free(link->format);
}

static void
step_overlay_clear(struct step_overlay *overlay)
{
    g_free(overlay->format);
    g_free(overlay->backing);
    g_free(overlay->backing_format);
    g_free(overlay->backing_path);
}

void
step_expect_overlay(struct step *step, const struct step_overlay *overlay)
{
    step_overlay_clear(&step->overlay);
    step->overlay = (struct step_overlay){
        .format = g_strdup(overlay->format),
        .backing = g_strdup(overlay->backing),
        .backing_format = g_strdup(overlay->backing_format),
        .backing_path = g_strdup(overlay->backing_path),
        .size = overlay->size,
    };
}

struct step *
step_new(enum step_kind kind, unsigned rank, const char *path)
{
    struct step *step = g_new0(struct step, 1);

    step->kind = kind;
    step->rank = rank;
    step->path = g_strdup(path);
    step->fd = -1;
    step->with_fd = -1;
    return step;
}

void
step_free(struct step *step)
{
    if (!step)
        return;
    scoped_fd_close(&step->fd);
    scoped_fd_close(&step->with_fd);
    g_free(step->path);
    g_free(step->source);
    g_free(step->like);
    g_strfreev(step->argv);
    sandbox_free(step->sandbox);
    g_free(step->content);
    step_overlay_clear(&step->overlay);
    g_free(step->format);
    g_free(step->tag);
    g_free(step->tag_id);
    g_free(step->undo);
    g_free(step->hidden);
    step_link_clear(&step->link);
    step_link_clear(&step->old_link);
    g_free(step->base);
    g_free(step->digest);
    g_clear_pointer(&step->table.tags, g_ptr_array_unref);
    g_free(step);
}
