/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/plan.h"

/* Descriptors that hold QEMU's locks, an array of int. Every program that is started while they
 * exist inherits them; freeing closes them.
 */
GArray *plan_locks_new(void);
void plan_locks_free(GArray *locks);

/* See that everything holds that PLAN was made on, before its first step.
 *
 * Locks taken on images are appended to LOCKS (an array of int descriptors, which the caller
 * closes). Fails with
 * - OFFSHOT_ERROR_REFUSED: a name that is to be made exists, a device is not blank;
 * - OFFSHOT_ERROR_BUSY: an image is in use, or a file changed since the plan was made;
 * - OFFSHOT_ERROR_NO_SPACE: a file system is too full.
 */
bool plan_check(const struct plan *plan, GArray *locks, GError **error);

/* Only take the locks that PLAN asks for, on whatever its paths lead to now: recovery judges by
 * itself what it finds there, but nobody may write it meanwhile. A path that is gone is passed
 * over. To undo PHASE prepare only those images are locked that its steps change: the others lose
 * no more than names that no VM was told of. Fails with OFFSHOT_ERROR_BUSY.
 */
bool plan_lock_images(const struct plan *plan, enum plan_phase phase, GArray *locks,
                      GError **error);
