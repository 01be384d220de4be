/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

/* SIGINT, SIGTERM and SIGHUP while an operation runs: noted instead of obeyed, so that the executor
 * can undo. Between interrupt_begin() and interrupt_end() a signal makes interrupt_fd() readable.
 * Pairs of them can be nested: the outermost counts.
 */
void interrupt_begin(void);
void interrupt_end(void);

/* The signal that came since interrupt_begin(), or 0. */
int interrupt_pending(void);

/* Readable once a signal came; -1 outside of begin and end. */
int interrupt_fd(void);
