/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

#include "conf/snapshot-def.h"

/* Read the document that --xml names: a path, or "-" for standard input. At most 1 MiB. Fails with
 * OFFSHOT_ERROR_NOT_FOUND or OFFSHOT_ERROR_USAGE. Free with g_free().
 */
char *request_xml_read(const char *path, size_t *length, GError **error);
