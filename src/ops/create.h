/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-def.h"
#include "load/state.h"
#include "ops/overlay.h"
#include "txn/plan.h"

/* What `create` is asked for. Nothing in it is owned. */
struct create_request {
    const struct snapshot_def *def; /* name (or NULL), description, memory, disks */
    enum snapshot_location mode;    /* where disks go that say nothing: INTERNAL or EXTERNAL */
    enum backing_path backing_path;
    const char *overlay_options; /* for qemu-img create -o, or NULL */
    bool keep_filename;          /* the overlay takes the active image's name */
    bool reuse_external;         /* overlays are there already */
    bool no_metadata;            /* record nothing in the store */
};

/* Check that a new snapshot of the domain can be called NAME. Fails with OFFSHOT_ERROR_USAGE for
 * what can be no name, OFFSHOT_ERROR_REFUSED when there is such a snapshot already.
 */
bool create_check_name(const struct state *state, const char *name, GError **error);

/* Complete the request to the snapshot that it asks for: name, state, time, parent, and for every
 * disk of the domain by libvirt's rules whether it takes part, and the name and format of its
 * overlay. Pure.
 *
 * Fails with OFFSHOT_ERROR_USAGE (name, nothing selected, no name for an overlay),
 * OFFSHOT_ERROR_NOT_FOUND (no such disk), OFFSHOT_ERROR_REFUSED (the snapshot exists; a disk that
 * cannot take part). Free with snapshot_def_free().
 */
struct snapshot_def *create_complete(const struct state *state,
                                     const struct create_request *request, GError **error);

/* Plan the external snapshot DEF, which create_complete() made of REQUEST and which becomes what
 * will be recorded (embedded <domain>, overlays' final names). Remarks for the user are appended to
 * NOTES. Pure; with keep_filename and reuse_external STATE has the tree.
 *
 * Fails with OFFSHOT_ERROR_REFUSED, OFFSHOT_ERROR_INCONSISTENT or OFFSHOT_ERROR_USAGE for what
 * DESIGN.md and the manual ("WHAT IS REFUSED") list. Free with plan_free().
 */
struct plan *create_plan(const struct state *state, const struct create_request *request,
                         struct snapshot_def *def, GPtrArray *notes, GError **error);

/* Whether a disk that DISK is to be taken of can have an internal snapshot: qcow2, and no tag of
 * that name in it. Fails with OFFSHOT_ERROR_REFUSED. Pure; state_load_tags() was called.
 */
bool create_internal_check(const struct state *state, const struct snapshot_disk *disk,
                           const char *snapshot, GError **error);

/* Plan the tag NAME on the active image of DISK. */
void create_internal_plan(struct plan *plan, const struct state *state,
                          const struct snapshot_disk *disk, const char *snapshot);

/* Give DEF the <domain> as it is now, the disks of FROZEN (of struct domain_disk_change) being
 * elsewhere, and the FACTS (of struct frozen_image) with FLAGS (conf/snapshot-facts.h).
 */
bool create_embed_domain(struct snapshot_def *def, const struct state *state, const GArray *frozen,
                         const GArray *facts, unsigned flags, GError **error);
