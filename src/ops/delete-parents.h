/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/usage.h"

/* What becomes of the tree when the snapshots in REMOVED are gone. Pure. */

/* The snapshot that is current then: the one that is it, or its nearest ancestor that remains; or
 * NULL.
 */
const struct snapshot_def *delete_find_current(const struct state *state, snapshot_set *removed);

/* Name -> name of the new parent (NULL: a root) of all snapshots whose parent goes. A parent that
 * is not in the tree may be in the store nevertheless, in a file that cannot be read now, and
 * remains. The names are borrowed; free the table with g_hash_table_unref().
 */
GHashTable *delete_find_parents(const struct state *state, snapshot_set *removed);
