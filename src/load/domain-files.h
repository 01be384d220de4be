/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "conf/domain-def.h"

/* The files of domains and of their snapshots, wherever they lie. */

/* The XML files in DIRECTORY (of char *), sorted; none when there is no such directory. Fails with
 * OFFSHOT_ERROR_FAILED when it cannot be read. Free the array with g_ptr_array_unref().
 */
GPtrArray *domain_files_list(const char *directory, GError **error);

/* The same, and the domains whose files are called otherwise: those that have a state directory
 * or a store there.
 */
GPtrArray *domain_files_beside(const char *directory, GError **error);

/* The domain in the file PATH, or NULL when that cannot be read as one. Free with
 * domain_def_free().
 */
struct domain_def *domain_files_read(const char *path);
