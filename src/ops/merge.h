/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/usage.h"
#include "txn/plan.h"

/* Removing images that no snapshot names any more from chains that others stand on. Pure. */

enum merge_strategy {
    MERGE_AUTO,   /* whatever moves fewer bytes and is allowed */
    MERGE_COMMIT, /* data goes down, or the operation is refused */
    MERGE_REBASE, /* data goes up, or the operation is refused */
};

/* What notes about the choice between them begin with; others tell of what stays. */
#define MERGE_NOTE_STRATEGY "strategy: "

/* One merge: the images below TOP down to and including BOTTOM go out of its chain. */
struct merge {
    const struct image *top;
    const struct image *bottom;
    enum merge_strategy how; /* COMMIT or REBASE */
    bool keeps_name;         /* commit: BOTTOM then takes the name of TOP */
    unsigned level;          /* those of one level touch no image of each other */
    uint64_t bytes;          /* that are moved, at most */
    uint64_t space;          /* that this takes on the file system that it goes to, at most */
};

/* What becomes of the images of a domain when the snapshots REMOVED are gone. */
struct merges {
    GArray *merges;     /* of struct merge, in the order to run */
    GPtrArray *garbage; /* of const struct image *: to be removed at the end, topmost first */
    GPtrArray *layers;  /* of const struct image *: the list of layers without a name */
    GPtrArray *kept;    /* of const struct image *: that are in no chain of the domain afterwards */
    GPtrArray *relinks; /* of const struct image *: what stands on a TOP that its BOTTOM replaces */
    GHashTable *moved;  /* path -> const struct image *: what is called otherwise afterwards */
};

void merges_free(struct merges *merges);
SCOPED_DEFINE(merges)

/* Decide. Remarks go to NOTES. Fails with OFFSHOT_ERROR_REFUSED when STRATEGY is forced and not
 * allowed, naming the rule. Free with merges_free().
 */
struct merges *merges_decide(const struct state *state, snapshot_set *removed,
                             enum merge_strategy strategy, GPtrArray *notes, GError **error);

/* Whether IMAGE will be gone, removed or replaced by another that takes its name. */
bool merges_remove(const struct merges *merges, const struct image *image);

/* The images that go out of a chain, or stand in the place of others afterwards: what is said of
 * chains with them does not hold any more. A set of const struct image *; free with
 * g_hash_table_unref().
 */
GHashTable *merges_find_changed(const struct merges *merges);

/* Add checks and steps of MERGES to PLAN: commits, rebases, links, removals, list of layers. */
bool merges_plan(struct plan *plan, const struct state *state, const struct merges *merges,
                 GError **error);

/* After all other steps have been added: give the apply steps of PLAN the ranks that let the merges
 * of one level come before those of the next, and all of them before anything else.
 */
void merges_order(struct plan *plan, const struct merges *merges);
