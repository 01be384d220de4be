/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "store/uri.h"

/* Find the domain DOMAIN, a name or a UUID, among those that libvirt keeps in DIRECTORIES.
 *
 * Returns the name of its file in directories->config without ".xml"; free with g_free(). Fails
 * with OFFSHOT_ERROR_NOT_FOUND; OFFSHOT_ERROR_USAGE for what cannot be a name, or means several
 * domains; OFFSHOT_ERROR_BUSY for a transient domain, which is only there while it runs;
 * OFFSHOT_ERROR_FAILED when the directory may not be read.
 */
char *domain_lookup(const struct uri_directories *directories, const char *domain, GError **error);
