/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "util/file.h"
#include "util/scope.h"

/* The ordered steps of one operation, computed before anything changes. Planners fill it, the
 * executor (txn/run.h) runs it, the journal (txn/journal.h) keeps it. It knows nothing of
 * snapshots.
 */

enum plan_phase {
    PLAN_PREPARE, /* only makes new things; every step can be undone */
    PLAN_APPLY,   /* every step can be finished: doing it again ends in the state it should make */
};

enum step_kind {
    STEP_MAKE_DIRECTORY, /* prepare: PATH, mode 0700 */
    STEP_STAGE_FILE,     /* prepare: new file PATH with CONTENT, attributes of LIKE or mode 0600 */
    STEP_CREATE_OVERLAY, /* prepare: new image PATH, by ARGV, attributes of LIKE */
    STEP_FILL_DEVICE,    /* prepare: blank device PATH gets the bytes of file SOURCE */
    STEP_LINK,           /* prepare: SOURCE also gets the new name PATH */
    STEP_REPLACE,        /* apply: SOURCE is renamed over PATH, which was OLD */
    STEP_INSTALL,        /* apply: SOURCE is renamed to PATH, where nothing is */
    STEP_UNLINK,         /* apply: PATH, which is OLD, is removed */
};

/* What an overlay that a step makes must say of itself afterwards. */
struct step_overlay {
    char *format;         /* qemu's name */
    char *backing;        /* backing string, exactly */
    char *backing_format; /* qemu's name */
    char *backing_path; /* the file that the backing string must lead to, or NULL: not yet there */
    uint64_t size;      /* virtual, bytes */
};

struct step {
    enum step_kind kind;
    unsigned rank; /* steps of equal rank run in parallel, lower ranks first */
    char *path;
    char *source;
    char *like;
    char **argv;
    char *content; /* NUL-terminated text */
    struct step_overlay overlay;
    int fd;      /* of create-overlay while it runs: the file, whatever becomes of its name; -1 */
    bool fresh;  /* of link: SOURCE is made by the same plan */
    bool yields; /* of replace: a change that somebody else made to PATH stays */
    struct file_identity old; /* what PATH was when the plan was made; inode 0: not known */
    struct file_identity
        made; /* the file that the step moves into place, or removes; see the executor */
};

/* What must hold before the first step. */
enum plan_check_kind {
    PLAN_CHECK_ABSENT,    /* nothing is at PATH */
    PLAN_CHECK_UNCHANGED, /* PATH is IDENTITY still, size and time included, and can be renamed over
                           */
    PLAN_CHECK_LOCK, /* the same, and no QEMU process uses the image; locked while the plan runs */
    PLAN_CHECK_UNWRITTEN, /* no QEMU process writes the image PATH */
    PLAN_CHECK_SPACE,     /* the file system of directory PATH has BYTES free */
    PLAN_CHECK_BLANK,     /* block device PATH: unused, and its first BYTES are zero */
    PLAN_CHECK_INSTALL,   /* files can be renamed from the parent of directory PATH into it */
};

struct plan_check {
    enum plan_check_kind kind;
    char *path;
    struct file_identity identity;
    uint64_t bytes;
};

struct plan {
    char *operation;    /* "create", … */
    char *domain;       /* name */
    char *snapshot;     /* name, or NULL */
    GPtrArray *checks;  /* of struct plan_check */
    GPtrArray *prepare; /* of struct step, by rank */
    GPtrArray *apply;   /* of struct step, by rank */
};

struct plan *plan_new(const char *operation, const char *domain, const char *snapshot);
void plan_free(struct plan *plan);
SCOPED_DEFINE(plan)

/* Checks; everything is copied. */
void plan_check_absent(struct plan *plan, const char *path);
void plan_check_unchanged(struct plan *plan, const char *path,
                          const struct file_identity *identity);
void plan_check_lock(struct plan *plan, const char *path, const struct file_identity *identity);
void plan_check_unwritten(struct plan *plan, const char *path,
                          const struct file_identity *identity);
void plan_check_space(struct plan *plan, const char *directory, uint64_t bytes);
void plan_check_blank(struct plan *plan, const char *device, uint64_t bytes);
void plan_check_install(struct plan *plan, const char *directory);

/* Steps, appended to their phase; everything is copied. The step is returned, borrowed, for what
 * only some need (like, content, argv, overlay).
 */
struct step *plan_add_make_directory(struct plan *plan, unsigned rank, const char *path);
struct step *plan_add_stage_file(struct plan *plan, unsigned rank, const char *path,
                                 const char *content, const char *like);
struct step *plan_add_create_overlay(struct plan *plan, unsigned rank, const char *path,
                                     char *const *argv, const char *like);
struct step *plan_add_fill_device(struct plan *plan, unsigned rank, const char *source,
                                  const char *device);
struct step *plan_add_link(struct plan *plan, unsigned rank, const char *existing,
                           const char *path);
struct step *plan_add_replace(struct plan *plan, unsigned rank, const char *source,
                              const char *path, const struct file_identity *old);
struct step *plan_add_install(struct plan *plan, unsigned rank, const char *source,
                              const char *path);
struct step *plan_add_unlink(struct plan *plan, unsigned rank, const char *path);

/* Set what a create-overlay step must have made; everything is copied. */
void step_expect_overlay(struct step *step, const struct step_overlay *overlay);

struct step *step_new(enum step_kind kind, unsigned rank, const char *path);
void step_free(struct step *step);
SCOPED_DEFINE(step)

/* Names as in the journal and in --dry-run: "make-directory", …; the parser returns false for none.
 */
const char *step_kind_name(enum step_kind kind);
bool step_kind_parse(const char *name, enum step_kind *kind);

/* The phase a kind of step belongs to. */
enum plan_phase step_kind_phase(enum step_kind kind);
