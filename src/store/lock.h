/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "util/scope.h"

/* The lock of one domain: STATE/lock, held by an OFD lock on the whole file. One holder changes
 * things; the directory is made for it and removed with it when nothing else is left in it.
 */
struct store_lock;

/* Make DIRECTORY (mode 0700) when needed and take its lock, waiting up to TIMEOUT seconds, or
 * until a signal comes (util/interrupt.h).
 *
 * Fails with OFFSHOT_ERROR_BUSY when it is held longer than that, OFFSHOT_ERROR_FAILED when a
 * signal came, OFFSHOT_ERROR_REFUSED when the directory belongs to another user (see util/owner.h)
 * or others may write it. Release with store_lock_free().
 */
struct store_lock *store_lock_take(const char *directory, unsigned timeout, GError **error);
void store_lock_free(struct store_lock *lock);
SCOPED_DEFINE(store_lock)
