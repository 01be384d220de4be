/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/usage.h"
#include "txn/plan.h"

/* What becomes of the files with the memory of the snapshots in REMOVED: each goes at the very end,
 * unless it is not proven to be nothing but that, or another snapshot names it as well. What stays,
 * and why, goes to NOTES.
 */
void delete_memory_plan(struct plan *plan, const struct state *state, snapshot_set *removed,
                        GPtrArray *notes);
