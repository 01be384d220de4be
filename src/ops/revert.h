/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"
#include "txn/plan.h"

/* What `revert` is asked for. Nothing in it is owned. */
struct revert_request {
    const struct snapshot_def *target;
    const char *save_as; /* snapshot the present state first, under this name; NULL: not */
    int64_t stamp;       /* new overlays are called STEM.STAMP, as libvirt does */
};

/* What a revert gives up. */
struct revert_report {
    uint64_t discarded; /* allocated bytes of the images that go */
};

/* The names that new overlays would get with REQUEST (of char *), for the caller to find a stamp
 * under which none is taken (load: state_names_are_free()). Pure. Free with g_ptr_array_unref().
 */
GPtrArray *revert_overlay_names(const struct state *state, const struct revert_request *request);

/* Plan to go back to REQUEST's snapshot: domain definition and every disk that it covers. Remarks
 * for the user are appended to NOTES. Pure; state_load_unheld() was called for the target and, for
 * --save-as, state_load_aliases() for every disk.
 *
 * Fails with OFFSHOT_ERROR_INCONSISTENT: an image or a tag of the snapshot is not there;
 * OFFSHOT_ERROR_REFUSED: what the manual lists (an internal state in an image that others depend
 * on, dirty bitmaps, memory, a tag that cannot be named, …). Free with plan_free().
 */
struct plan *revert_plan(const struct state *state, const struct revert_request *request,
                         struct revert_report *report, GPtrArray *notes, GError **error);
