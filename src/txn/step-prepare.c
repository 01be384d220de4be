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
#include "txn/step-used.h"
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
step_begin(struct step *step, GError **error)
{
    switch (step->kind) {
    case STEP_MAKE_DIRECTORY:
        return begin_make_directory(step, error);
    case STEP_STAGE_FILE:
        return begin_stage_file(step, error);
    case STEP_CREATE_OVERLAY:
        step->fd = file_create(step->path, error);
        return step->fd >= 0;
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

char **
step_program(const struct step *step)
{
    char **argv = g_strdupv(step->argv);

    for (size_t i = 0; argv && step->fd >= 0 && argv[i]; i++) {
        if (strcmp(argv[i], step->path) != 0)
            continue;
        g_free(argv[i]);
        argv[i] = g_strdup_printf("/proc/self/fd/%d", step->fd);
    }
    return argv;
}

/* Whether the name of the new file still leads to it. */
static bool
check_name(const struct step *step, GError **error)
{
    struct file_identity there;
    struct stat st;

    if (!step_look(step->path, &there, &st, error))
        return false;
    if (file_identity_is_same_file(&there, &step->made))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED,
                "'%s' was replaced by somebody else while it was made", step->path);
    return false;
}

bool
step_end(struct step *step, GError **error)
{
    scoped_fd fd = -1;
    scoped_fd like = -1;
    struct stat st;

    if (step->kind != STEP_CREATE_OVERLAY)
        return true;
    fd = scoped_fd_steal(&step->fd);
    like = open(step->like, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (like < 0) {
        offshot_set_error_errno(error, errno, "cannot open '%s'", step->like);
        return false;
    }
    if (!check_overlay(step, fd, error) || !file_copy_attributes(like, fd, step->path, error))
        return false;
    if (fsync(fd) < 0 || fstat(fd, &st) < 0) {
        offshot_set_error_errno(error, errno, "cannot flush '%s'", step->path);
        return false;
    }
    file_identity_set(&step->made, &st);
    file_identity_add_birth(&step->made, fd, NULL);
    return check_name(step, error);
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
    if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
        return step_set_unexplained(error, step->path, "is no file that offshot made");
    if (unlink(step->path) == 0 || errno == ENOENT)
        return true;
    offshot_set_error_errno(error, errno, "cannot remove '%s'", step->path);
    return false;
}

static void
note_left(const struct step *step, const struct step_context *context)
{
    step_note(
        context,
        "'%s' is left where it is: it may have been used since the operation was interrupted; "
        "remove it if nothing needs it",
        step->path);
}

/* A new name is ours only as long as it is the file that still has its old name, too: a last name
 * is never taken away, and an overlay that somebody has come to use stays.
 */
static bool
undo_link(const struct step *step, const struct step_context *context, GError **error)
{
    struct file_identity there;
    struct file_identity source;
    struct stat st;
    bool used = false;

    if (!step_look(step->path, &there, &st, error) || !step_look(step->source, &source, &st, error))
        return false;
    if (there.inode == 0)
        return true;
    if (!file_identity_is_same_file(&there, &source)) {
        note_left(step, context);
        return true;
    }
    if (context->recovering && step->fresh && !step_overlay_is_used(step, context, &used, error))
        return false;
    if (used)
        note_left(step, context);
    if (used || unlink(step->path) == 0)
        return true;
    offshot_set_error_errno(error, errno, "cannot remove '%s'", step->path);
    return false;
}

/* A device that somebody has come to use keeps what is on it. */
static bool
undo_fill_device(const struct step *step, const struct step_context *context, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (device_blank(step->path, step->source, &local))
        return true;
    if (!context->recovering) {
        g_propagate_error(error, g_steal_pointer(&local));
        return false;
    }
    step_note(context, "%s", local->message);
    return true;
}

bool
step_ensure(const struct step *step, const struct step_context *context, GError **error)
{
    struct file_identity there;
    struct file_identity source;
    struct stat st;

    if (step->kind == STEP_MAKE_DIRECTORY)
        return begin_make_directory(step, error);
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
        return undo_fill_device(step, context, error);
    case STEP_LINK:
        return undo_link(step, context, error);
    case STEP_REPLACE:
    case STEP_INSTALL:
    case STEP_UNLINK:
        break;
    }
    g_assert_not_reached();
}
