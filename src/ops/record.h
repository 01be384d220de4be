/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/snapshot-def.h"
#include "load/state.h"
#include "txn/plan.h"

/* Ranks of the steps that plans share: what must be there before what, and the order in which an
 * interrupted plan may be seen by others. Images first, then the domain XML that names them, then
 * the snapshots that tell of them, and what is no longer needed last.
 */
enum plan_rank {
    /* prepare */
    RANK_DIRECTORIES, /* the store's, outermost first */
    RANK_MAKE,        /* overlays and staged files, together */
    RANK_LINK,        /* final names for what was made */

    /* apply */
    RANK_IMAGES = 0,
    RANK_DOMAIN,
    RANK_SNAPSHOTS,
    RANK_REMOVE,
};

/* A temporary name in the directory of PATH, not used by any other step of PLAN. Free with
 * g_free(). */
char *record_temporary_name(const struct state *state, const struct plan *plan, const char *path);

/* Plan to write DEF into the store, as the current snapshot when it is active: the file itself; the
 * one that was current before loses its <active>; every stored snapshot that names an image of
 * RENAMES (may be NULL) follows it (a table of old to new path). Makes the store's directory when
 * needed. Without DEF only the renames are followed.
 *
 * A snapshot of that name is replaced when REPLACE, and must not be there otherwise. Fails with
 * OFFSHOT_ERROR_USAGE when the text cannot stand in XML.
 */
bool record_snapshot(struct plan *plan, const struct state *state, const struct snapshot_def *def,
                     bool replace, GHashTable *renames, GError **error);

/* Plan to replace the domain XML by TEXT. */
void record_domain(struct plan *plan, const struct state *state, const char *text);
