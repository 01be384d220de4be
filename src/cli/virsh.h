/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Run virsh with ARGV (its first word is "virsh"), a minute at most.
 *
 * Returns what it wrote to standard output; free with g_free(). Fails with OFFSHOT_ERROR_FAILED and
 * the reason that virsh gives. What it writes to standard error while it succeeds is no failure.
 */
char *virsh_run(char **argv, GError **error);

/* The same for all of ARGVS (of char **), JOBS at a time. Returns their outputs (of char *) in the
 * same order; free with g_ptr_array_unref(). Fails as the first that failed.
 */
GPtrArray *virsh_run_all(const GPtrArray *argvs, unsigned jobs, GError **error);
