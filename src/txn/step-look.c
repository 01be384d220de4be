/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/step-look.h"

#include <stdarg.h>
#include <string.h>

#include "util/error.h"

bool
step_same_file(const struct step_context *context, const struct file_identity *a,
               const struct file_identity *b)
{
    if (a->inode != b->inode)
        return false;
    if (a->birth != 0 && b->birth != 0)
        return a->birth == b->birth;
    return !context->same_boot || a->device == b->device;
}

bool
step_unchanged_file(const struct step_context *context, const struct file_identity *a,
                    const struct file_identity *b)
{
    return step_same_file(context, a, b) && a->size == b->size && a->mtime == b->mtime;
}

bool
step_set_unexplained(GError **error, const char *path, const char *what)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "'%s' %s, and is left alone: put it aside", path, what);
    return false;
}

bool
step_look(const char *path, struct file_identity *identity, struct stat *st, GError **error)
{
    g_autoptr(GError) local = NULL;
    bool exists;

    memset(identity, 0, sizeof(*identity));
    if (file_stat(path, false, st, &exists, &local)) {
        file_identity_set(identity, st);
        file_identity_add_birth(identity, -1, path);
    }
    if (!local)
        return true;
    g_propagate_error(error, g_steal_pointer(&local));
    return false;
}

void
step_note(const struct step_context *context, const char *format, ...)
{
    va_list args;

    if (!context->notes)
        return;
    va_start(args, format);
    g_ptr_array_add(context->notes, g_strdup_vprintf(format, args));
    va_end(args);
}
