/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/plan.h"

/* What each kind of step does, and how it is undone or finished after a crash. Undoing and
 * finishing look at what is there and can be repeated any number of times; the first run of an
 * apply step is the same code as finishing it.
 */

/* How files are compared, and where remarks go. */
struct step_context {
    const struct plan *plan; /* what the step is part of */
    bool recovering;         /* time has passed: somebody may have come to use what was made */
    bool same_boot;          /* device numbers of the step are those of this boot */
    bool *yielded;           /* set when a snapshot file stayed as somebody else made it; or NULL */
    struct watch *watch;     /* what stands on images of the plan by now; NULL: nobody looks */
    GPtrArray *notes;        /* of char *: what the user should know though it is no failure */
};

/* Prepare: what comes before the program of the step (step->argv), or the whole of it when there is
 * none. On failure nothing of it is left. Steps that change an image: txn/step-image.h.
 */
bool step_begin(struct step *step, GError **error);

/* The program of a step (free with g_strfreev()): a new image is made through its open descriptor,
 * so that nobody can put another file in its place in between. With PROGRESS a convert writes how
 * far it is. NULL: the step has none.
 */
char **step_program(const struct step *step, bool progress);

/* Prepare: what comes after the program: check what it made, hand over attributes, flush. */
bool step_end(struct step *step, GError **error);

/* Prepare: take back whatever of the step is there; of a step that changes an image only when it
 * was begun. Fails with OFFSHOT_ERROR_INTERRUPTED when
 * something is in the way that is not ours; it is left as it is.
 */
bool step_undo(const struct step *step, const struct step_context *context, GError **error);

/* Note in a step that made, will move or remove a file which file that is, now that all are made.
 */
bool step_identify(struct step *step, GError **error);

/* Before applying: make sure that what a prepare step gave a name to still has it, or give it
 * again. No later step may take a file's last name away. Fails with OFFSHOT_ERROR_INTERRUPTED when
 * something else is in the way.
 */
bool step_ensure(const struct step *step, const struct step_context *context, GError **error);

/* Whether an apply step has done its work already, as far as can be seen. Removals do not count. */
bool step_was_applied(const struct step *step, const struct step_context *context);

/* Apply. Fails with OFFSHOT_ERROR_INTERRUPTED when what is there cannot be explained; it is left
 * alone. */
bool step_finish(const struct step *step, const struct step_context *context, GError **error);
