/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/revert.h"
#include "ops/usage.h"

/* What becomes of one disk that the target of a revert covers. */
enum revert_how {
    REVERT_IN_PLACE, /* a new overlay takes the name of the active image */
    REVERT_ANEW,     /* a new overlay with a new name */
    REVERT_TAG,      /* the image goes back to its internal snapshot */
};

struct revert_disk {
    const struct state_frozen *frozen; /* borrowed */
    const struct state_disk *active;   /* the disk as it is now, or NULL: it was lost since */
    enum revert_how how;
    const struct image_format *format; /* of the new overlay, or of the image */
    char *path;                        /* what the domain names afterwards */
    char *saved; /* --save-as in a tree of kept names: what the active image is called then */
};

/* One revert while it is planned. */
struct revert {
    const struct state *state;
    const struct revert_request *request;
    bool all_known;          /* nothing is unknown that may stand on any image */
    bool keeps_names;        /* the tree was taken with --keep-filename */
    bool target_keeps_names; /* … the target itself was */
    GArray *disks;           /* of struct revert_disk */
    GHashTable *leaving;     /* set of const struct image *: what goes in the end */
    struct domain_def *text; /* the domain as it will be, or NULL */
    GPtrArray *notes;
};

void revert_free(struct revert *revert);
SCOPED_DEFINE(revert)

/* Find the disks of REQUEST's target, and for each what becomes of it. Names are final, nothing is
 * judged but what makes that impossible.
 */
struct revert *revert_begin(const struct state *state, const struct revert_request *request,
                            GPtrArray *notes, GError **error);

/* Say of every external disk how its overlay comes, and under which name. Fails with
 * OFFSHOT_ERROR_REFUSED where there is none.
 */
bool revert_name_overlays(struct revert *revert, GError **error);

/* The definition that comes back, with its disks as they were then. */
const struct domain_def *revert_definition(const struct revert *revert);

/* The disk that the target holds as TARGET, or NULL. */
const struct revert_disk *revert_find_disk(const struct revert *revert, const char *target);

/* The disk of the domain as it is now that is called TARGET, or NULL. */
const struct state_disk *revert_find_active(const struct revert *revert, const char *target);

/* Whether the active image of DISK, which has one, can be given up for another under its name: no
 * snapshot needs it, no definition names it as another disk, nothing stands on it but what leaves,
 * and it was made by a snapshot, of this disk.
 */
bool revert_can_replace(const struct revert *revert, const struct revert_disk *disk);

/* Whether the active image of DISK remains for its internal snapshots alone, and no snapshot says
 * who made it: a later delete has to know that it is ours.
 */
bool revert_leaves_unnamed(const struct revert *revert, const struct revert_disk *disk);

/* Note which active images and unnamed layers go. */
void revert_find_leaving(struct revert *revert);

/* Plan the image of one disk. */
bool revert_disk_plan(struct plan *plan, const struct revert *revert,
                      const struct revert_disk *disk, GError **error);
bool revert_tag_plan(struct plan *plan, const struct revert *revert, const struct revert_disk *disk,
                     GError **error);

/* Plan that what leaves goes, and the list of layers that stay. */
void revert_plan_leaving(struct plan *plan, const struct revert *revert);

/* Whether all disks of the definition that comes back which the snapshot does not hold can be where
 * revert_place_unheld() has them. Fails with OFFSHOT_ERROR_REFUSED where that would cost somebody
 * data, and as image_graph_walk() does for one that cannot come back.
 */
bool revert_check_unheld(const struct revert *revert, GError **error);

/* Plan that nobody uses those that come back. */
void revert_plan_unheld(struct plan *plan, const struct revert *revert);

/* Say of DEF, one of them, where it is to be. Returns whether that changes it. */
bool revert_place_unheld(const struct revert *revert, const struct domain_disk *def,
                         struct domain_disk_change *change);

/* Plan the domain XML, unless it says the same already. */
bool revert_domain_plan(struct plan *plan, struct revert *revert, GError **error);

/* Plan the snapshot that --save-as asks for, which stands on nothing new. */
bool revert_save_plan(struct plan *plan, struct revert *revert, GError **error);
