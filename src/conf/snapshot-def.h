/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>

#include "conf/domain-def.h"

/* One <disk> of a snapshot's <disks> or <revertDisks> (libvirt: formatsnapshot). */
struct snapshot_disk {
    char *name;                      /* target, or as given; never NULL */
    enum snapshot_location snapshot; /* DEFAULT when not said and not implied */
    bool implied;                    /* EXTERNAL only follows from a path or a format */
    enum disk_type type;             /* of the overlay */
    bool type_implied;               /* a request that does not name the type */
    char *format;                    /* <driver type=…> of the overlay, or NULL */
    char *source;                    /* path of the overlay, or NULL */
    bool has_source;                 /* a <source> that names something, path or not */
    bool overwritten; /* <snapshotDeleteInProgress>: libvirt was merging a later snapshot into the
                       * overlay, and has not finished */
    char *element;    /* the element as it was read, when it holds more than the above */
};

/* One <domainsnapshot> (libvirt: formatsnapshot; on-disk form with <active>). */
struct snapshot_def {
    char *name;            /* NULL only in a request that leaves the name to us */
    char *description;     /* or NULL */
    char *state;           /* "shutoff", "running", "disk-snapshot", …; NULL only in a request */
    char *parent;          /* name, or NULL for a root */
    int64_t creation_time; /* seconds since the epoch; -1: not said */
    bool memory_implied;   /* EXTERNAL only follows from a file */
    enum snapshot_location memory;      /* DEFAULT, NO, INTERNAL or EXTERNAL */
    char *memory_file;                  /* absolute path when memory is EXTERNAL, else NULL */
    GPtrArray *disks;                   /* of struct snapshot_disk */
    GPtrArray *revert_disks;            /* of struct snapshot_disk; empty for most */
    struct domain_def *domain;          /* at the moment of the snapshot, or NULL */
    struct domain_def *inactive_domain; /* of a snapshot of a running domain, or NULL; its document
                                           calls the element <domain> */
    char *cookie;                       /* the <cookie> element as read, or NULL */
    GPtrArray *unknown; /* of char *: top-level elements that we do not know, as read */
    bool has_active;    /* an <active> element was there (libvirt's on-disk form) */
    bool active;        /* and said 1: the current snapshot */
    char *document;     /* the file as read, or NULL for a definition made by us */
};

/* What the document to parse is for; libvirt's rules differ. */
enum snapshot_def_source {
    SNAPSHOT_DEF_REQUEST,  /* of create: state, parent, creation time and <domain> are ignored */
    SNAPSHOT_DEF_REDEFINE, /* given back by the user: name, state and creation time must be there */
    SNAPSHOT_DEF_STORED,   /* a store file: as REDEFINE, and <active> must be there */
};

struct snapshot_def *snapshot_def_new(void);

/* Parse DOCUMENT (LENGTH bytes), a <domainsnapshot>. NAME is for messages ("s1.xml:3: …").
 *
 * The same limits as domain_def_parse(). Fails with OFFSHOT_ERROR_USAGE: not well-formed, no
 * <domainsnapshot>, an unknown state or snapshot= value, a memory file without external memory or
 * external memory without a file, a path that is not absolute, a disk without a name, and what
 * SOURCE asks for. A disk with a path or a format and no snapshot= is external; memory with a file
 * and no snapshot= is external; memory not said in REDEFINE or STORED is no for state shutoff or
 * disk-snapshot, internal for others. Free with snapshot_def_free().
 */
struct snapshot_def *snapshot_def_parse(const char *document, size_t length, const char *name,
                                        enum snapshot_def_source source, GError **error);

/* A copy of DEF and all that it holds. Free with snapshot_def_free(). */
struct snapshot_def *snapshot_def_copy(const struct snapshot_def *def);
void snapshot_def_free(struct snapshot_def *def);
SCOPED_DEFINE(snapshot_def)

struct snapshot_disk *snapshot_disk_new(const char *name);
struct snapshot_disk *snapshot_disk_copy(const struct snapshot_disk *disk);
void snapshot_disk_free(struct snapshot_disk *disk);

/* Whether A and B say the same; of what is not modelled, in the same bytes. */
bool snapshot_disk_is_same(const struct snapshot_disk *a, const struct snapshot_disk *b);
SCOPED_DEFINE(snapshot_disk)

/* The disk of SNAPSHOT's <disks> named TARGET, borrowed, or NULL. */
const struct snapshot_disk *snapshot_def_find_disk(const struct snapshot_def *def,
                                                   const char *target);

/* The image that holds TARGET's state at the snapshot: the source of that disk in the embedded
 * <domain>. Borrowed, or NULL when the snapshot does not cover the disk, has no <domain>, or a
 * source that is no path.
 */
const char *snapshot_def_frozen_path(const struct snapshot_def *def, const char *target);

/* Where the snapshot lives, by libvirt's rule: EXTERNAL when memory or any disk is external, else
 * INTERNAL when any is internal, else NO.
 */
enum snapshot_location snapshot_def_location(const struct snapshot_def *def);

/* Write DEF as libvirt stores it; of a request, which has no state, only what was said: elements in
 * libvirt's order, two blanks per level, the <domain> element as it was read. The header comment
 * and <active> are written when WITH_ACTIVE. What the definition was parsed from and we do not
 * model (unknown elements, network sources, cookie) is written as it was read. Fails with
 * OFFSHOT_ERROR_USAGE when a text cannot stand in XML, or the result would be beyond the limits of
 * snapshot_def_parse(). Free with g_free().
 */
char *snapshot_def_format(const struct snapshot_def *def, bool with_active, GError **error);

/* An image that is called otherwise from now on. Nothing in it is owned. */
struct snapshot_def_move {
    const char *path;     /* as the snapshot names it */
    const char *new_path; /* absolute */
    const char *format;   /* new driver type (libvirt's name); NULL: as it is */
    bool set_type;        /* whether TYPE counts */
    enum disk_type type;  /* FILE or BLOCK */
};

/* Changes to a stored snapshot, for snapshot_def_rewrite(). Nothing in it is owned. */
struct snapshot_def_change {
    int active;             /* 0 or 1: the new <active>; -1: as it is */
    bool set_parent;        /* whether PARENT counts */
    const char *parent;     /* new parent; NULL makes it a root */
    bool drop_revert_disks; /* remove the <revertDisks> element */
    const GPtrArray *disks; /* of struct snapshot_disk: what <disks> is to list; NULL: as it is */
    const GPtrArray *revert_disks;         /* and <revertDisks>; an empty list has no element */
    const struct snapshot_def_move *moves; /* all at once, in every <source> of a <disk> of */
    size_t move_count;                     /* <disks>, <revertDisks>, <domain>, <inactiveDomain> */
    GHashTable *merged;  /* set of paths, NULL: none: images that go out of chains, or stand in the
                          * place of others. A <backingStore> of which one is a part goes, since the
                          * images themselves say it right */
    GHashTable *refiled; /* target -> const struct frozen_record *, NULL: none: the frozen images of
                          * these disks are in these files from now on, which are written: what is
                          * on record of them (conf/snapshot-facts.h), if anything is, follows */
};

/* The stored document of DEF with CHANGE applied; every other byte is kept, disks included that are
 * listed as they were. The driver of a disk that moves is added when it is missing. DEF must have a
 * document. Fails with OFFSHOT_ERROR_USAGE when a text cannot stand in XML. Free with g_free().
 */
char *snapshot_def_rewrite(const struct snapshot_def *def, const struct snapshot_def_change *change,
                           GError **error);

/* Whether any <source> that snapshot_def_rewrite() would look at names PATH. */
bool snapshot_def_names_path(const struct snapshot_def *def, const char *path);

/* The <domainsnapshot> element of DEF's document (it has one) and a line break, without <active>:
 * what virsh snapshot-dumpxml shows. Free with g_free().
 */
char *snapshot_def_dump(const struct snapshot_def *def);

/* Whether libvirt reads the same from two definitions, which both have a document; <active>, which
 * only stored ones have, does not count; nor does <revertDisks> without REVERT_DISKS. See
 * domain_def_is_equivalent().
 */
bool snapshot_def_is_equivalent(const struct snapshot_def *a, const struct snapshot_def *b,
                                bool revert_disks);

/* Check DOCUMENT against the RELAX NG schema in file SCHEMA. Fails with OFFSHOT_ERROR_USAGE naming
 * the first violation and its line, OFFSHOT_ERROR_FAILED when the schema itself cannot be read.
 */
bool snapshot_document_validate(const char *document, size_t length, const char *name,
                                const char *schema, GError **error);
