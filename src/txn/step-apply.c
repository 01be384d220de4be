/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/step.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "txn/step-look.h"
#include "util/error.h"

/* Rename without replacing; file systems that cannot do it at once get a link and an unlink. */
static bool
rename_new(const char *from, const char *to, GError **error)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if ((errno == EINVAL || errno == ENOSYS) && link(from, to) == 0 && unlink(from) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot rename '%s' to '%s'", from, to);
    return false;
}

bool
step_identify(struct step *step, GError **error)
{
    const char *path = step->path;
    struct stat st;

    if (step->kind == STEP_REPLACE || step->kind == STEP_INSTALL)
        path = step->source;
    if (!step_look(path, &step->made, &st, error))
        return false;
    if (step->made.inode != 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "'%s' has vanished", path);
    return false;
}

bool
step_was_applied(const struct step *step, const struct step_context *context)
{
    struct file_identity there;
    struct file_identity source;
    struct stat st;

    if (step->kind == STEP_UNLINK || !step_look(step->path, &there, &st, NULL) ||
        !step_look(step->source, &source, &st, NULL))
        return false;
    if (source.inode != 0)
        return false;
    /* What is gone was moved by this step, whatever became of PATH since; unless somebody removed
     * it. */
    if (step->kind == STEP_INSTALL)
        return there.inode != 0;
    return !step_unchanged_file(context, &there, &step->old);
}

/* Whether what is at PATH may be renamed over: the file that the plan saw, as it saw it. An image
 * that was written since keeps its other name, so nothing is lost.
 */
static bool
may_replace(const struct step *step, const struct step_context *context,
            const struct file_identity *there, const struct stat *st, GError **error)
{
    if (there->inode == 0)
        return step_set_unexplained(error, step->path, "has vanished");
    if (!step_same_file(context, there, &step->old))
        return step_set_unexplained(error, step->path, "was replaced by somebody else");
    if (step_unchanged_file(context, there, &step->old))
        return true;
    if (st->st_nlink < 2)
        return step_set_unexplained(error, step->path, "was written since the operation began");
    step_note(context,
              "'%s' was written after the operation was interrupted; the snapshot holds what was "
              "written, too",
              step->path);
    return true;
}

/* Let stay what somebody else made of PATH, and drop what was meant for it. */
static bool
yield(const struct step *step, const struct step_context *context, GError **error)
{
    step_note(context,
              "'%s' was changed or removed after the operation was interrupted, and stays so",
              step->path);
    if (unlink(step->source) == 0 || errno == ENOENT)
        return true;
    offshot_set_error_errno(error, errno, "cannot remove '%s'", step->source);
    return false;
}

/* Somebody may have removed the directory that a new snapshot file goes into. */
static bool
make_parent(const char *path, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(path);

    if (mkdir(directory, 0700) == 0 || errno == EEXIST)
        return true;
    offshot_set_error_errno(error, errno, "cannot make directory '%s'", directory);
    return false;
}

static bool
finish_install(const struct step *step, const struct file_identity *there,
               const struct file_identity *source, GError **error)
{
    if (there->inode == 0)
        return make_parent(step->path, error) && rename_new(step->source, step->path, error);
    if (!file_identity_is_same_file(there, source))
        return step_set_unexplained(error, step->path, "was made by somebody else");
    if (unlink(step->source) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot remove '%s'", step->source);
    return false;
}

static bool
finish_replace(const struct step *step, const struct step_context *context,
               const struct file_identity *there, const struct stat *st, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (!may_replace(step, context, there, st, &local)) {
        if (step->yields)
            return yield(step, context, error);
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    if (rename(step->source, step->path) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot rename '%s' to '%s'", step->source, step->path);
    return false;
}

static bool
finish_rename(const struct step *step, const struct step_context *context, GError **error)
{
    struct file_identity there;
    struct file_identity source;
    struct stat there_st;
    struct stat st;

    if (step_was_applied(step, context))
        return true;
    if (!step_look(step->path, &there, &there_st, error) ||
        !step_look(step->source, &source, &st, error))
        return false;
    if (source.inode == 0 && (step->yields || step->kind == STEP_INSTALL))
        return yield(step, context, error);
    if (source.inode == 0) {
        g_set_error(
            error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
            "'%s', which was to become '%s', has vanished: bring it back, or put the disks in "
            "order by hand and then remove the journal",
            step->source, step->path);
        return false;
    }
    if (!step_same_file(context, &source, &step->made))
        return step_set_unexplained(error, step->source, "is not the file that offshot made");
    if (step->kind == STEP_INSTALL)
        return finish_install(step, &there, &source, error);
    return finish_replace(step, context, &there, &there_st, error);
}

static bool
finish_unlink(const struct step *step, const struct step_context *context, GError **error)
{
    struct file_identity there;
    struct stat st;

    if (!step_look(step->path, &there, &st, error))
        return false;
    if (there.inode == 0)
        return true;
    if (!step_same_file(context, &there, &step->made))
        return step_set_unexplained(error, step->path,
                                    "is not the file that the plan was to remove");
    if (unlink(step->path) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot remove '%s'", step->path);
    return false;
}

bool
step_finish(const struct step *step, const struct step_context *context, GError **error)
{
    switch (step->kind) {
    case STEP_REPLACE:
    case STEP_INSTALL:
        return finish_rename(step, context, error);
    case STEP_UNLINK:
        return finish_unlink(step, context, error);
    case STEP_MAKE_DIRECTORY:
    case STEP_STAGE_FILE:
    case STEP_CREATE_OVERLAY:
    case STEP_FILL_DEVICE:
    case STEP_LINK:
        break;
    }
    g_assert_not_reached();
}
