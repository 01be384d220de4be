/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/step.h"

/* Taking a plan back and finishing it: what a run and a recovery share. */

/* Undo the first COUNT prepare steps in reverse. Stops at the first that cannot be undone: the
 * steps before it made what proves that its file is ours. Fails with OFFSHOT_ERROR_INTERRUPTED.
 */
bool plan_undo(const struct plan *plan, guint count, const struct step_context *context,
               GError **error);

/* Apply a committed plan. When not even its first step can be done (somebody changed what it
 * replaces) it is taken back instead: the result is false, *UNDONE true, ERROR says why, and the
 * journal in DIRECTORY says `preparing` again.
 */
bool plan_apply_or_undo(const struct plan *plan, const struct step_context *context,
                        const char *directory, bool *undone, GError **error);

/* Flush every directory in which STEPS make, move or remove names. */
bool plan_sync_directories(const GPtrArray *steps, GError **error);
