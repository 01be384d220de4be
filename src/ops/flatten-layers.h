/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"
#include "txn/plan.h"

/* Plan that layers without a name go on which only the images of FLATTENED (of struct image *)
 * stood, and note which of these were ours: it cannot be told from their chains any more. What has
 * no use left and stays is named in NOTES, with the reason. Pure.
 */
void flatten_layers_plan(struct plan *plan, const struct state *state, GPtrArray *flattened,
                         GPtrArray *notes);
