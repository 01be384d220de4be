/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/batch.h"
#include "txn/step.h"

/* A plan that is being run or recovered. */
struct execution {
    struct plan *plan;
    struct step_context context;
    struct batch_setting setting;
    bool ranks_begun; /* what this run did cannot be told from what an interrupted one had done */
};

/* Apply a committed plan rank by rank: in each the steps that change images, side by side but for
 * commits, which come behind what can still be taken back; then those that move names, then those
 * that remove. After a rank with commits the journal learns that
 * it is done. Signals stop commits and rebases, nothing else.
 *
 * May be repeated after a failure or a kill. Leaves the cancel descriptor of children unset.
 */
bool plan_apply(struct execution *execution, GError **error);
