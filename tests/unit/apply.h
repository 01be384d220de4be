/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <fcntl.h>
#include <sys/wait.h>

#include "txn/run.h"
#include "unit/scratch.h"
#include "unit/unit.h"

/* Plans that change real images, disturbed at each program that they run: a qemu-img that comes
 * first in PATH counts its calls and does something else at one of them.
 */
static struct txn_options options;
static char *real_path;

static inline void
apply_setup(void)
{
    g_autofree char *bin = NULL;
    g_autofree char *path = NULL;

    scratch_setup();
    scratch_do("mkdir state bin");
    bin = scratch_path("bin");
    real_path = g_strdup(g_getenv("PATH"));
    path = g_strconcat(bin, ":", real_path, NULL);
    g_setenv("PATH", path, TRUE);
    options = (struct txn_options){.state_directory = scratch_path("state"),
                                   .jobs = 1,
                                   .notes = g_ptr_array_new_with_free_func(g_free)};
}

static inline void
apply_teardown(void)
{
    g_setenv("PATH", real_path, TRUE);
    g_ptr_array_unref(options.notes);
    g_free((char *)options.state_directory);
    g_free(real_path);
    scratch_teardown();
}

static inline struct file_identity
identity_of(const char *path)
{
    struct file_identity identity = {0};
    struct stat st;

    ck_assert_msg(lstat(path, &st) == 0, "no %s", path);
    file_identity_set(&identity, &st);
    file_identity_add_birth(&identity, -1, path);
    return identity;
}

/* From now on call number CALL of qemu-img does HOW, a shell script that finds the real program in
 * $REAL. All programs are run one after the other (options.jobs), so that the number says which.
 */
static inline void
disturb(unsigned call, const char *how)
{
    g_autofree char *real = NULL;
    g_autofree char *script = NULL;
    g_autofree char *wrapper = scratch_path("bin/qemu-img");
    g_autofree char *calls = scratch_path("calls");

    scratch_do("rm -f bin/qemu-img; echo 0 >calls");
    real = g_find_program_in_path("qemu-img");
    script = g_strdup_printf("#!/bin/sh\n"
                             "REAL='%s'\n"
                             "n=$(($(cat '%s') + 1)); echo $n >'%s'\n"
                             "[ $n = %u ] || exec \"$REAL\" \"$@\"\n"
                             "%s\n",
                             real, calls, calls, call, how);
    ck_assert(g_file_set_contents(wrapper, script, -1, NULL));
    scratch_do("chmod +x bin/qemu-img");
}

/* Whether the call that was to be disturbed has come. */
static inline bool
was_disturbed(unsigned call)
{
    g_autofree char *count = scratch_run("cat calls; rm bin/qemu-img");

    return strtoul(count, NULL, 10) >= call;
}

#define KILL_BEFORE "kill -9 $PPID; exec sleep 60"
#define KILL_AFTER "\"$REAL\" \"$@\"; kill -9 $PPID; exec sleep 60"
#define FAIL_BEFORE "echo no luck >&2; exit 1"
#define FAIL_AFTER "\"$REAL\" \"$@\"; echo no luck >&2; exit 1"
#define STOP "kill -TERM $PPID; exec sleep 60"

/* A shell function, for scripts: holds IMAGE PATTERN OFFSET LENGTH. qemu-io exits 0 whatever it
 * reads.
 */
#define HOLDS                                                                                      \
    "holds() { qemu-io -r -f qcow2 -c \"read -P $2 $3 $4\" $1 >read.log 2>&1\n"                    \
    "grep -q '^read ' read.log; if grep 'ailed\\|rror' read.log; then exit 1; fi; rm read.log; }\n"

/* How a run ended: 0 done, -1 killed, or the code of its error. */
static inline int
run_apart(struct plan *plan)
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        g_autoptr(GError) error = NULL;

        if (txn_run(plan, &options, &error))
            _exit(0);
        fprintf(stderr, "%s\n", error->message);
        _exit(error->code);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Recover what a run left; what dies with it may hold its locks a moment longer. */
static inline enum txn_recovery
recover(void)
{
    struct txn_recovered recovered = {.what = TXN_NOTHING};
    g_autoptr(GError) error = NULL;
    bool done = false;

    for (int tries = 0; !done && tries < 500; tries++) {
        g_clear_error(&error);
        done = txn_recover(&options, "vm", false, &recovered, &error);
        if (!done && error->code != OFFSHOT_ERROR_BUSY)
            break;
        if (!done)
            g_usleep(20000);
    }
    unit_assert_ok(done, error);
    txn_recovered_clear(&recovered);
    scratch_do("test -z \"$(ls -A state)\"");
    return recovered.what;
}
