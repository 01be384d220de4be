/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/step-image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image/qemu-img.h"
#include "image/qemu-limits.h"
#include "txn/step-look.h"
#include "txn/step-part.h"
#include "util/child.h"
#include "util/error.h"

bool
step_kind_is_image(enum step_kind kind)
{
    switch (kind) {
    case STEP_TAKE_TAG:
    case STEP_APPLY_TAG:
    case STEP_DELETE_TAG:
    case STEP_COMMIT:
    case STEP_REBASE:
    case STEP_RELINK:
        return true;
    case STEP_MAKE_DIRECTORY:
    case STEP_STAGE_FILE:
    case STEP_CREATE_OVERLAY:
    case STEP_FILL_DEVICE:
    case STEP_CONVERT:
    case STEP_LINK:
    case STEP_REPLACE:
    case STEP_INSTALL:
    case STEP_UNLINK:
        break;
    }
    return false;
}

static bool
is_tag_step(const struct step *step)
{
    return step->kind == STEP_TAKE_TAG || step->kind == STEP_APPLY_TAG ||
           step->kind == STEP_DELETE_TAG;
}

bool
step_image_begin(struct step *step, const struct step_context *context, bool *needed,
                 GError **error)
{
    *needed = true;
    if ((is_tag_step(step) ? step_tag_begin : step_merge_begin)(step, context, needed, error))
        return true;
    step_image_close(step);
    return false;
}

char **
step_image_program(const struct step *step, bool progress)
{
    char **argv = g_strdupv(step->argv);

    /* only these take long enough, and say how far they are */
    if (progress && (step->kind == STEP_COMMIT || step->kind == STEP_REBASE)) {
        g_free(argv[2]);
        argv[2] = g_strdup("-p");
    }
    return argv;
}

bool
step_image_end(struct step *step, const struct step_context *context, GError **error)
{
    if (is_tag_step(step))
        return step_tag_end(step, context, error);
    return step_merge_end(step, context, error);
}

bool
step_image_release(struct step *step, const struct step_context *context, GError **error)
{
    return !is_tag_step(step) || step_tag_release(step, context, error);
}

void
step_image_close(struct step *step)
{
    scoped_fd_close(&step->fd);
    scoped_fd_close(&step->with_fd);
}

/* Only a reason that the user can wait for keeps its code. */
static bool
finish_back(bool fine, GError **error)
{
    if (!fine && error && *error && (*error)->code != OFFSHOT_ERROR_BUSY)
        (*error)->code = OFFSHOT_ERROR_INTERRUPTED;
    return fine;
}

/* Who looks for the image has to know where it is. */
static void
say_hidden(const struct step *step, GError **error)
{
    GError *inner;

    if (!step_is_hidden(step) || strstr((*error)->message, step->hidden))
        return;
    inner = *error;
    *error = g_error_new(inner->domain, inner->code, "%s (image '%s' is named '%s' until then)",
                         inner->message, step->path, step->hidden);
    g_error_free(inner);
}

bool
step_image_undo(const struct step *step, const struct step_context *context, GError **error)
{
    g_autoptr(GError) local = NULL;
    bool fine = finish_back(step_tag_undo(step, context, &local), &local);

    if (local && local->code != OFFSHOT_ERROR_BUSY)
        say_hidden(step, &local);
    if (local)
        g_propagate_error(error, g_steal_pointer(&local));
    return fine;
}

bool
step_image_is_untouched(const struct step *step, const struct step_context *context)
{
    return step_merge_is_untouched(step, context);
}

bool
step_image_abandon(const struct step *step, const struct step_context *context, GError **error)
{
    g_autoptr(GError) local = NULL;
    bool fine;

    if (step->kind != STEP_REBASE && step->kind != STEP_RELINK)
        return false;
    fine = finish_back(step_merge_abandon(step, context, &local), &local);
    if (local)
        g_propagate_error(error, g_steal_pointer(&local));
    return fine;
}

/* What the plan saw at PATH when it took it for itself; NULL: not known. */
static const struct file_identity *
planned_identity(const struct step_context *context, const char *path)
{
    for (guint i = 0; context->plan && i < context->plan->checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(context->plan->checks, i);

        if (check->kind == PLAN_CHECK_EXCLUSIVE && strcmp(check->path, path) == 0)
            return &check->identity;
    }
    return NULL;
}

/* Whether the plan holds the image that is IDENTITY for itself alone. */
static bool
is_ours(const struct step_context *context, const struct file_identity *identity)
{
    for (guint i = 0; context->plan && i < context->plan->checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(context->plan->checks, i);

        if (check->kind == PLAN_CHECK_EXCLUSIVE &&
            step_same_file(context, &check->identity, identity))
            return true;
    }
    return false;
}

struct qemu_img_target
step_part_target(const struct step *step)
{
    return (
        struct qemu_img_target){.path = step->path, .format = step->format, .block = step->block};
}

struct qemu_img_target
step_part_opened(const char *name, const struct image *image)
{
    return (struct qemu_img_target){
        .path = name, .format = image->format->qemu, .block = image->block, .chain = image};
}

const struct image *
step_part_walk(struct image_graph *graph, const struct step *step, GError **error)
{
    return image_graph_walk(graph, step->path, image_format_find_qemu(step->format), error);
}

bool
step_part_any_is_ours(const struct image *image, const struct step_context *context)
{
    for (; image; image = image->backing) {
        if (is_ours(context, &image->identity))
            return true;
    }
    return false;
}

bool
step_part_is_planned(const struct step_context *context, const char *path,
                     const struct file_identity *identity)
{
    const struct file_identity *planned = planned_identity(context, path);

    return !planned || step_same_file(context, identity, planned);
}

void
step_part_reset(struct step *step)
{
    g_clear_pointer(&step->argv, g_strfreev);
    sandbox_free(step->sandbox);
    step->sandbox = sandbox_new();
}

int
step_part_open(const struct step *step, const struct step_context *context, GError **error)
{
    scoped_fd fd = open(step_image_path(step), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct file_identity identity;
    struct stat st;

    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                    "image '%s' has vanished: put it back where it was", step->path);
        return -1;
    }
    if (fd < 0 || fstat(fd, &st) < 0) {
        offshot_set_error_errno(error, errno, "cannot open image '%s'", step->path);
        return -1;
    }
    file_identity_set(&identity, &st);
    file_identity_add_birth(&identity, fd, NULL);
    /* the node of a device is another after each boot */
    if (step->block ? S_ISBLK(st.st_mode)
                    : S_ISREG(st.st_mode) && step_part_is_planned(context, step->path, &identity))
        return scoped_fd_steal(&fd);
    step_set_unexplained(error, step->path, "is not the image that the plan was made for");
    return -1;
}

char *
step_part_name(int fd)
{
    return g_strdup_printf("/proc/self/fd/%d", fd);
}

bool
step_part_run(char **argv, const struct sandbox *sandbox, int fd, GError **error)
{
    struct child child = {
        .argv = argv, .sandbox = sandbox, .fds = {fd}, .limits = qemu_img_limits(sandbox)};
    struct child *children[] = {&child};
    bool fine = child_run(children, 1, 1, error) && child_check(&child, error);

    child_clear(&child);
    g_strfreev(argv);
    return fine;
}

/* qemu-img tells on stderr what it repairs. 3: clusters remain that nothing uses, which is
 * harmless.
 */
static bool
repair_check(const struct child *child, GError **error)
{
    if (!child->error && child->started && WIFEXITED(child->status) &&
        (WEXITSTATUS(child->status) == 0 || WEXITSTATUS(child->status) == 3))
        return true;
    child_check(child, error);
    return false;
}

bool
step_part_repair(const struct qemu_img_target *image, int fd, GError **error)
{
    g_autofree char *name = step_part_name(fd);
    const struct qemu_img_target open = {.path = name,
                                         .format = image->format,
                                         .block = image->block};
    scoped(sandbox) sandbox = sandbox_new();
    g_auto(GStrv) argv = qemu_img_repair_argv(&open, sandbox);
    struct child child = {
        .argv = argv, .sandbox = sandbox, .fds = {fd}, .limits = qemu_img_limits(sandbox)};
    struct child *children[] = {&child};
    bool fine = child_run(children, 1, 1, error) && repair_check(&child, error);

    child_clear(&child);
    if (!fine)
        g_prefix_error(error, "cannot repair image '%s': ", image->path);
    return fine;
}

bool
step_part_settle(const struct qemu_img_target *image, int fd, const struct step_context *context,
                 GError **error)
{
    struct image_header header = {0};
    bool dirty;

    if (!step_part_read(image, fd, &header, error))
        return false;
    dirty = header.dirty;
    image_header_clear(&header);
    if (!dirty)
        return true;
    if (!step_part_repair(image, fd, error))
        return false;
    step_note(context,
              "image '%s' was not closed by the program that wrote it last, and was repaired",
              image->path);
    return true;
}

bool
step_part_flush(int fd, const char *path, GError **error)
{
    if (fsync(fd) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot flush image '%s'", path);
    return false;
}
