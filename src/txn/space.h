/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* What the steps of a plan ask of file systems, added up for each. Free with
 * g_hash_table_unref(). */
GHashTable *space_new(void);

/* Ask for BYTES more on the file system of DIRECTORY. Fails with OFFSHOT_ERROR_NO_SPACE when it has
 * less than all that was asked of it.
 */
bool space_ask(GHashTable *space, const char *directory, uint64_t bytes, GError **error);
