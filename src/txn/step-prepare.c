/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/step.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/header.h"
#include "image/qemu-img.h"
#include "txn/device.h"
#include "txn/step-look.h"
#include "util/error.h"

static bool
begin_stage_file(const struct step *step, GError **error)
{
    scoped_fd fd = file_create(step->path, error);

    if (fd < 0)
        return false;
    if (file_write(fd, step->path, step->content, strlen(step->content), error)) {
        scoped_fd like = step->like ? open(step->like, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

        if (step->like && like < 0)
            offshot_set_error_errno(error, errno, "cannot open '%s'", step->like);
        else if (like < 0 || file_copy_attributes(like, fd, step->path, error)) {
            if (fsync(fd) == 0)
                return true;
            offshot_set_error_errno(error, errno, "cannot flush '%s'", step->path);
        }
    }
    unlink(step->path);
    return false;
}

static bool
begin_make_directory(const struct step *step, GError **error)
{
    struct stat st;

    if (mkdir(step->path, 0700) == 0 ||
        (errno == EEXIST && stat(step->path, &st) == 0 && S_ISDIR(st.st_mode)))
        return true;
    offshot_set_error_errno(error, errno, "cannot make directory '%s'", step->path);
    return false;
}

static bool
begin_link(const struct step *step, GError **error)
{
    if (link(step->source, step->path) == 0)
        return true;
    if (errno == EPERM || errno == EOPNOTSUPP)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "cannot link '%s' to '%s': the file system has no hard links, or "
                    "fs.protected_hardlinks forbids it for files of another user",
                    step->source, step->path);
    else
        offshot_set_error_errno(error, errno, "cannot link '%s' to '%s'", step->source, step->path);
    return false;
}

bool
step_begin(const struct step *step, GError **error)
{
    int fd;

    switch (step->kind) {
    case STEP_MAKE_DIRECTORY:
        return begin_make_directory(step, error);
    case STEP_STAGE_FILE:
        return begin_stage_file(step, error);
    case STEP_CREATE_OVERLAY:
        fd = file_create(step->path, error);
        return fd >= 0 && close(fd) == 0;
    case STEP_FILL_DEVICE:
        return device_fill(step->path, step->source, error);
    case STEP_LINK:
        return begin_link(step, error);
    case STEP_REPLACE:
    case STEP_INSTALL:
    case STEP_UNLINK:
        break;
    }
    g_assert_not_reached();
}

/* Whether the backing string, read from where the overlay lies, names the very file it should:
 * "../" goes elsewhere than it seems behind a symbolic link.
 */
static bool
leads_to_backing(const struct step *step)
{
    const struct step_overlay *want = &step->overlay;
    g_autofree char *path = NULL;
    struct stat there;
    struct stat expected;

    if (!want->backing_path)
        return true;
    path = backing_string_resolve(step->path, want->backing, NULL);
    return path && stat(path, &there) == 0 && stat(want->backing_path, &expected) == 0 &&
           there.st_ino == expected.st_ino && there.st_dev == expected.st_dev;
}

/* qemu-img's exit code alone is no proof: read back what it was asked for. */
static bool
check_overlay(const struct step *step, int fd, GError **error)
{
    g_autofree uint8_t *data = g_malloc(IMAGE_HEADER_SIZE);
    const struct step_overlay *want = &step->overlay;
    ssize_t got = pread(fd, data, IMAGE_HEADER_SIZE, 0);
    struct image_header header = {0};
    g_autoptr(GError) local = NULL;
    bool fits;

    if (got < 0) {
        offshot_set_error_errno(error, errno, "cannot read '%s'", step->path);
        return false;
    }
    if (!image_header_probe(&header, want->format, data, (size_t)got, 0, &local)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "qemu-img made '%s', which is no %s image: %s", step->path, want->format,
                    local->message);
        return false;
    }
    fits = header.size == want->size && g_strcmp0(header.backing, want->backing) == 0 &&
           (!header.backing_format || g_strcmp0(header.backing_format, want->backing_format) == 0);
    image_header_clear(&header);
    fits = fits && leads_to_backing(step);
    if (!fits)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                    "qemu-img made '%s', but not with the size and backing link that it was given",
                    step->path);
    return fits;
}

bool
step_end(const struct step *step, GError **error)
{
    scoped_fd fd = -1;
    scoped_fd like = -1;

    if (step->kind != STEP_CREATE_OVERLAY)
        return true;
    fd = open(step->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    like = open(step->like, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || like < 0) {
        offshot_set_error_errno(error, errno, "cannot open '%s'", fd < 0 ? step->path : step->like);
        return false;
    }
    if (!check_overlay(step, fd, error) || !file_copy_attributes(like, fd, step->path, error))
        return false;
    if (fsync(fd) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot flush '%s'", step->path);
    return false;
}

/* Remove a file whose temporary name nobody else can have chosen. */
static bool
undo_new_file(const struct step *step, GError **error)
{
    struct file_identity there;
    struct stat st;

    if (!step_look(step->path, &there, &st, error))
        return false;
    if (there.inode == 0)
        return true;
    if (!S_ISREG(st.st_mode))
        return step_set_unexplained(error, step->path, "is no file that offshot made");
    if (unlink(step->path) == 0 || errno == ENOENT)
        return true;
    offshot_set_error_errno(error, errno, "cannot remove '%s'", step->path);
    return false;
}

/* A new name is ours only as long as it is the file that still has its old name, too: a last name
 * is never taken away.
 */
static bool
undo_link(const struct step *step, GError **error)
{
    struct file_identity there;
    struct file_identity source;
    struct stat st;

    if (!step_look(step->path, &there, &st, error) || !step_look(step->source, &source, &st, error))
        return false;
    if (there.inode == 0)
        return true;
    if (!file_identity_is_same_file(&there, &source))
        return step_set_unexplained(error, step->path, "is not the file that offshot linked there");
    if (unlink(step->path) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot remove '%s'", step->path);
    return false;
}

bool
step_ensure(const struct step *step, const struct step_context *context, GError **error)
{
    struct file_identity there;
    struct file_identity source;
    struct stat st;

    if (step->kind != STEP_LINK)
        return true;
    if (!step_look(step->path, &there, &st, error) || !step_look(step->source, &source, &st, error))
        return false;
    if (there.inode != 0 && step_same_file(context, &there, &step->made))
        return true;
    if (source.inode == 0 || !step_same_file(context, &source, &step->made)) {
        /* The steps behind this one are done, so whoever took the name did it afterwards. */
        step_note(context, "'%s' was moved or removed after the operation was interrupted",
                  step->path);
        return true;
    }
    if (there.inode != 0)
        return step_set_unexplained(error, step->path, "was made by somebody else");
    return begin_link(step, error);
}

bool
step_undo(const struct step *step, const struct step_context *context, GError **error)
{
    (void)context;
    switch (step->kind) {
    case STEP_MAKE_DIRECTORY:
        if (rmdir(step->path) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST)
            return true;
        offshot_set_error_errno(error, errno, "cannot remove directory '%s'", step->path);
        return false;
    case STEP_STAGE_FILE:
    case STEP_CREATE_OVERLAY:
        return undo_new_file(step, error);
    case STEP_FILL_DEVICE:
        return device_blank(step->path, step->source, error);
    case STEP_LINK:
        return undo_link(step, error);
    case STEP_REPLACE:
    case STEP_INSTALL:
    case STEP_UNLINK:
        break;
    }
    g_assert_not_reached();
}
