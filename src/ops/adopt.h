/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-tree.h"
#include "load/state.h"
#include "txn/plan.h"
#include "util/scope.h"

/* Snapshots that other tools made, found by what the images say. Nothing is invented:
 *
 * - Which disks. Those that can be snapshotted by `create`, and are not read-only or kept out by
 *   the domain XML. Others take part as `no`; where they might have, that is said.
 * - Which images are the domain's own. The active one, and below it as many as lie in the directory
 *   of the one above, can be written, have one name, and have nothing else standing on them; and
 *   those that a snapshot or the list of layers knows; of these no tags are taken, though, when
 *   something else stands on them. The rest of the chain may be a template.
 * - Layers. The own backing images of each disk that no snapshot has frozen are counted from the
 *   active image down, since templates lie at the lower end. As far as all disks that stand on own
 *   images have any, those at one depth are one external snapshot, unless the names of their files
 *   speak of different ones. Its time is the last write to its frozen images; its name is the one
 *   that the names of the files agree on (ops/adopt-name.c), else "layer-N", counted from the
 *   lowest one.
 * - Tags. A name that is in an own image of each disk that could hold it, once, taken at most a
 *   minute apart from disk to disk, is one internal snapshot. Its time is that of the first tag.
 *   None is taken from an image that somebody else has or stands on, the active one included.
 * - Never a tag with the memory of a running machine: libvirt records with it the definition that
 *   ran, with all that was plugged in, and which CPU it saw. No image tells that, and memory put
 *   into another machine is no snapshot of anything.
 * - Order. In one chain what lies in a lower image is older, and tags of an image are older than
 *   what froze it; tags of one image come in the order of their times. What is older on one disk
 *   and newer on another is left. The parent is what came right before; snapshots that are there
 *   get another parent only where their images stand on what an adopted external snapshot froze,
 *   and that came between them and the parent that they have.
 */

/* Something that was left as it is, and why. Everything is owned. */
struct adopt_left {
    char *disk; /* target */
    char *path; /* of the image, NULL: none */
    char *tag;  /* NULL: it is about the image, or the disk */
    char *message;
};

/* What was found. */
struct adoption {
    GPtrArray *snapshots; /* of struct snapshot_def: complete, oldest first */
    GHashTable *parents;  /* name of a stored snapshot -> name of the adopted one it follows */
    GPtrArray *left;      /* of struct adopt_left */
};

/* Find what can be adopted of STATE (STATE_TREE). Pure.
 *
 * Fails with OFFSHOT_ERROR_REFUSED when the store has entries that are not in order, with the error
 * of a disk whose chain is broken, and with OFFSHOT_ERROR_USAGE when a path cannot stand in XML.
 * Free with adoption_free().
 */
struct adoption *adopt_find(const struct state *state, GError **error);
void adoption_free(struct adoption *adoption);
SCOPED_DEFINE(adoption)

/* Plan to record it: XML files alone; images must not be written meanwhile. Pure. Fails as
 * record_snapshots(). Free with plan_free().
 */
struct plan *adopt_plan(const struct state *state, const struct adoption *adoption, GError **error);

/* All snapshots as they will be: those that are there and those of ADOPTION. Fails with
 * OFFSHOT_ERROR_INCONSISTENT when they would make no tree. Free with snapshot_tree_free().
 */
struct snapshot_tree *adopt_tree(const struct state *state, const struct adoption *adoption,
                                 GError **error);
