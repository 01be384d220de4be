/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* The backing string for an overlay in directory of OVERLAY on BASE (both absolute). RELATIVE: the
 * file name alone when both share a directory, a path with "../" otherwise; else BASE itself. A
 * name that qemu would take for a protocol gets "./" in front. Pure, so only right with "../" when
 * no directory of either path is a symbolic link: give it resolved directories. Where a ".." in
 * OVERLAY's own directory leaves no relative path, BASE itself is returned.
 *
 * Fails with OFFSHOT_ERROR_REFUSED when it is longer than the 1,023 bytes that a header holds. Free
 * with g_free().
 */
char *backing_string(const char *overlay, const char *base, bool relative, GError **error);

/* Where the backing string BACKING of image PATH leads, as an absolute path: a relative one starts
 * in the directory by which the image was reached, symbolic link or not, as it does for QEMU. Fails
 * with OFFSHOT_ERROR_REFUSED for json: and every other protocol, and for an empty one. Free with
 * g_free().
 */
char *backing_string_resolve(const char *path, const char *backing, GError **error);
