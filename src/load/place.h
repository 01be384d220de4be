/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/state.h"

/* Where images have to be, also while they are not there: moved away, or on a disk that is not
 * mounted. Another file in their place would be taken for them.
 */

/* What two spellings of one place have in common: the storage behind the device that ST is (NULL:
 * it is none), or directory and name. NULL when there is no such directory. Free with g_free().
 */
char *place_key(const char *path, const struct stat *st);

/* Walk the chains of all snapshots, as state_load_tree() does, for the links in them; no fault
 * matters. STATE has images.
 */
void state_load_places(struct state *state);

/* Make sure that PATH, where a new name for an image goes, is not the place of one that is missing:
 * by the domain, by a snapshot, by a backing link of a chain that was walked, or by a neighbour
 * where these were loaded. What is there now is not looked at. Fails with OFFSHOT_ERROR_REFUSED.
 */
bool state_check_place(const struct state *state, const char *path, GError **error);

/* Whether nothing at all is at PATHS (of char *), not even a link that leads nowhere, nor an image
 * that is missing has to be. What cannot be told counts as taken.
 */
bool state_names_are_free(const struct state *state, const GPtrArray *paths);
