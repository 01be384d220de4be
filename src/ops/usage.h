/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"

/* Who needs which image, once some snapshots are gone. Pure. */

/* A set of snapshots, by name: those that an operation removes. */
typedef GHashTable snapshot_set;

/* The first snapshot outside of REMOVED (may be NULL) that holds a disk in IMAGE, as frozen image
 * or as a tag in it; NULL: none. Borrowed.
 */
const struct snapshot_def *usage_find_snapshot(const struct state *state, const struct image *image,
                                               snapshot_set *removed);

/* The disk whose active image IMAGE is; NULL: none. */
const struct state_disk *usage_find_active(const struct state *state, const struct image *image);

/* All images of disks, snapshots and layers, and of what their definitions name where that was
 * asked for (load/unheld.h), each with its chain, by path. Free the container with
 * g_ptr_array_unref().
 */
GPtrArray *usage_images(const struct state *state);

/* Those of them that stand directly on IMAGE. Free the container with g_ptr_array_unref(). */
GPtrArray *usage_overlays(const struct state *state, const struct image *image);

/* What IMAGE is called (of const char *, borrowed): by disks of the domain, by those of snapshots,
 * and as the chain came to it. The first is what to call it. Free the container with
 * g_ptr_array_unref().
 */
GPtrArray *usage_names(const struct state *state, const struct image *image);

/* Where a snapshot has on record that it froze another file than IMAGE, which is in the place of
 * that now: a new template may have been copied there, or the disk of another machine. NULL: no
 * snapshot says so, or another one has IMAGE itself on record.
 */
const struct state_frozen *usage_find_replaced(const struct state *state,
                                               const struct image *image);

/* Whether IMAGE was made by a snapshot or a revert: one names it as the overlay that it made, and
 * what that snapshot froze is below it; it is one of our unnamed layers, or was such an image
 * before it was flattened. What some user made by hand, put in the place of what was frozen, or
 * what a snapshot file only claims to hold, is not ours to remove.
 */
bool usage_is_ours(const struct state *state, const struct image *image);

/* The same of an active image, which also is ours when it stands, in one directory, on what a
 * snapshot froze: an image that a revert made is forgotten by the next snapshot, and one that kept
 * its name was never noted.
 */
bool usage_is_ours_while_active(const struct state *state, const struct image *image);

/* Whether a snapshot calls IMAGE an overlay of its own, as it does after a `flatten` as well. XML
 * may say so of any file.
 */
bool usage_is_called_overlay(const struct state *state, const struct image *image);

/* Whether IMAGE is a state of disk TARGET: it stands on what a snapshot holds of that disk, or one
 * names it as the overlay of that disk; after `flatten` what was frozen may be called after it,
 * too. A target alone tells nothing, since disks change places.
 */
bool usage_is_of_disk(const struct state *state, const struct image *image, const char *target);

/* Why IMAGE has to stay whoever made it, and though nothing stands on it: "it is a block device"
 * and the like. NULL: for no such reason.
 */
const char *usage_find_obstacle(const struct state *state, const struct image *image);

/* Whether a disk of the domain stands on IMAGE, or is it, as it is now. */
bool usage_is_in_use(const struct state *state, const struct image *image);
