/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/child-setup.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void
limit_set(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit limit = {soft, hard};

    if (setrlimit(resource, &limit) < 0)
        _exit(126);
}

static void
limits_set(const struct child_limits *limits)
{
    if (limits->cpu_seconds || limits->memory)
        limit_set(RLIMIT_CORE, 0, 0);
    /* SIGXCPU at the soft limit; SIGKILL a second later for whoever ignores it */
    if (limits->cpu_seconds)
        limit_set(RLIMIT_CPU, limits->cpu_seconds, (rlim_t)limits->cpu_seconds + 1);
    if (limits->memory)
        limit_set(RLIMIT_AS, limits->memory, limits->memory);
}

void
child_setup_apply(gpointer data)
{
    const struct child_setup *setup = data;
    sigset_t none;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
        _exit(126);
    /* the parent may have died before the line above took effect */
    if (getppid() != setup->parent)
        _exit(126);
    setpgid(0, 0);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    limits_set(setup->limits);
    for (guint i = 0; setup->inherited && i < setup->inherited->len; i++) {
        if (fcntl(g_array_index(setup->inherited, int, i), F_SETFD, 0) < 0)
            _exit(126);
    }
}
