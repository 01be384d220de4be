/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/merge.h"

/* What may be done to which image, and why not: every rule that keeps the data of a domain, and of
 * others that share its images. All fail with OFFSHOT_ERROR_REFUSED and one sentence that names the
 * rule and the files. Pure.
 */

/* What is being decided about. */
struct merge_setting {
    const struct state *state;
    snapshot_set *removed;
    enum merge_strategy strategy;
};

/* Images below TOP down to BOTTOM, which are to go out of its chain. */
struct merge_run {
    const struct image *top;
    const struct image *bottom;
};

/* Whether nothing is unknown that could stand on any image: each disk and each remaining snapshot
 * has been read.
 */
bool merge_rules_all_known(const struct merge_setting *setting, GError **error);

/* The same of all snapshots, for operations that remove none. */
bool merge_rules_state_known(const struct state *state, GError **error);

/* Whether disks of removed snapshots in IMAGE are disks of the domain still, and not others that
 * have got their targets: what was detached may have been written since, and nobody knows what
 * stands on it.
 */
bool merge_rules_attached(const struct merge_setting *setting, const struct image *image,
                          GError **error);

/* Whether IMAGE is not another file than the one that a snapshot froze under its name: that may be
 * anybody's, and nothing is removed, nor written into it.
 */
bool merge_rules_same_file(const struct merge_setting *setting, const struct image *image,
                           GError **error);

/* Whether IMAGE can be shown to belong to this domain alone: made by one of its snapshots, or
 * beside an active image. A template elsewhere does not, nor what `adopt` alone says was frozen,
 * nor what is not the file that was frozen.
 */
bool merge_rules_proven(const struct merge_setting *setting, const struct image *image,
                        GError **error);

/* Whether IMAGE, which nothing needs, may change or go at all: it is what was frozen, nobody else
 * stands on it, it has one name, nobody made it read-only.
 */
bool merge_rules_release(const struct merge_setting *setting, const struct image *image,
                         GError **error);

/* Whether IMAGE is in a chain of the domain: a disk stands on it, or it stands on what a snapshot
 * froze, on a layer of ours or on what a disk stands on.
 */
bool merge_rules_belongs(const struct state *state, const struct image *image);

/* Whether what is in IMAGE, on which nothing will stand, is nobody's: an overlay of ours, or what a
 * removed snapshot froze and a disk of the domain has stood on until now, or what stands on such an
 * image. One that only held internal snapshots has a state of its own as well, and a base that is
 * in no chain of the domain may be anybody's.
 */
bool merge_rules_discard(const struct merge_setting *setting, const struct image *image,
                         GError **error);

/* Whether IMAGE may be unlinked: a file, and not through a symbolic link. */
bool merge_rules_remove(const struct image *image, GError **error);

/* Whether the backing link of IMAGE can be changed. */
bool merge_rules_relink(const struct merge_setting *setting, const struct image *image,
                        GError **error);

/* Whether the data of TOP may go down into BOTTOM, which then stands for it. Whether anything else
 * stands on one of these images is for the caller.
 */
bool merge_rules_commit(const struct merge_setting *setting, const struct merge_run *run,
                        GError **error);

/* Whether TOP may take over what lies below it down to BOTTOM. */
bool merge_rules_rebase(const struct merge_setting *setting, const struct merge_run *run,
                        GError **error);

/* Whether BOTTOM, once it holds the data of TOP, has to take its name: the tree was taken with
 * --keep-filename. Fails when it has to, but cannot.
 */
bool merge_rules_keep_name(const struct merge_setting *setting, const struct merge_run *run,
                           bool *keep, GError **error);

/* A tag of IMAGE that does not go with the removed snapshots, or NULL. */
const struct image_tag *merge_rules_find_tag(const struct merge_setting *setting,
                                             const struct image *image);

/* Whether IMAGE, which is to remain or to go down into another, may be written: it is what a disk,
 * a snapshot or our list of layers says it is. An image in a chain that nothing names any more was
 * left there since it was not proven to be ours, or is somebody's.
 */
bool merge_rules_change(const struct merge_setting *setting, const struct image *image,
                        GError **error);

/* Whether IMAGE lies in the directory of an active image of the domain. */
bool merge_rules_beside_active(const struct state *state, const struct image *image);

/* Whether a snapshot, one of those REMOVED or one that remains, froze IMAGE externally. */
bool merge_rules_is_frozen(const struct merge_setting *setting, const struct image *image,
                           bool removed);

/* Whether a remaining snapshot, a disk or a tag needs IMAGE. */
bool merge_rules_is_needed(const struct merge_setting *setting, const struct image *image);

/* Set OFFSHOT_ERROR_REFUSED. Returns false. */
bool merge_refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Bytes that IMAGE holds, at most. */
uint64_t merge_rules_bytes(const struct image *image);
