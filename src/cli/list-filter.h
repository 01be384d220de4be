/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "conf/snapshot-tree.h"

/* Which snapshots `list` shows: virsh's filters. Within one group (roots; leaves; kinds; locations)
 * any that is set admits a snapshot; a group in which nothing is set admits all.
 */
struct list_filter {
    int roots;
    int leaves;
    int no_leaves;
    int inactive;  /* taken of a shut-off domain */
    int active;    /* taken of a running domain, with memory */
    int disk_only; /* taken of a running domain, disks only */
    int internal;
    int external;
    int metadata;     /* all of ours have metadata */
    int no_metadata;  /* so this alone admits none */
    int topological;  /* parents before children, instead of by name */
    int descendants;  /* all of them instead of children only, below FROM */
    const char *from; /* start below this snapshot, NULL: at the roots */
};

/* The snapshots of TREE that FILTER admits, in order. Free the container with g_ptr_array_unref().
 */
GPtrArray *list_filter_apply(const struct list_filter *filter, const struct snapshot_tree *tree);
