/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <check.h>
#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A real QEMU process that has an image open, and with it QEMU's locks. */
struct qemu_io {
    GPid pid;
    int in;
    int out;
};

/* Open PATH and return once it is open. */
static inline void
qemu_io_open(struct qemu_io *process, const char *path, const char *format, bool readonly)
{
    const char *argv[] = {"qemu-io", "-f", format, readonly ? "-r" : "--", path, NULL};
    char seen[64];
    ssize_t got;

    ck_assert(g_spawn_async_with_pipes(
        NULL, (char **)argv, NULL,
        G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES, NULL, NULL,
        &process->pid, &process->in, &process->out, NULL, NULL));
    ck_assert_int_eq(write(process->in, "length\n", 7), 7);
    got = read(process->out, seen, sizeof(seen)); /* a prompt, or the answer: either means open */
    ck_assert_int_gt(got, 0);
}

static inline void
qemu_io_close(struct qemu_io *process)
{
    close(process->in);
    ck_assert_int_eq(waitpid(process->pid, NULL, 0), process->pid);
    close(process->out);
}
