/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/merge.h"

/* What `delete` is asked for. Nothing in it is owned. */
struct delete_request {
    const struct snapshot_def *target;
    bool children;      /* TARGET and all its descendants */
    bool children_only; /* the descendants alone */
    bool metadata;      /* forget the records, leave every image as it is */
    enum merge_strategy strategy;
};

/* The snapshots that REQUEST removes (of const struct snapshot_def *), parents first. Free the
 * container with g_ptr_array_unref().
 */
GPtrArray *delete_selection(const struct state *state, const struct delete_request *request);

/* Plan it: images merged or removed, tags deleted, metadata of what stays rewritten. Remarks go to
 * NOTES (the strategy and the bytes for each merge). Pure.
 *
 * Fails with OFFSHOT_ERROR_INCONSISTENT, naming --metadata as the way on, when an image of a
 * removed snapshot is missing; OFFSHOT_ERROR_REFUSED as merges_decide(). Free with plan_free().
 */
struct plan *delete_plan(const struct state *state, const struct delete_request *request,
                         GPtrArray *notes, GError **error);
