/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "txn/step-image.h"
#include "txn/step-look.h"
#include "txn/step-part.h"
#include "util/error.h"

bool
step_rename_new(const char *from, const char *to, GError **error)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return true;
    if ((errno == EINVAL || errno == ENOSYS) && link(from, to) == 0 && unlink(from) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot rename '%s' to '%s'", from, to);
    return false;
}

bool
step_is_hidden(const struct step *step)
{
    struct stat st;

    return step->hidden && lstat(step->hidden, &st) == 0;
}

const char *
step_image_path(const struct step *step)
{
    return step_is_hidden(step) ? step->hidden : step->path;
}

/* Whether PATH itself, no link, is the file that is open at FD. */
static bool
is_open_at(const char *path, int fd, struct stat *st)
{
    struct stat open_st;

    return lstat(path, st) == 0 && fstat(fd, &open_st) == 0 && st->st_dev == open_st.st_dev &&
           st->st_ino == open_st.st_ino;
}

/* Whether the rename failed for a reason that only says that this image cannot be hidden. */
static bool
may_stay_seen(int number)
{
    switch (number) {
    case EACCES:
    case EPERM:
    case EROFS:
    case EBUSY:
    case EXDEV:
    case EINVAL:
    case ENOSYS:
    case ENOSPC:
    case EDQUOT:
        return true;
    default:
        return false;
    }
}

static bool
sync_parent(const struct step *step, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(step->path);

    return file_sync_directory(directory, error);
}

/* After a failure: the image has its name back, or a recovery sees to it. */
static bool
hide_failed(const struct step *step)
{
    step_unhide(step, NULL);
    return false;
}

bool
step_hide(const struct step *step, int fd, GError **error)
{
    struct stat st;

    if (!step->hidden || step->block || step_is_hidden(step))
        return true;
    if (!is_open_at(step->path, fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1)
        return true;
    if (renameat2(AT_FDCWD, step->path, AT_FDCWD, step->hidden, RENAME_NOREPLACE) < 0) {
        if (may_stay_seen(errno))
            return true;
        offshot_set_error_errno(error, errno, "cannot rename '%s' to '%s'", step->path,
                                step->hidden);
        return false;
    }
    if (!is_open_at(step->hidden, fd, &st)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                    "'%s' was changed by somebody else just now: run the command again",
                    step->path);
        return hide_failed(step);
    }
    return sync_parent(step, error) || hide_failed(step);
}

bool
step_unhide(const struct step *step, GError **error)
{
    struct file_identity there;
    struct file_identity image;
    struct stat st;

    if (!step_is_hidden(step))
        return true;
    if (!step_look(step->path, &there, &st, error) || !step_look(step->hidden, &image, &st, error))
        return false;
    if (there.inode == 0)
        return step_rename_new(step->hidden, step->path, error) && sync_parent(step, error);
    /* somebody has linked it back */
    if (file_identity_is_same_file(&there, &image) && unlink(step->hidden) == 0)
        return sync_parent(step, error);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "image '%s' lies at '%s', since somebody put something else in its place "
                "meanwhile: put that aside",
                step->path, step->hidden);
    return false;
}
