/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/types.h>

#include "util/child.h"

/* What a child needs between fork and exec, where nothing may be allocated. */
struct child_setup {
    pid_t parent; /* who forked it */
    const struct child *child;
    const GArray *inherited; /* of int: descriptors that survive exec beside its own; NULL: none */
    int ruleset;             /* of its sandbox; -1: it has none */
    bool required;           /* without the sandbox it must not run */
};

/* Make the forked process what child_run() promises: dying with its parent, in a group of its own,
 * default signals, limits, the inherited descriptors, its own PID in its argv, its sandbox. A
 * GSpawnChildSetupFunc; DATA is a struct child_setup. Runs after GLib marked every descriptor above
 * 2 close-on-exec. Exits 126 when a promise cannot be kept.
 */
void child_setup_apply(gpointer data);
