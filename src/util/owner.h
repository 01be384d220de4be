/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/stat.h>

/* Whether what user OWNER wrote may tell this process what to do: that is the user it runs as,
 * root, and for a root that came by sudo the user who called it (SUDO_UID).
 */
bool owner_is_trusted(uid_t owner);

/* See that PATH, of which ST tells, belongs to somebody trusted and that not everybody may write
 * it; a group may, it was given to it. Fails with OFFSHOT_ERROR_REFUSED.
 */
bool owner_check(const char *path, const struct stat *st, GError **error);
