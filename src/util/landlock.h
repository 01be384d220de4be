/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Landlock by its system calls, as <linux/landlock.h> and
 * https://docs.kernel.org/userspace-api/landlock.html define them. Headers and kernel may be of
 * different age, so the numbers stand here: what the kernel does not know yet is left out at run
 * time.
 */

/* What may be done to a file, or to all files below a directory. */
enum landlock_right {
    LANDLOCK_EXECUTE = 1 << 0,
    LANDLOCK_WRITE = 1 << 1,
    LANDLOCK_READ = 1 << 2,
    LANDLOCK_READ_DIRECTORY = 1 << 3,
    LANDLOCK_TRUNCATE = 1 << 14,
    LANDLOCK_IOCTL_DEVICE = 1 << 15,
};

/* The version of the interface that the kernel offers; 0: it has none, or it is switched off. */
int landlock_abi(void);

/* A ruleset that denies all that a kernel of version ABI can deny: every use of files by their
 * names, TCP, signals and abstract sockets of processes outside. Returns a close-on-exec
 * descriptor, -1 with errno on failure.
 */
int landlock_ruleset_new(int abi);

/* Let RULESET, of version ABI, grant RIGHTS (enum landlock_right) to the open file FD (O_PATH will
 * do), and to what is below it when that is a directory. Rights that do not apply are left out.
 * Returns false with errno on failure. A file that no rule can name, such as a pipe, is not denied
 * either: that is success.
 */
bool landlock_ruleset_grant(int ruleset, int abi, int fd, uint64_t rights);

/* Hold this process, and whatever it executes, to RULESET for good. Safe between fork and exec.
 * Returns false with errno on failure.
 */
bool landlock_enter(int ruleset);
