/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/location.h"
#include "store/snapshots.h"

/* See that domain XML and snapshots were written by somebody who may tell us which images to
 * change: XML of another user would make root, or anybody, work on files of that user's choice.
 * Looked at are the domain XML, its directory (where everybody may replace it: not with the sticky
 * bit), the store and each snapshot in it, behind symbolic links. Images may belong to anybody.
 *
 * Fails with OFFSHOT_ERROR_REFUSED.
 */
bool store_check_trust(const struct domain_location *location, const struct snapshot_store *store,
                       GError **error);
