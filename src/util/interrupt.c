/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <unistd.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};

static struct sigaction saved[G_N_ELEMENTS(caught)];
static volatile sig_atomic_t pending;
static unsigned depth;
static int pipe_fds[2] = {-1, -1};

static void
interrupt_note(int number)
{
    int saved_errno = errno;

    pending = number;
    /* A full pipe is readable already. */
    if (write(pipe_fds[1], "", 1) < 0)
        errno = saved_errno;
    errno = saved_errno;
}

void
interrupt_begin(void)
{
    struct sigaction action = {.sa_handler = interrupt_note};

    if (depth++ > 0)
        return;
    pending = 0;
    if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) < 0)
        pipe_fds[0] = pipe_fds[1] = -1;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < G_N_ELEMENTS(caught); i++) {
        sigaction(caught[i], NULL, &saved[i]);
        /* What nohup ignores stays ignored. */
        if (saved[i].sa_handler != SIG_IGN)
            sigaction(caught[i], &action, NULL);
    }
}

void
interrupt_end(void)
{
    if (--depth > 0)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(caught); i++)
        sigaction(caught[i], &saved[i], NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(pipe_fds); i++) {
        if (pipe_fds[i] >= 0)
            close(pipe_fds[i]);
        pipe_fds[i] = -1;
    }
}

int
interrupt_pending(void)
{
    return pending;
}

int
interrupt_fd(void)
{
    return pipe_fds[0];
}
