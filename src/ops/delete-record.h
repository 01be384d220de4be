/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/merge.h"

/* What a delete writes: the domain XML where an active image got another name, and the snapshots
 * that remain.
 */

/* Plan it, with the images that MERGES move. Fails with OFFSHOT_ERROR_REFUSED when the domain XML
 * would have to be changed and is a symbolic link, OFFSHOT_ERROR_USAGE when a name cannot stand in
 * XML.
 */
bool delete_record_plan(struct plan *plan, const struct state *state, snapshot_set *removed,
                        const struct merges *merges, GError **error);

/* The same when no image is touched. */
bool delete_record_plan_metadata(struct plan *plan, const struct state *state,
                                 snapshot_set *removed, GError **error);
