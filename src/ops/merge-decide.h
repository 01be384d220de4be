/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/merge-graph.h"
#include "ops/merge-rules.h"

/* How merge.c decides: first what becomes of each image, from the top down, then which way the data
 * of those that go moves, from the bottom up.
 */

struct merge_decision {
    struct merge_setting setting;
    struct merge_graph *graph;
    struct merges *merges; /* filled as far as decided */
    GPtrArray *notes;      /* of char * */
};

/* Give every image its fate. Fails with OFFSHOT_ERROR_REFUSED when a forced strategy is not
 * allowed.
 */
bool merge_settle(struct merge_decision *decision, GError **error);

/* Decide how each goes, and note the merges. Where neither way is allowed, images stay after all.
 * Fails as merge_settle().
 */
bool merge_choose(struct merge_decision *decision, GError **error);

void merge_note(struct merge_decision *decision, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Whether the user's strategy counts for NODE: for what the removed snapshots held, not for what
 * earlier ones left.
 */
bool merge_is_forced(const struct merge_decision *decision, const struct merge_node *node);

/* Refuse the strategy that was forced. Returns false. */
bool merge_set_refused(const struct merge_decision *decision, const GError *why, GError **error);

/* That NODE has several tops, and what follows from it. Free with g_error_free(). */
GError *merge_several_stand_on(const struct merge_node *node, const char *rest);

/* After all has been decided: list the images that are ours and that no snapshot names any more,
 * so that a later operation knows them.
 */
void merge_list_layers(struct merge_decision *decision);

/* After that, list what stays and is in no chain of the domain any more. */
void merge_list_kept(struct merge_decision *decision);
