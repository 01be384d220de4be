/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/step.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "txn/device.h"
#include "txn/step-image.h"
#include "txn/step-look.h"
#include "txn/step-new.h"
#include "txn/step-part.h"
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

/* The program gets the new file by its descriptor, and no right to the name. */
static bool
begin_new_image(struct step *step, GError **error)
{
    g_autofree char *name = NULL;

    step->fd = file_create(step->path, error);
    if (step->fd < 0)
        return false;
    name = step_part_name(step->fd);
    sandbox_rename(step->sandbox, step->path, name);
    return true;
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
    case STEP_CONVERT:
        return begin_new_image(step, error);
    case STEP_FILL_DEVICE:
        return device_fill(step->path, step->source, error);
    case STEP_LINK:
        return begin_link(step, error);
    case STEP_TAKE_TAG:
    case STEP_APPLY_TAG:
    case STEP_COMMIT:
    case STEP_REBASE:
    case STEP_RELINK:
    case STEP_REPLACE:
    case STEP_INSTALL:
    case STEP_UNLINK:
    case STEP_DELETE_TAG:
        break;
    }
    g_assert_not_reached();
}

/* A word of the program as it is run. */
static char *
program_word(const struct step *step, const char *word, bool progress)
{
    if (step->fd >= 0 && strcmp(word, step->path) == 0)
        return step_part_name(step->fd);
    return g_strdup(progress && strcmp(word, "-q") == 0 ? "-p" : word);
}

char **
step_program(const struct step *step, bool progress)
{
    size_t count = step->argv ? g_strv_length(step->argv) : 0;
    char **argv = step->argv ? g_new0(char *, count + 1) : NULL;

    /* The word that asks for silence is the one behind the command, not a name that looks alike. */
    for (size_t i = 0; i < count; i++)
        argv[i] =
            program_word(step, step->argv[i], progress && step->kind == STEP_CONVERT && i == 2);
    return argv;
}

bool
step_end(struct step *step, GError **error)
{
    return (step->kind != STEP_CREATE_OVERLAY && step->kind != STEP_CONVERT) ||
           step_new_image_end(step, error);
}

/* Whether the plan makes DIRECTORY, so that it may be gone by now. */
static bool
is_made(const struct step_context *context, const char *directory)
{
    for (guint i = 0; context->plan && i < context->plan->prepare->len; i++) {
        const struct step *step = g_ptr_array_index(context->plan->prepare, i);

        if (step->kind == STEP_MAKE_DIRECTORY && strcmp(step->path, directory) == 0)
            return true;
    }
    return false;
}

/* Nothing is at the path of STEP: it was undone, or never done, unless all of its directory is
 * somewhere else now, and with it what was made.
 */
static bool
check_gone(const struct step *step, const struct step_context *context, GError **error)
{
    g_autofree char *directory = g_path_get_dirname(step->path);
    struct stat st;

    if (lstat(directory, &st) == 0 || errno != ENOENT || is_made(context, directory))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "directory '%s' is not there any more: give it its name back, then run `offshot "
                "recover`",
                directory);
    return false;
}

/* Remove a file whose temporary name nobody else can have chosen. */
static bool
undo_new_file(const struct step *step, const struct step_context *context, GError **error)
{
    struct file_identity there;
    struct stat st;

    if (!step_look(step->path, &there, &st, error))
        return false;
    if (there.inode == 0)
        return check_gone(step, context, error);
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
        return check_gone(step, context, error);
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
    case STEP_CONVERT:
        return undo_new_file(step, context, error);
    case STEP_FILL_DEVICE:
        return undo_fill_device(step, context, error);
    case STEP_LINK:
        return undo_link(step, context, error);
    case STEP_TAKE_TAG:
    case STEP_APPLY_TAG:
        if (step->begun)
            return step_image_undo(step, context, error);
        /* what an interrupted run hid it had begun, as far as the journal knows */
        return context->recovering || step_unhide(step, error);
    case STEP_COMMIT:
    case STEP_REBASE:
    case STEP_RELINK:
    case STEP_REPLACE:
    case STEP_INSTALL:
    case STEP_UNLINK:
    case STEP_DELETE_TAG:
        break;
    }
    g_assert_not_reached();
}
