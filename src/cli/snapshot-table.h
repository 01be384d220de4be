/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"
#include "conf/snapshot-tree.h"

struct snapshot_table_style {
    bool tree;   /* draw it: each snapshot below its parent, when that came before it */
    bool parent; /* add a column with the parent */
};

/* Print DEFS (of struct snapshot_def *) as a table; TREE gives parents and the current one. */
void snapshot_table_print(const struct cli *cli, const struct snapshot_tree *tree,
                          const GPtrArray *defs, struct snapshot_table_style style);
