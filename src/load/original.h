/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/state.h"

/* Make sure that the domain XML, given by path, is no copy that still names the images of the
 * original: that beside none of the images that its disks stand on, where these lie in another
 * directory, there is another file of the same name with the same domain in it (uuid or, without
 * one, name). Two copies would change one set of images, and neither know of it. Fails with
 * OFFSHOT_ERROR_REFUSED.
 */
bool state_check_original(const struct state *state, GError **error);
