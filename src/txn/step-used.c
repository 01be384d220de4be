/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/step-used.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image/lock.h"
#include "image/outside.h"
#include "txn/step-look.h"
#include "util/error.h"

/* The longest file that is searched for the name of an image, in bytes. */
#define SEARCHED_MAX (1024 * 1024)

bool
step_file_names(const char *path, const char *image)
{
    g_autofree char *name = g_path_get_basename(image);
    g_autofree char *text = NULL;
    size_t length;

    text = file_read(path, SEARCHED_MAX, &length, NULL, NULL);
    if (!text)
        return false;
    return strpbrk(name, "&<>\"'\n\t\r") || g_strstr_len(text, (gssize)length, name);
}

/* Whether any file that the plan was to replace was changed by somebody and names the overlay now.
 */
static bool
is_named(const struct step *overlay, const struct step_context *context)
{
    for (guint i = 0; context->plan && i < context->plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(context->plan->apply, i);
        struct file_identity there;
        struct stat st;

        if (step->kind == STEP_REPLACE && !step->yields &&
            step_look(step->path, &there, &st, NULL) &&
            !step_unchanged_file(context, &there, &step->old) &&
            step_file_names(step->path, overlay->path))
            return true;
    }
    return false;
}

/* Whether a clone of the overlay lies beside it. */
static bool
is_stood_on(const struct step *overlay)
{
    scoped(outside) outside = outside_new();
    g_autoptr(GPtrArray) unreadable = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *directory = g_path_get_dirname(overlay->path);
    struct image_file file = {0};

    if (!image_file_look(&file, overlay->path, NULL))
        return false;
    outside_look(outside, directory, unreadable);
    return outside_find(outside, &file) != NULL;
}

bool
step_overlay_is_used(const struct step *step, const struct step_context *context, bool *used,
                     GError **error)
{
    scoped_fd fd = open(step->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    struct file_identity there;
    enum image_use use;
    struct stat st;

    *used = true;
    if (fd < 0 || fstat(fd, &st) < 0) {
        offshot_set_error_errno(error, errno, "cannot open '%s'", step->path);
        return false;
    }
    if (!image_lock_query(fd, &use, error))
        return false;
    if (use != IMAGE_UNUSED) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                    "image '%s' is in use: shut the VM down first", step->path);
        return false;
    }
    file_identity_set(&there, &st);
    *used = there.size != step->made.size || there.mtime != step->made.mtime ||
            is_named(step, context) || is_stood_on(step);
    return true;
}
