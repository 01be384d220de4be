/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/graph.h"
#include "image/qemu-img.h"
#include "txn/step-look.h"
#include "txn/step-part.h"
#include "util/error.h"

/* Which link the image of a step has. */
enum link_state { LINK_OLD, LINK_NEW, LINK_STAND_IN, LINK_FOREIGN };

static enum link_state
link_state(const struct step *step, const struct image_header *header)
{
    if (step_link_is(header, &step->link))
        return LINK_NEW;
    if (step_link_is(header, &step->old_link))
        return LINK_OLD;
    if (step->kind == STEP_REBASE && step_is_stand_in(header->backing))
        return LINK_STAND_IN;
    return LINK_FOREIGN;
}

static bool
read_state(const struct step *step, int fd, enum link_state *state, uint64_t *size, GError **error)
{
    struct image_header header = {0};

    if (!step_link_read(step, fd, &header, error))
        return false;
    *state = link_state(step, &header);
    *size = header.size;
    image_header_clear(&header);
    if (*state != LINK_FOREIGN)
        return true;
    return step_set_unexplained(error, step->path, "has another backing image than it should");
}

/* Mend what an interrupted rebase left, or the clusters that it lost when it was run again. */
static bool
tidy(const struct step *step, int fd, GError **error)
{
    const struct qemu_img_target image = step_part_target(step);

    return step_part_repair(&image, fd, error) && step_part_flush(fd, step->path, error);
}

/* The old link, and an image that is whole. */
static bool
go_back(const struct step *step, int fd, enum link_state state, GError **error)
{
    return (state == LINK_OLD || step_link_set(step, fd, &step->old_link, error)) &&
           tidy(step, fd, error);
}

static bool
begin_relink(struct step *step, const struct step_context *context, GError **error)
{
    const struct rebase_spec spec = {.backing = step->link.backing,
                                     .backing_format = step->link.format,
                                     .unsafe = true};
    struct qemu_img_target image = step_part_target(step);
    g_autofree char *name = NULL;
    enum link_state state;
    uint64_t size;

    step->fd = step_part_open(step, context, error);
    if (step->fd < 0 || !read_state(step, step->fd, &state, &size, error))
        return false;
    if (state == LINK_NEW)
        return true;
    if (!step_part_settle(&image, step->fd, context, error))
        return false;
    name = step_part_name(step->fd);
    image.path = name;
    step->argv = qemu_img_rebase_argv(&image, &spec, step->sandbox);
    return true;
}

/* The program gets the image by the descriptor that was looked at (step->with_fd): its name may
 * lead elsewhere by then. A link is not read from where the descriptor is, and so it gets the path
 * of the image below as well.
 */
static bool
set_rebase_program(struct step *step, const struct step_context *context, const char *stand_in,
                   GError **error)
{
    scoped(image_graph) graph = image_graph_new();
    const struct image_format *format = image_format_find_qemu(step->link.format);
    g_autofree char *name = step_part_name(step->with_fd);
    struct qemu_img_target target = step_part_target(step);
    struct rebase_spec spec = {.backing = stand_in,
                               .backing_format = step->base ? step->link.format : "raw"};
    const struct image *image = step_part_walk(graph, step, error);
    const struct image *base =
        image && step->base ? image_graph_walk(graph, step->base, format, error) : NULL;

    if (!image || !base != !step->base)
        return false;
    target.path = name;
    target.chain = image;
    spec.base = base;
    step->argv = qemu_img_rebase_argv(&target, &spec, step->sandbox);
    if (image->backing) {
        const struct qemu_img_target below = step_part_opened(image->backing->path, image->backing);

        qemu_img_name_below(step->argv, 1, &below);
    }
    if (step_part_any_is_ours(image->backing, context))
        qemu_img_share_below(step->argv, 1);
    if (step_part_any_is_ours(base, context))
        step->argv = qemu_img_share_base(step->argv);
    return true;
}

static bool
begin_rebase(struct step *step, const struct step_context *context, GError **error)
{
    scoped_fd fd = step_part_open(step, context, error);
    const struct qemu_img_target image = step_part_target(step);
    g_autofree char *stand_in = NULL;
    enum link_state state;
    uint64_t size;

    if (fd < 0 || !read_state(step, fd, &state, &size, error))
        return false;
    if (state == LINK_NEW)
        return true;
    if (!step_part_settle(&image, fd, context, error) ||
        ((context->recovering || state != LINK_OLD) && !go_back(step, fd, state, error)))
        return false;
    step->with_fd = scoped_fd_steal(&fd);
    stand_in = step_stand_in(step, size, error);
    return stand_in && set_rebase_program(step, context, stand_in, error);
}

bool
step_merge_begin(struct step *step, const struct step_context *context, bool *needed,
                 GError **error)
{
    bool fine;

    step_part_reset(step);
    if (step->kind == STEP_COMMIT)
        fine = step_commit_begin(step, context, error);
    else
        fine = (step->kind == STEP_REBASE ? begin_rebase : begin_relink)(step, context, error);
    *needed = step->argv != NULL;
    return fine;
}

/* What qemu-img wrote is flushed before the link says that it is there. */
static bool
end_link(const struct step *step, const struct step_context *context, GError **error)
{
    scoped_fd fd = step_part_open(step, context, error);
    enum link_state state;
    uint64_t size;

    if (fd < 0 || !read_state(step, fd, &state, &size, error) ||
        !step_part_flush(fd, step->path, error))
        return false;
    if (state == LINK_NEW)
        return true;
    if (state == LINK_STAND_IN)
        return step_link_set(step, fd, &step->link, error) &&
               (!context->recovering || tidy(step, fd, error));
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                "image '%s' has its old backing image still, although qemu-img did not complain",
                step->path);
    return false;
}

bool
step_merge_end(const struct step *step, const struct step_context *context, GError **error)
{
    return step->kind == STEP_COMMIT ? step_commit_end(step, context, error)
                                     : end_link(step, context, error);
}

/* Whether STEP, a commit, has not written to its base. The time of a device says nothing, and after
 * a power cut that of a file may be older than what is in it.
 */
static bool
base_is_unwritten(const struct step *step, const struct step_context *context)
{
    struct file_identity there = {0};
    struct stat st;

    if (!context->same_boot || step->rank < context->plan->applied || stat(step->source, &st) < 0 ||
        !S_ISREG(st.st_mode))
        return false;
    file_identity_set(&there, &st);
    file_identity_add_birth(&there, -1, step->source);
    for (guint i = 0; i < context->plan->checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(context->plan->checks, i);

        if (check->kind == PLAN_CHECK_EXCLUSIVE &&
            step_unchanged_file(context, &there, &check->identity))
            return true;
    }
    return false;
}

bool
step_merge_is_untouched(const struct step *step, const struct step_context *context)
{
    scoped_fd fd = -1;
    enum link_state state;
    uint64_t size;

    if (step->kind == STEP_COMMIT)
        return base_is_unwritten(step, context);
    fd = step_part_open(step, context, NULL);
    return fd >= 0 && read_state(step, fd, &state, &size, NULL) && state == LINK_OLD;
}

bool
step_merge_abandon(const struct step *step, const struct step_context *context, GError **error)
{
    scoped_fd fd = step_part_open(step, context, error);
    enum link_state state;
    uint64_t size;

    return fd >= 0 && read_state(step, fd, &state, &size, error) && go_back(step, fd, state, error);
}
