/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* How much of a child's output is kept; the rest is read and dropped. */
#define CHILD_OUTPUT_MAX (1024 * 1024)

/* Limits for children that read untrusted image headers; 0: none. */
struct child_limits {
    unsigned cpu_seconds;
    unsigned wall_seconds;
    uint64_t memory; /* address space, bytes */
};

/* One program to run, and afterwards what came of it. The caller sets argv, limits and, where
 * wanted, on_output, and zeroes the rest.
 */
struct child {
    char **argv; /* borrowed */
    struct child_limits limits;
    /* Called each time when more has come on standard output, behind what was there in `out`. */
    void (*on_output)(const struct child *child, void *data);
    void *on_output_data;

    bool started;
    int status;    /* as from waitpid(), when started */
    GString *out;  /* standard output */
    GString *err;  /* standard error */
    GError *error; /* why it could not be started, was killed for time, or could not be read */
};

/* Free what child_run() left in CHILD; what the caller set stays. */
void child_clear(struct child *child);

/* Descriptors that every child started from now on inherits (image locks), or NULL for none. An
 * array of int, borrowed until the next call.
 */
void child_set_inherited(GArray *fds);

/* Called with each argv before it is started; NULL: not. */
void child_set_trace(void (*trace)(char *const *argv));

/* Tell who asked for that that ARGV is about to be started. */
void child_trace(char *const *argv);

/* A descriptor that becomes readable when the work is to stop (a signal came), or -1. child_run()
 * then kills what runs, starts nothing more and returns false: set -1 before children that undo.
 */
void child_set_cancel(int fd);

/* Run COUNT children, at most JOBS at a time, and wait for all. stdin is /dev/null, LC_ALL=C; they
 * run in process groups of their own and die with this process, whatever kills it. Their results
 * stand in CHILDREN.
 *
 * Returns false with OFFSHOT_ERROR_FAILED when cancelled; single failures are no error here.
 */
bool child_run(struct child *const *children, size_t count, unsigned jobs, GError **error);

/* Whether CHILD succeeded in the strict sense: started, exit 0, nothing on stderr. Otherwise ERROR
 * says what happened, with the first line of stderr ("No space left on device" in it:
 * OFFSHOT_ERROR_NO_SPACE, else OFFSHOT_ERROR_FAILED).
 */
bool child_check(const struct child *child, GError **error);
