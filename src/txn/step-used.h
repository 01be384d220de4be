/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/step.h"

/* Between a crash and its recovery somebody may have put to use what the plan had made by then. */

/* Whether the file at PATH says the name of IMAGE, without its directory. A name that XML may write
 * otherwise than it is counts as said.
 */
bool step_file_names(const char *path, const char *image);

/* Whether the file at PATH, an overlay that STEP gave this name, may hold what somebody needs: it
 * was written since it was made, a file that the plan was to replace has been changed and names it,
 * or another image beside it stands on it.
 *
 * Fails with OFFSHOT_ERROR_BUSY while a QEMU process has it open.
 */
bool step_overlay_is_used(const struct step *step, const struct step_context *context, bool *used,
                          GError **error);
