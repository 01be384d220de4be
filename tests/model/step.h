/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "model/observe.h"

/* Do one random thing to the domain, and see that everything is as it ought to be. */
void step_run(struct run *run);

/* What the steps share. */

/* A rule of offshot's that the model knows to forbid what is asked for; WHY is NULL: none does.
 * MUST: then it is a fault to do it.
 */
struct rule {
    const char *why;
    bool must;
};

/* `offshot COMMAND vm.xml`, to be completed. Free with g_ptr_array_unref(). */
GPtrArray *step_argv(struct run *run, const char *command);

/* Run it and look at everything again (run->seen). True when it was done; when it was refused, and
 * RULE allows that, nothing has changed. The rest are faults.
 */
bool step_offshot(struct run *run, GPtrArray *argv, struct rule rule);

/* A name for a snapshot, not in use now; some have been used before. Free with g_free(). */
char *step_new_name(struct run *run);

/* An image that has NAME in its own: a snapshot of that name may find its file taken. */
bool step_name_is_taken(const struct run *run, const char *name);

/* One of the snapshots; NULL: there is none. */
const struct model_snapshot *step_pick_snapshot(struct run *run);

/* The steps. Each returns false when it is not possible now. */
bool step_create(struct run *run);
bool step_create_external(struct run *run);
bool step_revert(struct run *run);
bool step_delete(struct run *run);
bool step_flatten(struct run *run);
bool step_extract(struct run *run);
bool step_write(struct run *run);
bool step_resize(struct run *run);
bool step_define(struct run *run);
bool step_clone(struct run *run);
