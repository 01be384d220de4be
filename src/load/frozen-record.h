/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"

/* Hold the images of external disks against what their snapshots have on record of the files that
 * were frozen, and set `record` of each of `frozen`. Where another image of the tree is what was
 * frozen, the snapshot names the wrong one, which is its `error`; where none is, somebody may have
 * put another file into its place.
 */
void state_check_records(const struct state *state);
