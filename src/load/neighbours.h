/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/storage.h"
#include "load/state.h"

/* A disk of another domain whose XML file lies beside that of this one. */
struct state_neighbour {
    char *domain;            /* its name */
    char *xml;               /* the file that says so */
    char *target;            /* "vda" */
    char *path;              /* absolute */
    bool writes;             /* a guest may write it: neither <readonly/> nor <transient/> */
    struct storage *storage; /* NULL: nothing is there */
};

/* Note the disks, files and block devices, of the domains beside this one (load/domains.h says
 * which; their snapshots and what the disks stand on do not matter here) in `neighbours`, and in
 * `writers` those that may write an active image of this one. Another copy of the definition of
 * this very domain is no neighbour. STATE has images.
 */
void state_load_neighbours(struct state *state);
void state_neighbour_free(struct state_neighbour *neighbour);

/* The first disk that may write IMAGE, an active one, or NULL. */
const struct state_neighbour *state_find_writer(const struct state *state,
                                                const struct image *image);
