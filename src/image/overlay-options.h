/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* Join overlay options: USER ("key=value,…" or NULL) wins over DEFAULTS (NULL-terminated list of
 * "key=value"; keys that FORMAT does not know are left out). Only keys that cannot change where
 * data lives are taken: qcow2: compat, cluster_size, extended_l2, lazy_refcounts, refcount_bits,
 * compression_type, preallocation, nocow; qed: cluster_size, table_size. Whether a value makes
 * sense is left to qemu-img.
 *
 * Returns the text for -o, "" when there is none, to be freed with g_free(); NULL with
 * OFFSHOT_ERROR_USAGE for a malformed, repeated or unknown key, OFFSHOT_ERROR_REFUSED for one that
 * offshot sets itself (backing_file, size, …).
 */
char *overlay_options_join(const char *format, const char *const *defaults, const char *user,
                           GError **error);
