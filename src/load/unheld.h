/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"

/* What the definitions of snapshots name beyond what the snapshots hold. */

/* A disk of a snapshot's definition that the snapshot does not hold: it has nothing of its content,
 * and only says which image the disk had.
 */
struct state_unheld {
    const struct snapshot_def *def;
    const struct domain_def *domain; /* that of the snapshot which has the disk */
    const struct domain_disk *disk;  /* of a file or block device */
    const struct image *image;       /* NULL: it is no image of the graph, or … */
    GError *error; /* … why it could not be walked, where it comes back; with an image as well: the
                    * graph has that in another format */
    bool missing;  /* nothing at all is at the path */
};

/* Load `unheld` of all snapshots into STATE, which was loaded with STATE_TREE, and walk those that
 * come back writable when the domain is reverted to TARGET: they and their chains become images of
 * the graph, and whatever stands on these is in `dependents`. Faults stay with the single ones.
 * Fails as state_load_dependents().
 */
bool state_load_unheld(struct state *state, const struct snapshot_def *target, GError **error);

/* Whether DEF, which a snapshot does not hold, comes back as it was then: the domain has no such
 * disk now, or none that is a file or block device. A medium always is that of then. Pure.
 */
bool state_unheld_returns(const struct state *state, const struct domain_disk *def);

/* The first of `unheld` that names IMAGE as another disk than TARGET; NULL: none. */
const struct state_unheld *state_find_unheld(const struct state *state, const struct image *image,
                                             const char *target);
