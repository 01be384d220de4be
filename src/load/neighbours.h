/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/state.h"

/* Note the disks, files and block devices, of the domains beside this one (load/domains.h says
 * which; their snapshots and what the disks stand on do not matter here) in `neighbours`, and in
 * `writers` those that may write an active image of this one. Another copy of the definition of
 * this very domain is no neighbour. STATE has images.
 */
void state_load_neighbours(struct state *state);
void state_neighbour_free(struct state_neighbour *neighbour);
