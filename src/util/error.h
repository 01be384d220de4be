/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* The one error domain of offshot. Its codes are the exit codes of the program, so an error travels
 * unchanged from the place that detected it to main().
 */
#define OFFSHOT_ERROR (offshot_error_quark())

enum offshot_error {
    OFFSHOT_ERROR_FAILED = 1,       /* failed; nothing changed, or everything was undone */
    OFFSHOT_ERROR_USAGE = 2,        /* the command line, or an input file, is wrong */
    OFFSHOT_ERROR_INTERRUPTED = 3,  /* half done: `offshot recover` is needed */
    OFFSHOT_ERROR_NOT_FOUND = 4,    /* no such domain, snapshot or disk */
    OFFSHOT_ERROR_BUSY = 5,         /* the VM runs, an image is in use, or the lock is held */
    OFFSHOT_ERROR_NO_SPACE = 6,     /* not enough space; nothing changed */
    OFFSHOT_ERROR_INCONSISTENT = 7, /* metadata and images disagree */
    OFFSHOT_ERROR_REFUSED = 8,      /* a safety rule forbids it */
};

GQuark offshot_error_quark(void);

/* The name of CODE in JSON output: "failed", "usage", … Unknown codes are "failed". */
const char *offshot_error_name(int code);

/* Set ERROR from a failed system call: the formatted text, then ": " and strerror(ERRNUM).
 *
 * ENOSPC and EDQUOT become OFFSHOT_ERROR_NO_SPACE, everything else OFFSHOT_ERROR_FAILED.
 */
void offshot_set_error_errno(GError **error, int errnum, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
