/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/step.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "txn/step-image.h"
#include "txn/step-look.h"
#include "txn/step-part.h"
#include "txn/watch.h"
#include "util/error.h"

/* The longest text that is compared, in bytes; far more than a domain XML file may have. */
#define TEXT_MAX (64 * 1024 * 1024)

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

    if (step_kind_is_image(step->kind) || !step_look(step->path, &there, &st, NULL))
        return false;
    /* What the plan itself made may be gone for any reason. */
    if (step->kind == STEP_UNLINK)
        return (step->guarded || step->yields) && there.inode == 0;
    if (!step_look(step->source, &source, &st, NULL) || source.inode != 0)
        return false;
    /* What is gone was moved by this step, whatever became of PATH since; unless somebody removed
     * it. */
    if (step->kind == STEP_INSTALL)
        return there.inode != 0;
    return !step_unchanged_file(context, &there, &step->old);
}

/* The step of STEPS of KIND with PATH and SOURCE (NULL: any of these), or NULL. */
static const struct step *
find_step(const GPtrArray *steps, enum step_kind kind, const char *path, const char *source)
{
    for (guint i = 0; i < steps->len; i++) {
        const struct step *step = g_ptr_array_index(steps, i);

        if (step->kind == kind && (!path || strcmp(step->path, path) == 0) &&
            (!source || strcmp(step->source, source) == 0))
            return step;
    }
    return NULL;
}

bool
step_is_committed(const struct step *step, const struct step_context *context)
{
    return context->plan && step->kind == STEP_REPLACE &&
           find_step(context->plan->apply, STEP_COMMIT, step->path, step->source);
}

/* Tell where what was written to PATH remains. A spare name that is about to go says so itself. */
static void
note_written(const struct step *step, const struct step_context *context)
{
    if (!step->discards)
        step_note(context,
                  "'%s' was written after the operation was interrupted; the snapshot holds what "
                  "was written, too",
                  step->path);
}

/* Whether PATH, of whatever file, has the text that the plan saw. */
static bool
has_same_text(const struct step *step, const struct stat *st)
{
    g_autofree char *text = NULL;
    g_autofree char *digest = NULL;
    size_t length;

    if (S_ISREG(st->st_mode))
        text = file_read(step->path, TEXT_MAX, &length, NULL, NULL);
    if (text)
        digest = g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *)text, length);
    return g_strcmp0(digest, step->digest) == 0;
}

/* The same of a text that users edit: who only touched or restored it is not in the way. */
static bool
may_replace_text(const struct step *step, const struct step_context *context,
                 const struct file_identity *there, const struct stat *st, GError **error)
{
    if (step_unchanged_file(context, there, &step->old) || has_same_text(step, st))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "'%s' was changed %s" STEP_EDITED_ADVICE, step->path,
                context->recovering ? "after the operation was interrupted"
                                    : "while the operation ran");
    return false;
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
    if (step->digest)
        return may_replace_text(step, context, there, st, error);
    if (!step_same_file(context, there, &step->old))
        return step_set_unexplained(error, step->path, "was replaced by somebody else");
    if (step_unchanged_file(context, there, &step->old) || step_is_committed(step, context))
        return true;
    if (st->st_nlink < 2)
        return step_set_unexplained(error, step->path, "was written since the operation began");
    note_written(step, context);
    return true;
}

static void
note_yield(const struct step *step, const struct step_context *context)
{
    step_note(context,
              "'%s' was changed or removed after the operation was interrupted, and stays so",
              step->path);
    if (context->yielded)
        *context->yielded = true;
}

/* Let stay what somebody else made of PATH, and drop what was meant for it. */
static bool
yield(const struct step *step, const struct step_context *context, GError **error)
{
    note_yield(step, context);
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
        return make_parent(step->path, error) && step_rename_new(step->source, step->path, error);
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
    if (!watch_check(step, context, error))
        return false;
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

/* An image that a guest may have written to since stays, whatever the plan thought of it. */
static bool
keep_written(const struct step *step, const struct step_context *context)
{
    const struct step *link =
        context->plan ? find_step(context->plan->prepare, STEP_LINK, step->path, NULL) : NULL;

    if (link)
        step_note(context,
                  "what was written to '%s' after the operation was interrupted is kept as '%s': "
                  "remove it if nothing needs it",
                  link->source, step->path);
    else
        step_note(context,
                  "'%s' was written after the operation was interrupted, and is kept: remove it if "
                  "nothing needs it",
                  step->path);
    return true;
}

/* An image on which somebody stands by now stays as well, and so does what that stands on itself.
 */
static bool
is_stood_on(const struct step *step, const struct step_context *context)
{
    g_autofree char *who = NULL;

    if (!context->watch || watch_is_spare(step, context))
        return false;
    who = watch_find(context, step->path, WATCH_ALL);
    if (who)
        step_note(
            context,
            "'%s' is kept, since '%s' has come to stand on it: remove it when nothing needs it",
            step->path, who);
    return who != NULL;
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
    if (step->yields && !step_unchanged_file(context, &there, &step->made)) {
        note_yield(step, context);
        return true;
    }
    if (!step_same_file(context, &there, &step->made))
        return step_set_unexplained(error, step->path,
                                    "is not the file that the plan was to remove");
    if (step->guarded && !step_unchanged_file(context, &there, &step->made))
        return keep_written(step, context);
    if (step->guarded && context->yielded && *context->yielded) {
        step_note(
            context,
            "'%s' is kept, since a snapshot that was changed meanwhile may need it: remove it "
            "if nothing does",
            step->path);
        return true;
    }
    if ((step->guarded && is_stood_on(step, context)) || unlink(step->path) == 0)
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
    case STEP_CONVERT:
    case STEP_LINK:
    case STEP_TAKE_TAG:
    case STEP_APPLY_TAG:
    case STEP_COMMIT:
    case STEP_REBASE:
    case STEP_RELINK:
    case STEP_DELETE_TAG:
        break;
    }
    g_assert_not_reached();
}
