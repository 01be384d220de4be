/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "image/graph.h"
#include "image/qemu-img.h"
#include "image/qemu-limits.h"
#include "txn/step-look.h"
#include "txn/step-part.h"
#include "txn/watch.h"
#include "util/child.h"
#include "util/error.h"
#include "util/interrupt.h"

/* Whether what comes after STEP was applied, so that no guest should use its image any more. That
 * another disk has its merged image says nothing of this one.
 */
static bool
later_was_applied(const struct step *step, const struct step_context *context)
{
    const GPtrArray *apply = context->plan->apply;

    for (guint i = 0; i < apply->len; i++) {
        const struct step *later = g_ptr_array_index(apply, i);
        bool other = step_is_committed(later, context) && strcmp(later->path, step->path) != 0;

        if (later->rank > step->rank && !other && step_was_applied(later, context))
            return true;
    }
    return false;
}

/* Whether somebody wrote to the image since its data went down, and still uses it: then that has to
 * go down as well. Once the domain has been pointed at the base nobody should.
 */
static bool
was_written_since(const struct step *step, const struct step_context *context)
{
    struct file_identity there = {0};
    struct stat st;

    if (step->block || step->made.inode == 0 || stat(step->path, &st) < 0)
        return false;
    file_identity_set(&there, &st);
    file_identity_add_birth(&there, -1, step->path);
    return step_same_file(context, &there, &step->made) &&
           !step_unchanged_file(context, &there, &step->made) && !later_was_applied(step, context);
}

bool
step_commit_is_needed(const struct step *step, const struct step_context *context)
{
    if (!context->recovering || !context->plan || step->rank >= context->plan->applied)
        return true;
    return was_written_since(step, context);
}

/* The image that STEP, a commit, writes into: it has to be where the plan said. */
static const struct image *
commit_base(const struct step *step, const struct step_context *context, const struct image *image,
            GError **error)
{
    struct stat st;

    for (unsigned i = 0; image && i < step->depth; i++)
        image = image->backing;
    if (image && stat(step->source, &st) == 0 &&
        (image->block ? S_ISBLK(st.st_mode)
                      : st.st_dev == image->identity.device && st.st_ino == image->identity.inode &&
                            step_part_is_planned(context, step->source, &image->identity)))
        return image;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "image '%s' does not lie %u links below '%s' any more", step->source, step->depth,
                step->path);
    return NULL;
}

/* PATH of an image and BACKING in its header, joined as QEMU does. */
static char *
join(const char *path, const char *backing)
{
    if (*backing == '/')
        return g_strdup(backing);
    return g_strdup_printf("%.*s%s", (int)(strrchr(path, '/') + 1 - path), path, backing);
}

/* How QEMU names the image DEPTH links below TOP, when it gets options of ours for all images above
 * and, with OVERRIDDEN, for the one below it: only by that name it is found. NULL: cannot be said.
 */
static char *
base_name(const struct image *top, unsigned depth, bool overridden)
{
    const struct image *image = top;
    char *path = g_strdup(top->path);
    g_autofree char *upper = NULL;
    g_autofree char *below = NULL;

    for (; depth > 0; depth--, image = image->backing) {
        g_free(upper);
        upper = path;
        path = join(upper, image->header.backing);
    }
    if (!overridden || *image->header.backing == '/')
        return path;
    g_free(upper);
    upper = path;
    below = join(upper, image->header.backing);
    return qemu_img_overridden_name(&(struct qemu_img_target){.path = upper,
                                                              .format = image->format->qemu,
                                                              .block = image->block},
                                    &(struct qemu_img_target){.path = below,
                                                              .format =
                                                                  image->backing->format->qemu,
                                                              .block = image->backing->block});
}

/* Let the program come to IMAGE by its path. */
static void
name_below(char **argv, unsigned level, const struct image *image)
{
    const struct qemu_img_target target = step_part_opened(image->path, image);

    qemu_img_name_below(argv, level, &target);
}

/* How QEMU names an image when it is told the path of the one below. */
static char *
overridden_name(const struct qemu_img_target *image, const struct image *below)
{
    const struct qemu_img_target target = step_part_opened(below->path, below);

    return qemu_img_overridden_name(image, &target);
}

/* The program of a merge over several layers, by paths alone: a name below the base that is not
 * UTF-8 cannot be said otherwise.
 */
static bool
set_program_by_path(struct step *step, const struct step_context *context, const struct image *top,
                    const struct image *base, GError **error)
{
    struct qemu_img_target image = step_part_target(step);
    bool share = step_part_any_is_ours(base->backing, context);
    g_autofree char *name = base_name(top, step->depth, share);
    const struct commit_spec spec = {.base = name, .depth = step->depth};

    if (!name) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "qemu-img cannot be told to merge '%s' into '%s', whose name is not UTF-8",
                    step->path, step->source);
        return false;
    }
    image.chain = top;
    step->argv = qemu_img_commit_argv(&image, &spec, step->sandbox);
    if (share)
        qemu_img_share_below(step->argv, step->depth + 1);
    return true;
}

/* The images that are opened for writing get to the program by the descriptors that were looked at:
 * their names may lead elsewhere by then. Links are not read from where a descriptor is, and so it
 * gets the paths of the images below them as well.
 */
static bool
set_commit_program(struct step *step, const struct step_context *context, const struct image *top,
                   const struct image *base, GError **error)
{
    const struct image *below = base->backing;
    bool relative = below && *base->header.backing != '/';
    g_autofree char *top_name = step_part_name(step->fd);
    g_autofree char *written = step_part_name(step->with_fd);
    const struct qemu_img_target top_image = step_part_opened(top_name, top);
    const struct qemu_img_target base_image = step_part_opened(written, base);
    struct commit_spec spec = {.depth = step->depth, .into = &base_image};
    g_autofree char *name = NULL;

    if (step->depth > 1 && relative)
        name = overridden_name(&base_image, below);
    else if (step->depth > 1)
        name = g_strdup(written);
    if (step->depth > 1 && !name)
        return set_program_by_path(step, context, top, base, error);
    spec.base = name;
    step->argv = qemu_img_commit_argv(&top_image, &spec, step->sandbox);
    if (step->depth > 1)
        name_below(step->argv, 1, top->backing);
    if (relative)
        name_below(step->argv, step->depth + 1, below);
    if (step_part_any_is_ours(below, context))
        qemu_img_share_below(step->argv, step->depth + 1);
    return true;
}

/* An interrupted commit leaves clusters in the base, open at FD, that nothing uses. */
static bool
base_repair(const struct step *step, const struct image *base, int fd, GError **error)
{
    const struct qemu_img_target image = {.path = step->source,
                                          .format = base->format->qemu,
                                          .block = base->block};

    return !base->format->overlay || step_part_repair(&image, fd, error);
}

static bool
mark_read(const char *path, struct step_mark *mark, GError **error)
{
    const int64_t second = 1000000000;
    struct stat st;

    if (stat(path, &st) < 0) {
        offshot_set_error_errno(error, errno, "cannot look at image '%s'", path);
        return false;
    }
    *mark = (struct step_mark){
        .size = (uint64_t)st.st_size,
        .mtime = (int64_t)st.st_mtim.tv_sec * second + st.st_mtim.tv_nsec,
        .ctime = (int64_t)st.st_ctim.tv_sec * second + st.st_ctim.tv_nsec,
    };
    return true;
}

/* Both images are opened for writing. */
static bool
settle(const struct step *step, const struct image *base, const struct step_context *context,
       GError **error)
{
    const struct qemu_img_target above = step_part_target(step);
    const struct qemu_img_target into = {.path = step->source,
                                         .format = base->format->qemu,
                                         .block = base->block};

    return step_part_settle(&above, step->fd, context, error) &&
           step_part_settle(&into, step->with_fd, context, error);
}

bool
step_commit_begin(struct step *step, const struct step_context *context, GError **error)
{
    scoped(image_graph) graph = image_graph_new();
    const struct image *top, *base;

    if (!step_commit_is_needed(step, context))
        return true;
    if (!watch_check(step, context, error))
        return false;
    step->fd = step_part_open(step, context, error);
    top = step->fd >= 0 ? step_part_walk(graph, step, error) : NULL;
    base = top ? commit_base(step, context, top, error) : NULL;
    step->with_fd = base ? image_open(base, error) : -1;
    return step->with_fd >= 0 && settle(step, base, context, error) &&
           (!context->recovering || base_repair(step, base, step->with_fd, error)) &&
           set_commit_program(step, context, top, base, error) &&
           mark_read(step->source, &step->mark, error);
}

/* Whether qemu-img finds the same data in ONE and OTHER, and says so. A signal stops it. */
static bool
compare(const struct qemu_img_target *one, const struct qemu_img_target *other, bool *identical,
        GError **error)
{
    scoped(sandbox) sandbox = sandbox_new();
    g_auto(GStrv) argv = qemu_img_compare_argv(one, other, sandbox);
    struct child child = {.argv = argv, .sandbox = sandbox, .limits = qemu_img_limits(sandbox)};
    struct child *children[] = {&child};
    bool fine;

    child.limits.writes_nothing = true;
    child_set_cancel(interrupt_fd());
    fine = child_run(children, 1, 1, error);
    child_set_cancel(-1);
    if (fine && child.started && WIFEXITED(child.status) && WEXITSTATUS(child.status) == 1)
        *identical = false;
    else
        fine = fine && child_check(&child, error);
    if (fine && *identical)
        *identical = strstr(child.out->str, "Images are identical.") != NULL;
    child_clear(&child);
    return fine;
}

/* A program that did nothing is one that had nothing to do. Devices have no times that tell of
 * writes.
 */
static bool
check_written(const struct step *step, const struct image *top, const struct image *base,
              GError **error)
{
    struct qemu_img_target top_image = step_part_target(step);
    const struct qemu_img_target base_image = {step->source, base->format->qemu, base->block, base};
    bool identical = true;
    struct step_mark now;

    if (!mark_read(step->source, &now, error))
        return false;
    if (now.size != step->mark.size || now.mtime != step->mark.mtime ||
        now.ctime != step->mark.ctime)
        return true;
    top_image.chain = top;
    if (!compare(&top_image, &base_image, &identical, error) || identical)
        return identical;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                "image '%s' did not get the data of '%s' although qemu-img did not complain",
                step->source, step->path);
    return false;
}

/* Whatever qemu-img wrote is taken for all that it had to write: to read it back would cost as much
 * again.
 */
static bool
check_committed(const struct step *step, const struct step_context *context, GError **error)
{
    scoped(image_graph) graph = image_graph_new();
    const struct image *top = step_part_walk(graph, step, error);
    const struct image *base = top ? commit_base(step, context, top, error) : NULL;
    scoped_fd fd = base ? image_open(base, error) : -1;

    if (fd < 0)
        return false;
    if (base->size >= top->size)
        return check_written(step, top, base, error) &&
               (!context->recovering || base_repair(step, base, fd, error));
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                "image '%s' was not made as large as '%s' although qemu-img did not complain",
                step->source, step->path);
    return false;
}

bool
step_commit_end(const struct step *step, const struct step_context *context, GError **error)
{
    scoped_fd fd = -1;

    if (step->argv && !check_committed(step, context, error))
        return false;
    fd = open(step->source, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    /* when it was done long ago, the base may have the name of the top by now */
    if (fd < 0 && errno == ENOENT && !step->argv)
        return true;
    if (fd >= 0)
        return step_part_flush(fd, step->source, error);
    offshot_set_error_errno(error, errno, "cannot open image '%s'", step->source);
    return false;
}
