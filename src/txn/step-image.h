/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/step.h"

/* Steps that change an existing image with qemu-img: take-tag, apply-tag, delete-tag, commit,
 * rebase, relink. qemu-img is not crash-safe in any of them and lies in its exit codes (FACTS,
 * "Interrupted qemu-img"), so each has a recipe: repair, set the old link back, look what holds,
 * run (again), read back. The caller holds exclusive locks on the images and runs the program.
 */

/* Whether KIND is one of them. */
bool step_kind_is_image(enum step_kind kind);

/* Before the program: open the image (step->fd), and with CONTEXT->recovering bring it into a state
 * from which the program can run. *NEEDED is false when what the step should make is there already.
 * Fails with OFFSHOT_ERROR_INTERRUPTED when what is there cannot be explained; it is left alone.
 */
bool step_image_begin(struct step *step, const struct step_context *context, bool *needed,
                      GError **error);

/* The program; with PROGRESS it writes how far it is. Free with g_strfreev(). The descriptor
 * step->fd has to be inherited.
 */
char **step_image_program(const struct step *step, bool progress);

/* After the program succeeded (exit 0, nothing on stderr) or was not needed: read back that the
 * image is as it should be and flush it. A rebase gets its real link only here.
 */
bool step_image_end(struct step *step, const struct step_context *context, GError **error);

/* Where the image of STEP is now: while a tag of it is changed it may have the name step->hidden,
 * beside its own, so that no VM starts on it when offshot dies. Valid as long as STEP.
 */
const char *step_image_path(const struct step *step);

/* Whether the image of STEP does not have its own name now. */
bool step_is_hidden(const struct step *step);

/* The step failed or was interrupted and will not be undone now: repair the image if it was begun,
 * and give it its name back. When that fails it stays hidden for recovery.
 */
bool step_image_release(struct step *step, const struct step_context *context, GError **error);

/* Close what step_image_begin() opened; harmless when there is nothing. */
void step_image_close(struct step *step);

/* Take a prepare step (take-tag, apply-tag) back, whatever of it was done: repair first, then look.
 * What a guest wrote meanwhile into a half-reverted image is kept as a tag and noted. Can be
 * repeated. Fails with OFFSHOT_ERROR_INTERRUPTED, the image left alone.
 */
bool step_image_undo(const struct step *step, const struct step_context *context, GError **error);

/* Whether STEP, a merge that may have been begun before a crash, has done nothing that anybody can
 * see: a rebase or relink left the old link, a commit has not written to its base. False when that
 * cannot be told.
 */
bool step_image_is_untouched(const struct step *step, const struct step_context *context);

/* Go back on a rebase or relink that was begun: the old link, repaired. False without an error for
 * a commit, which can only go forward.
 */
bool step_image_abandon(const struct step *step, const struct step_context *context,
                        GError **error);
