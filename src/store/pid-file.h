/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

/* Pid files as libvirt's daemons and their QEMU processes keep them: the process that a file is
 * about holds a lock on it for as long as it lives.
 */

/* Find out whether somebody holds a lock on PATH. *PID is 0 when the holder lives in another PID
 * namespace. What is not there is not locked. Fails when it cannot be told.
 */
bool pid_file_ask_lock(const char *path, bool *locked, pid_t *pid, GError **error);

/* Whether the pid file PATH names a process *PID that lives, or is locked. */
bool pid_file_is_alive(const char *path, pid_t *pid);
