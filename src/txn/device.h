/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* An overlay on a block device: it is made as a file first, and its bytes are then put on the
 * device. */

/* Make sure that nobody uses block device DEVICE and that its first LENGTH bytes are zero. Fails as
 * device_fill() does.
 */
bool device_check_blank(const char *device, size_t length, GError **error);

/* Write the bytes of file SOURCE to the beginning of block device DEVICE, durably.
 *
 * Fails with OFFSHOT_ERROR_REFUSED when the device is not blank (all zero) where they would go,
 * OFFSHOT_ERROR_BUSY when the kernel says it is in use, OFFSHOT_ERROR_NO_SPACE when it is too
 * small. After a failure the device is blank again.
 */
bool device_fill(const char *device, const char *source, GError **error);

/* Take device_fill() back, also one that a crash cut short: every block must be zero or what SOURCE
 * has there, else it fails with OFFSHOT_ERROR_REFUSED. Without SOURCE there is nothing to take
 * back.
 */
bool device_blank(const char *device, const char *source, GError **error);
