/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdint.h>

#include "image/image-file.h"

/* Where the image at PATH, of which FILE tells, stands on another: the absolute path of that file,
 * NULL when it names none. For images that are not ours, only to see what they depend on: the
 * format is guessed, nothing is refused, "file:" and the file in a json: name are followed, other
 * network protocols are not. Reads 4 KiB, more only where the header is longer. Relative names
 * start in the directory of PATH. Free with g_free().
 *
 * Fails with OFFSHOT_ERROR_INCONSISTENT when it is no longer FILE, OFFSHOT_ERROR_FAILED when it
 * cannot be opened or read, OFFSHOT_ERROR_REFUSED when it stands on something of which it cannot be
 * told which file it is. A header that is damaged still names what it can.
 */
char *backing_guess(const char *path, struct image_file *file, GError **error);

/* The file that backing string BACKING of image PATH means to QEMU; NULL without an error: it goes
 * over the network. Fails with OFFSHOT_ERROR_REFUSED when it cannot be told. Free with g_free().
 */
char *backing_guess_resolve(const char *path, const char *backing, GError **error);
