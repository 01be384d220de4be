/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/apply.h"

/* Taking a plan back and finishing it: what a run and a recovery share. */

/* Undo the first COUNT prepare steps in reverse. Stops at the first that cannot be undone: the
 * steps before it made what proves that its file is ours. Fails with OFFSHOT_ERROR_INTERRUPTED.
 */
bool plan_undo(const struct plan *plan, guint count, const struct step_context *context,
               GError **error);

/* Apply a committed plan. When that fails while nothing of it can be seen, but for rebases and
 * relinks, which can be taken back, it is undone instead; a recovery does so only before it has
 * done anything itself, and when no merge has touched its image. Then the result is false, *UNDONE
 * true, ERROR says why, and the journal says `preparing` again.
 */
bool plan_apply_or_undo(struct execution *execution, bool *undone, GError **error);

/* Flush every directory in which STEPS make, move or remove names. */
bool plan_sync_directories(const GPtrArray *steps, GError **error);
