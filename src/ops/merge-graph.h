/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/usage.h"
#include "util/scope.h"

/* The images of a domain with what becomes of each, while merge.c decides. */

enum merge_fate {
    MERGE_NEEDED,  /* a snapshot, a disk or somebody else needs it: nothing changes */
    MERGE_STAYS,   /* nothing names it any more, but it has to remain, as a layer without a name */
    MERGE_GOES,    /* merged into what stands on it, or takes its place */
    MERGE_GARBAGE, /* nothing stands on it: removed */
};

struct merge_node {
    const struct image *image;
    struct merge_node *below;
    GPtrArray *kids; /* of struct merge_node *: what stands directly on it */
    enum merge_fate fate;
    bool released;   /* a removed snapshot had a disk in it */
    bool tail;       /* of a commit: takes the place of the top */
    GPtrArray *tops; /* of struct merge_node *: the nearest images above that remain */
};

struct merge_graph {
    GPtrArray *nodes;  /* of struct merge_node, topmost first */
    GHashTable *found; /* struct image -> struct merge_node */
};

/* All images that the disks, snapshots and layers of STATE come to; each needed until somebody
 * decides otherwise. Free with merge_graph_free().
 */
struct merge_graph *merge_graph_new(const struct state *state, snapshot_set *removed);
void merge_graph_free(struct merge_graph *graph);
SCOPED_DEFINE(merge_graph)

/* NULL: IMAGE is NULL or not one of them. */
struct merge_node *merge_graph_find(const struct merge_graph *graph, const struct image *image);

/* Whether it is there afterwards under whatever name. */
bool merge_node_remains(const struct merge_node *node);

/* How many images stand on NODE that are not garbage. */
guint merge_node_count_kids(const struct merge_node *node);

/* Find the tops of NODE from those of its kids, which have been decided. */
void merge_node_find_tops(struct merge_node *node);
