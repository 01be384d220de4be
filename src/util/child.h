/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/sandbox.h"

/* How much of a child's output is kept; the rest is read and dropped. */
#define CHILD_OUTPUT_MAX (1024 * 1024)

/* Limits for children that work on untrusted images; 0: none. Where we have less ourselves, that
 * counts.
 */
struct child_limits {
    unsigned cpu_seconds;
    unsigned wall_seconds;
    uint64_t memory;     /* that it can write to and has for itself, bytes, used or not */
    unsigned files;      /* that it has open at a time, beside those that it inherits */
    bool writes_nothing; /* no file may grow */
};

/* What a word of argv begins with that names a file of /proc/PID, PID being the child's own: that
 * is put in before it is executed. A path that really begins so does not exist.
 */
#define CHILD_PROC "/proc/0000000000/"

/* How many descriptors a child can have for itself. */
#define CHILD_FDS 2

/* One program to run, and afterwards what came of it. The caller sets argv, the files that these
 * name, limits and, where wanted, on_output, and zeroes the rest.
 */
struct child {
    char **argv;                   /* borrowed */
    const struct sandbox *sandbox; /* borrowed; NULL: it needs no file but its own */
    int fds[CHILD_FDS]; /* inherited, too, under their numbers, by which argv names them; 0: none */
    bool trusted;       /* no sandbox, and all of our environment: it looks at no image */
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

/* Whether children are confined to their sandboxes (at first: not). Fails with
 * OFFSHOT_ERROR_REFUSED when MODE is SANDBOX_REQUIRE and the kernel offers none, or lets none be
 * entered.
 */
bool child_set_sandbox(enum sandbox_mode mode, GError **error);

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

/* Run COUNT children, at most JOBS at a time, and wait for all. stdin is /dev/null; of the
 * environment they get PATH, and LC_ALL=C (trusted ones all, and that); they run in process groups
 * of their own and die with this process, whatever kills it. Their results stand in CHILDREN.
 *
 * Returns false with OFFSHOT_ERROR_FAILED when cancelled; single failures are no error here.
 */
bool child_run(struct child *const *children, size_t count, unsigned jobs, GError **error);

/* Whether CHILD succeeded in the strict sense: started, exit 0, nothing on stderr. Otherwise ERROR
 * says what happened, with the first line of stderr ("No space left on device" in it:
 * OFFSHOT_ERROR_NO_SPACE, else OFFSHOT_ERROR_FAILED), and which limit it seems to have met.
 */
bool child_check(const struct child *child, GError **error);
