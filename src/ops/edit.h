/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"
#include "txn/plan.h"

/* What `edit` is asked for. Nothing in it is owned. */
struct edit_request {
    const struct snapshot_def *target; /* as it is stored */
    bool rename;                       /* the name may be changed */
    bool clone;                        /* another name makes a second snapshot */
    bool current;                      /* what comes of it becomes the current snapshot */
};

/* How much of the state has to be loaded to plan that TARGET becomes DEF: the images only when a
 * place in the tree is to be compared with them.
 */
enum state_parts edit_state_parts(const struct edit_request *request,
                                  const struct snapshot_def *def);

/* Plan that the target of REQUEST becomes DEF, which the user wrote, by the rules of
 * redefine_check() and these: a snapshot goes on saying the same of what holds it (disks, memory,
 * state and time; ops/edit-rules.h); its parent exists and makes no cycle; a new parent, or a new
 * current snapshot, is one whose images lie below. With a new name children follow; images keep
 * theirs. Of DEF that is a copy of the target (snapshot_def_copy()) every byte is kept but what
 * makes it current. Pure.
 *
 * Fails with OFFSHOT_ERROR_USAGE, OFFSHOT_ERROR_NOT_FOUND (parent), OFFSHOT_ERROR_INCONSISTENT (an
 * image that would have to be compared is missing) or OFFSHOT_ERROR_REFUSED. Free with plan_free().
 */
struct plan *edit_plan(const struct state *state, const struct edit_request *request,
                       struct snapshot_def *def, GError **error);
