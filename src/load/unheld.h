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
    const struct image *image;       /* NULL: it is no image of the graph */
};

/* Load `unheld` of all snapshots into STATE, which was loaded with STATE_TREE. */
void state_load_unheld(struct state *state);

/* The first of `unheld` that names IMAGE as another disk than TARGET; NULL: none. */
const struct state_unheld *state_find_unheld(const struct state *state, const struct image *image,
                                             const char *target);
