/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-def.h"
#include "load/state.h"
#include "txn/plan.h"

/* Ranks of the steps that plans share: what must be there before what, and the order in which an
 * interrupted plan may be seen by others. Images first, then the domain XML that names them, then
 * the snapshots that tell of them, and what is no longer needed last.
 */
enum plan_rank {
    /* prepare */
    RANK_DIRECTORIES, /* the store's, outermost first */
    RANK_MAKE,        /* overlays and staged files, together */
    RANK_LINK,        /* final names for what was made */
    RANK_SWITCH,      /* internal states applied, once every undo tag is there */

    /* apply */
    RANK_IMAGES = 0, /* overlays over old names; commits and rebases */
    RANK_RELINK,     /* names and links that follow a merge */
    RANK_DOMAIN,
    RANK_SNAPSHOTS,
    RANK_REMOVE,
};

/* A temporary name in the directory of PATH, not used by any other step of PLAN. Free with
 * g_free(). */
char *record_temporary_name(const struct state *state, const struct plan *plan, const char *path);

/* Where an image is from now on. Nothing in it is owned. */
struct record_place {
    const char *path;
    const char *format;  /* libvirt's name; NULL: the format stays as it is */
    bool set_type;       /* whether TYPE counts */
    enum disk_type type; /* FILE or BLOCK */
};

/* What a plan does to the stored snapshots. Nothing in it is owned; NULL tables mean nothing. */
struct record {
    const struct snapshot_def *def; /* to be written: a new snapshot, or one that is there … */
    bool replace;                   /* … which it must be exactly when this is said */
    bool set_current;    /* whether CURRENT counts; DEF, when active, is current anyway */
    const char *current; /* name of the stored snapshot that becomes it; NULL: none is */
    GHashTable *moved;   /* path -> struct record_place: stored snapshots follow these images */
    GHashTable *merged;  /* set of paths: chains with these images are not what they were */
    GHashTable *removed; /* names of the stored snapshots whose files go */
    GHashTable *parents; /* name -> name of the new parent, NULL: becomes a root */
};

/* Plan what RECORD says: files staged, replaced, installed, removed; only files that change. A
 * snapshot that stops being current loses its <revertDisks>. Makes the store's directory when
 * needed. DEF that has the document of the stored snapshot which it replaces (snapshot_def_copy())
 * changes parent, disks, revert disks and whether it is current, and keeps every other byte; what
 * is MOVED comes on top of that. What is on record of a frozen image follows when
 * PLAN, as far as it is made, changes that image or merges it into another. Can be called again for
 * another DEF, then with MOVED, REMOVED and PARENTS in one of the calls only.
 *
 * Fails with OFFSHOT_ERROR_USAGE when the text cannot stand in XML.
 */
bool record_snapshots(struct plan *plan, const struct state *state, const struct record *record,
                      GError **error);

/* Plan to replace the domain XML by TEXT. Fails with OFFSHOT_ERROR_REFUSED when the file is reached
 * through a symbolic link, or has more names than one.
 */
bool record_domain(struct plan *plan, const struct state *state, const char *text, GError **error);

/* Plan to make CHANGES (of struct domain_disk_change) to the disks of the domain XML; none are
 * fine. Fails as record_domain() and domain_def_rewrite() do.
 */
bool record_disks(struct plan *plan, const struct state *state, const GArray *changes,
                  GError **error);

/* Plan to make LAYERS (of const struct image *) the list of unnamed layers that are ours; an empty
 * list is no file. FLATTENED (NULL: none) joins the images that are noted there as flattened, KEPT
 * (NULL: none) those that are noted as kept.
 */
void record_layers(struct plan *plan, const struct state *state, const GPtrArray *layers,
                   const GPtrArray *flattened, const GPtrArray *kept);

/* Have PLAN watched while it runs (plan_watch_directory()), in all directories in which STATE was
 * searched for what stands on its images. For plans that take such images away or change them.
 */
void record_watch(struct plan *plan, const struct state *state);

/* Plan to remove the image file at PATH, which was IDENTITY, at the very end: unless somebody has
 * written to it by then.
 */
void record_removal(struct plan *plan, const char *path, const struct file_identity *identity);
