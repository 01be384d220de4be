/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>

G_DEFINE_QUARK(offshot_error_quark, offshot_error)

static const char *const error_names[] = {
    [OFFSHOT_ERROR_FAILED] = "failed",
    [OFFSHOT_ERROR_USAGE] = "usage",
    [OFFSHOT_ERROR_INTERRUPTED] = "interrupted",
    [OFFSHOT_ERROR_NOT_FOUND] = "not-found",
    [OFFSHOT_ERROR_BUSY] = "busy",
    [OFFSHOT_ERROR_NO_SPACE] = "no-space",
    [OFFSHOT_ERROR_INCONSISTENT] = "inconsistent",
    [OFFSHOT_ERROR_REFUSED] = "refused",
};

const char *
offshot_error_name(int code)
{
    if (code < OFFSHOT_ERROR_FAILED || code > OFFSHOT_ERROR_REFUSED)
        code = OFFSHOT_ERROR_FAILED;
    return error_names[code];
}

void
offshot_set_error_errno(GError **error, int errnum, const char *format, ...)
{
    bool full = errnum == ENOSPC || errnum == EDQUOT;
    g_autofree char *text = NULL;
    va_list args;

    va_start(args, format);
    text = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, OFFSHOT_ERROR, full ? OFFSHOT_ERROR_NO_SPACE : OFFSHOT_ERROR_FAILED,
                "%s: %s", text, g_strerror(errnum));
}
