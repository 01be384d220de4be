/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "model/model.h"
#include "model/random.h"
#include "util/child.h"

struct seen;

/* How often what was done; the last line of a run tells. */
enum tally {
    TALLY_WRITE,
    TALLY_CREATE,
    TALLY_REVERT,
    TALLY_DELETE,
    TALLY_FLATTEN,
    TALLY_EXTRACT,
    TALLY_OTHER,
    TALLY_REFUSED,
    TALLY_COUNT,
};

/* One seed on its way. */
struct run {
    guint seed;
    guint step;
    struct rng rng;
    const char *offshot;
    char *directory; /* of the domain: everything in it must be accounted for */
    char *scratch;   /* beside it: what the test reads into */
    char *templates; /* beside it: bases that are not the domain's own */
    char *xml;
    struct model *model;
    struct seen *seen;      /* after the last step */
    GHashTable *contents;   /* what images held when they were read: content.h */
    GHashTable *excused;    /* files that were left behind, as was said or asked for */
    bool metadata_was_left; /* … and tags */
    GString *log;           /* commands so far */
    guint names;            /* given to snapshots so far */
    guint value;            /* last one written */
    guint tally[TALLY_COUNT];
    const char *only; /* names of steps, with commas; NULL: all */

    /* The character of this seed. */
    bool keep_filename; /* every external snapshot with --keep-filename … */
    bool keep_at_times; /* … or some */
    bool has_clones;    /* images of others stand on ours */
    bool forgets;       /* --metadata occurs */
    bool resizes;       /* disks grow */
    const char *name_format;
    const char *backing_path; /* for --backing-path */
};

/* Print seed, step, what went wrong and all commands so far, and end the program. */
G_NORETURN void run_fault(const struct run *run, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* argv for run_command(), NULL ends the list. Free with g_ptr_array_unref(). */
GPtrArray *argv_new(const char *program, ...) G_GNUC_NULL_TERMINATED;
void argv_add(GPtrArray *argv, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Run it; what it said is in CHILD, to be cleared. Its exit status. Anything but an exit is a
 * fault. */
int run_command(struct run *run, GPtrArray *argv, struct child *child);

/* The same, noted for the report: what changes something. */
int run_noted(struct run *run, GPtrArray *argv, struct child *child);

/* TEXT with every FROM replaced. Free with g_free(). */
char *text_replace(const char *text, const char *from, const char *to);

/* A tool of QEMU that has to succeed. */
void run_tool(struct run *run, GPtrArray *argv);
