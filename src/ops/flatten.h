/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"
#include "txn/plan.h"

/* Plan to make the active images of DISKS (targets, of char *; NULL: every disk that has a chain)
 * independent of what they stand on. Remarks go to NOTES. Pure.
 *
 * Fails with OFFSHOT_ERROR_NOT_FOUND (no such disk), OFFSHOT_ERROR_REFUSED (tags in the image,
 * which need the chain; read-only, …) or why the disk's image could not be used. A plan without
 * steps means that nothing stands on anything. Free with plan_free().
 */
struct plan *flatten_plan(const struct state *state, const GPtrArray *disks, GPtrArray *notes,
                          GError **error);
