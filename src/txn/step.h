/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/plan.h"

/* What each kind of step does, and how it is undone or finished after a crash. Undoing and
 * finishing look at what is there and can be repeated any number of times; the first run of an
 * apply step is the same code as finishing it.
 */

/* How files are compared, and where remarks go. */
struct step_context {
    bool same_boot;   /* device numbers of the step are those of this boot */
    GPtrArray *notes; /* of char *: what the user should know though it is no failure */
};

/* Prepare: what comes before the program of the step (step->argv), or the whole of it when there is
 * none. On failure nothing of it is left.
 */
bool step_begin(const struct step *step, GError **error);

/* Prepare: what comes after the program: check what it made, hand over attributes, flush. */
bool step_end(const struct step *step, GError **error);

/* Prepare: take back whatever of the step is there. Fails with OFFSHOT_ERROR_INTERRUPTED when
 * something is in the way that is not ours; it is left as it is.
 */
bool step_undo(const struct step *step, const struct step_context *context, GError **error);

/* Note in an apply step which file it will move or remove, now that all are made. */
bool step_identify(struct step *step, GError **error);

/* Apply. Fails with OFFSHOT_ERROR_INTERRUPTED when what is there cannot be explained; it is left
 * alone. */
bool step_finish(const struct step *step, const struct step_context *context, GError **error);
