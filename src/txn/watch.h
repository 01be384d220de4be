/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/step.h"

/* Somebody may make a clone of an image after the plan was made: while it runs, or between a crash
 * and the recovery. So what the plan takes away or changes is looked after once more, in the
 * directories that it names (plan_watch_directory()).
 */

/* What was found there. It counts until it expires: a look reads the header of every image. */
struct watch;

struct watch *watch_new(void);
void watch_free(struct watch *watch);
SCOPED_DEFINE(watch)

/* Time has passed: look again when the next question is asked. */
void watch_expire(struct watch *watch);

enum watch_scope {
    WATCH_STRANGERS, /* images that are no part of the plan, nor made by it */
    WATCH_ALL,       /* any image */
};

/* What stands on the image at PATH, within SCOPE, or names it in a domain XML that is newer than
 * the plan: a path, or what to say of it; free with g_free().
 * NULL: nothing, or nothing is at PATH, or the plan names no directories. What cannot be read
 * counts as standing on all images of its directory.
 */
char *watch_find(const struct step_context *context, const char *path, enum watch_scope scope);

/* See that no stranger stands on what STEP is about to take away or change: the images of a commit
 * that is needed still, the image over which another is renamed, the one that a guarded removal
 * takes the last name of, the one that goes back to a tag. Fails with OFFSHOT_ERROR_REFUSED.
 */
bool watch_check(const struct step *step, const struct step_context *context, GError **error);

/* Whether STEP, a guarded removal, takes away a name that only this plan knows. */
bool watch_is_spare(const struct step *step, const struct step_context *context);
