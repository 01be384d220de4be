/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/state.h"

/* What else has to do with the images of a disk that a snapshot is taken of. Pure; each fails with
 * OFFSHOT_ERROR_REFUSED.
 */

/* Whether nobody else writes the image of MINE once it is frozen: no other disk of the domain, nor
 * another domain beside this one (where state_load_neighbours() was called).
 */
bool create_shared_check(const struct state *state, const struct state_disk *mine, GError **error);

/* Whether the name of IMAGE, the active one of disk TARGET, may pass to an overlay that the guest
 * writes: whatever stands on IMAGE would be led there, and so would a snapshot that has frozen it.
 * STATE has the tree.
 */
bool create_shared_check_name(const struct state *state, const char *target,
                              const struct image *image, GError **error);

/* Whether OVERLAY, which the user made for disk TARGET, is nobody else's, so that the guest may
 * write it. STATE has the tree.
 */
bool create_shared_check_reused(const struct state *state, const char *target,
                                const struct image *overlay, GError **error);
