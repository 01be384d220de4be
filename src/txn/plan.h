/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "util/file.h"
#include "util/sandbox.h"
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
    STEP_CONVERT,        /* prepare: new standalone image PATH, by ARGV, attributes of LIKE */
    STEP_LINK,           /* prepare: SOURCE also gets the new name PATH */
    STEP_TAKE_TAG,       /* prepare: image PATH gets the internal snapshot TAG */
    STEP_APPLY_TAG,      /* prepare: image PATH goes back to TAG; UNDO holds what it was */
    STEP_COMMIT,         /* apply: the data of image PATH goes down into SOURCE */
    STEP_REBASE,         /* apply: image PATH takes over what lies between it and LINK */
    STEP_RELINK,         /* apply: the backing link of image PATH becomes LINK, data unmoved */
    STEP_REPLACE,        /* apply: SOURCE is renamed over PATH, which was OLD */
    STEP_INSTALL,        /* apply: SOURCE is renamed to PATH, where nothing is */
    STEP_UNLINK,         /* apply: PATH, which is OLD, is removed */
    STEP_DELETE_TAG,     /* apply: the internal snapshot TAG of image PATH goes */
};

/* A backing link as it stands in the header of an image. */
struct step_link {
    char *backing; /* the string, NULL: none */
    char *format;  /* qemu's name, NULL: none */
};

/* The internal snapshots of an image before a step changed their table; see txn/step-part.h. */
struct step_table {
    GPtrArray *tags;    /* of struct image_tag; NULL: not known */
    uint8_t header[12]; /* what of the image's header says where the table is */
};

/* What of a file changes when it is written: bytes, and nanoseconds since the epoch. */
struct step_mark {
    uint64_t size;
    int64_t mtime;
    int64_t ctime;
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
    struct sandbox *sandbox; /* what argv makes its program touch; NULL: it is not run as it is */
    char *content;           /* NUL-terminated text */
    struct step_overlay overlay;
    char *format;              /* of a step that changes an image: its format, qemu's name */
    bool block;                /* … and whether it is a block device */
    char *tag;                 /* of take-tag, apply-tag, delete-tag: the exact name */
    char *tag_id;              /* of delete-tag: the ID of the tag that is meant, NULL: any … */
    int64_t tag_date;          /* … and when it was taken, nanoseconds since the epoch */
    char *undo;                /* of apply-tag: the tag that holds the state before */
    char *hidden;              /* of these: what PATH is named while they are under way */
    struct step_link link;     /* of rebase and relink: the backing link that is to be there */
    struct step_link old_link; /* … and the one that was there when the plan was made */
    char *base;                /* of rebase: path of the image LINK leads to, NULL: none */
    unsigned depth;            /* of commit: how many links SOURCE lies below PATH */
    bool guarded;  /* of unlink: an image that was written since the plan was made stays */
    bool discards; /* of replace: PATH has a spare name that a guarded unlink takes away */
    int fd;        /* of a step with a program while it runs: the file, whatever its name; or -1 */
    int with_fd;   /* … and the other file that it needs, or -1 */
    struct step_table table; /* of take-tag and delete-tag while it runs */
    struct step_mark mark;   /* of commit while it runs: SOURCE before the program */
    bool begun;   /* of a step that changes an image: its program may have been started */
    bool fresh;   /* of link: SOURCE is made by the same plan */
    bool yields;  /* of replace, unlink: a change that somebody else made to PATH stays */
    char *digest; /* of replace: SHA-256 (hex) of the text at PATH when the plan was made, NULL:
                     what else is there than OLD is not looked at */
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
    PLAN_CHECK_EXCLUSIVE, /* the same, and nobody may even read it until the plan is done */
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
    char *operation;   /* "create", … */
    char *domain;      /* name */
    char *snapshot;    /* name, or NULL */
    GPtrArray *checks; /* of struct plan_check */
    GPtrArray
        *directories;   /* of char *: where to look for what stands on its images (txn/watch.h) */
    int64_t watched;    /* since when, nanoseconds since the epoch */
    GArray *known;      /* of struct file_identity: what may stand on them or name them */
    char *definition;   /* path of the domain XML that may name them whatever becomes of it, since
                         * its names are to lead to what takes their place; NULL: none may */
    GPtrArray *prepare; /* of struct step, by rank */
    GPtrArray *apply;   /* of struct step, by rank */
    unsigned applied;   /* apply steps of ranks below this one are done and durable (commits) */
    char *token;        /* of the names that images have while they are changed; NULL: none yet */
    char *boot;         /* of a plan from a journal: the boot that its device numbers are of */
    char *place;        /* of a plan in a journal: the directory that this was written to, NULL: not
                           known, … */
    struct file_identity place_identity; /* … and which one that is */
};

struct plan *plan_new(const char *operation, const char *domain, const char *snapshot);
void plan_free(struct plan *plan);
SCOPED_DEFINE(plan)

/* Checks; everything is copied. Of several about the use of one image (lock, exclusive, unwritten)
 * the strictest remains.
 */
void plan_check_absent(struct plan *plan, const char *path);
void plan_check_unchanged(struct plan *plan, const char *path,
                          const struct file_identity *identity);
void plan_check_lock(struct plan *plan, const char *path, const struct file_identity *identity);
void plan_check_exclusive(struct plan *plan, const char *path,
                          const struct file_identity *identity);
void plan_check_unwritten(struct plan *plan, const char *path,
                          const struct file_identity *identity);
/* What several checks ask of one file system is added up. */
void plan_check_space(struct plan *plan, const char *directory, uint64_t bytes);
void plan_check_blank(struct plan *plan, const char *device, uint64_t bytes);
void plan_check_install(struct plan *plan, const char *directory);

/* While the plan runs, and when it is recovered, see that nothing in DIRECTORY has come to stand on
 * an image that a step takes away or changes: but for the images that the plan has locked, and
 * those that it knows to do so; and that no domain XML there has come to name one, which the plan
 * sets the time for (`watched`). Without directories nobody looks.
 */
void plan_watch_directory(struct plan *plan, const char *directory);
void plan_know_file(struct plan *plan, const struct file_identity *identity);

/* Append a step of any kind to its phase: steps are kept by rank, those of one rank in the order
 * they were added. For what follows, which sets the rest of it; SOURCE may be NULL.
 */
struct step *plan_add_step(struct plan *plan, enum step_kind kind, unsigned rank, const char *path,
                           const char *source);

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
struct step *plan_add_convert(struct plan *plan, unsigned rank, const char *path, char *const *argv,
                              const char *like);

/* Steps that change the image PATH, on which the plan has an exclusive lock (plan_check_exclusive).
 * Their argv is what --dry-run shows; what runs is made from the other fields (txn/step-image.h).
 */
struct step_image_spec {
    const char *path;
    const char *format; /* qemu's name */
    bool block;
};
struct step *plan_add_take_tag(struct plan *plan, unsigned rank,
                               const struct step_image_spec *image, const char *tag);
struct step *plan_add_apply_tag(struct plan *plan, unsigned rank,
                                const struct step_image_spec *image, const char *tag,
                                const char *undo);
struct step *plan_add_delete_tag(struct plan *plan, unsigned rank,
                                 const struct step_image_spec *image, const char *tag);
struct step *plan_add_commit(struct plan *plan, unsigned rank, const struct step_image_spec *top,
                             const char *base, unsigned depth);
struct step *plan_add_rebase(struct plan *plan, unsigned rank, const struct step_image_spec *image,
                             const struct step_link *link, const char *base,
                             const struct step_link *old_link);
struct step *plan_add_relink(struct plan *plan, unsigned rank, const struct step_image_spec *image,
                             const struct step_link *link, const struct step_link *old_link);

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
