/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"

/* Read the list of layers and note in `layers` those that still are the files it tells of: inode
 * and birth; inode and path where a birth is not known. What is in no chain of the graph yet comes
 * into it with its own chain, so that what nothing stands on any more can be found; a layer whose
 * chain is broken is passed over.
 *
 * Fails with OFFSHOT_ERROR_INCONSISTENT, naming the file, when the list is damaged;
 * OFFSHOT_ERROR_FAILED when it cannot be read.
 *
 * The list, as state_layers_format() writes it:
 *
 *     offshot layers 2
 *     INODE BIRTH DIRECTORY
 *     INODE BIRTH FORMAT PATH
 *
 *     INODE BIRTH FORMAT PATH flattened
 *     INODE BIRTH - PATH kept
 *
 * with the state directory that it belongs to (elsewhere, copied, it tells of nothing; version 1
 * has no such line) and a line for each layer, for each image that was flattened, and for each that
 * was kept outside of the graph: birth in nanoseconds since the epoch, 0 when not known; format as
 * qemu-img calls it; the path with all but plain characters as %XX. What was kept is noted in
 * `kept` as long as it is found at its path.
 */
bool state_load_layers(struct state *state, GError **error);

/* What the list in the state directory DIRECTORY, of any domain, tells was kept, and is there
 * (paths, of char *). Fails as state_load_layers(). Free with g_ptr_array_unref().
 */
GPtrArray *layers_find_kept(const char *directory, GError **error);
