/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "util/scope.h"

/* What one child process may touch: it sees the images of its task and nothing else of the host,
 * whatever an image brings it to do. The kernel enforces it (util/landlock.h).
 *
 * Not granted are only uses by name. Descriptors that a child inherits serve as they were opened,
 * and one that it opens anew through /proc counts as the file that it leads to. Nothing may be
 * made, renamed or removed: whatever a program writes to exists before it starts.
 */

enum sandbox_mode {
    SANDBOX_OFF,
    SANDBOX_AUTO,    /* where the kernel offers it, and it can be entered */
    SANDBOX_REQUIRE, /* or nothing runs */
};

enum sandbox_access {
    SANDBOX_READ,
    SANDBOX_WRITE, /* reading as well */
};

/* A list of files. Whoever puts together the arguments of a program adds what these name. */
struct sandbox;

struct sandbox *sandbox_new(void);
void sandbox_free(struct sandbox *sandbox);
SCOPED_DEFINE(sandbox)

/* Allow ACCESS to PATH: a file, a block device, a descriptor of this process by its name
 * /proc/self/fd/N, or all files below a directory. It is looked up, through links, when a child is
 * started. What is not there then needs no rule. With a NULL SANDBOX nothing happens.
 */
void sandbox_allow(struct sandbox *sandbox, const char *path, enum sandbox_access access);

/* What SANDBOX allows to PATH it allows to NAME instead: another name of that file. */
void sandbox_rename(struct sandbox *sandbox, const char *path, const char *name);

/* Whether PATH was allowed, for ACCESS at least. */
bool sandbox_allows(const struct sandbox *sandbox, const char *path, enum sandbox_access access);

/* How many files SANDBOX (NULL: none) allows; *BYTES is how large those are together that can be
 * found, as far as they say it: a device does not.
 */
unsigned sandbox_measure(const struct sandbox *sandbox, uint64_t *bytes);

/* The version of Landlock that the kernel offers; 0: none. */
int sandbox_version(void);

/* Whether a sandbox can be entered from where this process is: 0, or the errno that says why not
 * (E2BIG: it is inside too many already).
 */
int sandbox_try(void);

/* The ruleset that grants what is in SANDBOX (NULL: nothing) and what any run of PROGRAM needs: it
 * is read and executed, found as the shell does, and so are the loader and the libraries of the
 * system. What a script executes are the programs of the system.
 *
 * Returns a close-on-exec descriptor for landlock_enter(); -1 with OFFSHOT_ERROR_FAILED.
 */
int sandbox_open(const struct sandbox *sandbox, const char *program, GError **error);
