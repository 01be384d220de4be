/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/stat.h>

#include "txn/step.h"

/* What steps see of the files they are about. */

/* Whether A and B are one file, by inode and time of birth; where that is not known by inode and
 * device, unless the device number is of another boot.
 */
bool step_same_file(const struct step_context *context, const struct file_identity *a,
                    const struct file_identity *b);

/* Look at PATH without following links; inode 0 in *IDENTITY: nothing is there. */
bool step_look(const char *path, struct file_identity *identity, struct stat *st, GError **error);

/* The same file, and not written since. */
bool step_unchanged_file(const struct step_context *context, const struct file_identity *a,
                         const struct file_identity *b);

/* Fail with OFFSHOT_ERROR_INTERRUPTED: PATH is not what the step left or found there. */
bool step_set_unexplained(GError **error, const char *path, const char *what);

/* What the user is to do with a text that he changed too early. Ends the message of the error. */
#define STEP_EDITED_ADVICE ": undo that change, run `offshot recover`, and make it again"

/* The same of somebody's image that has come to stand on one that is to change. */
#define STEP_STRANGER_ADVICE ": remove it, or rebase it onto another image"

/* Append a remark for the user, if somebody listens. */
void step_note(const struct step_context *context, const char *format, ...) G_GNUC_PRINTF(2, 3);
