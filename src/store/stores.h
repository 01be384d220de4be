/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/location.h"

/* A domain may have snapshots in more stores than the one that is worked on: in the default one
 * while --store names another, in one that --store has named before, in that of libvirt when the
 * domain is a file elsewhere, such as a dump.
 */

/* The stores that --store has named for a domain (of char *), from the list "stores" in STATE, the
 * directory of its lock; none when there is no list. Fails with OFFSHOT_ERROR_INCONSISTENT, naming
 * the file, when it is damaged, and when it cannot be read. Free with g_ptr_array_unref().
 *
 *     offshot stores 1
 *     PATH
 *
 * with all but plain characters of each path as %XX.
 */
GPtrArray *stores_load(const char *state, GError **error);

/* Put the store of LOCATION on that list, unless it is the default one, and take off those that are
 * no directories any more. The lock must be held. Fails as stores_load(), and when the list cannot
 * be written.
 */
bool stores_note(const struct domain_location *location, GError **error);

/* Where a domain is kept. Everything is owned. */
struct stores_keeper {
    char *xml;
    char *store;
};

/* Where libvirt keeps the domain with UUID (of struct stores_keeper), as far as its usual URIs and
 * our permissions show; nothing for LOCATION itself. Free with g_ptr_array_unref().
 */
GPtrArray *stores_find_keepers(const struct domain_location *location, const char *uuid);
