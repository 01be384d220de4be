/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "util/child.h"

/* One child while it runs. */
struct child_slot {
    struct child *child; /* NULL: the slot is free */
    pid_t pid;
    int fds[2];      /* its stdout and stderr; -1 from their end on */
    gint64 deadline; /* monotonic microseconds; 0: none */
    gint64 tick;     /* microseconds of the last wait for its death; 0: its output goes on */
};

/* What all children have in common. */
struct child_common {
    char **environment;
    char **whole_environment; /* of those that are trusted */
    const GArray *inherited;  /* of int: descriptors; NULL: none */
    enum sandbox_mode mode;   /* of all but those that are trusted */
};

/* Start CHILD in SLOT. A failure is the child's own, and leaves the slot free. */
void child_slot_start(struct child_slot *slot, struct child *child,
                      const struct child_common *common);

/* Kill the child and whatever is in its process group. It still has to be reaped. */
void child_slot_kill(struct child_slot *slot);

/* Take over what can be read now from its stdout (WHICH 0) or stderr (1). */
void child_slot_drain(struct child_slot *slot, int which);

/* If the child is dead, take over the rest of its output and its status, and free the slot. With
 * WAIT, wait for its death.
 */
void child_slot_reap(struct child_slot *slot, bool wait);
