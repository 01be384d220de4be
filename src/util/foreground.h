/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Run the program ARGV as a shell would in the foreground, and wait for it: it has our standard
 * files, our process group, and the environment as it is. What the user types to interrupt it
 * (SIGINT, SIGQUIT) is its own affair meanwhile; SIGTERM and SIGHUP that come to us are passed on.
 *
 * Fails with OFFSHOT_ERROR_FAILED: it cannot be started, exits with another status than 0, or is
 * killed; or SIGTERM or SIGHUP came, however it ended.
 */
bool foreground_run(char *const *argv, GError **error);
