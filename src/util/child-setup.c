/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/child-setup.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util/landlock.h"

/* For the stack of a thread: what Linux gives by default. */
#define STACK_MAX (8 * 1024 * 1024)

/* What we have ourselves is never exceeded. What we run under (valgrind, for open files) may refuse
 * to lower the hard limit: then the soft one has to do.
 */
static void
limit_set(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit ours;
    struct rlimit limit;

    if (getrlimit(resource, &ours) < 0)
        _exit(126);
    limit.rlim_cur = MIN(ours.rlim_cur, soft);
    limit.rlim_max = MIN(ours.rlim_max, hard);
    if (setrlimit(resource, &limit) == 0)
        return;
    limit.rlim_max = ours.rlim_max;
    if (setrlimit(resource, &limit) < 0)
        _exit(126);
}

/* Not RLIMIT_AS: the allocator of libc sets aside some 100 MiB of addresses for each thread, of
 * which QEMU starts dozens, and uses almost nothing of it.
 */
static void
memory_limit(uint64_t bytes)
{
    struct rlimit stack;

    limit_set(RLIMIT_DATA, bytes, bytes);
    /* each thread gets as large a stack as this says */
    if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur != RLIM_INFINITY)
        limit_set(RLIMIT_STACK, STACK_MAX, RLIM_INFINITY);
}

static void
limits_set(const struct child_limits *limits, unsigned inherited)
{
    rlim_t files = (rlim_t)inherited + limits->files;

    if (limits->cpu_seconds || limits->memory)
        limit_set(RLIMIT_CORE, 0, 0);
    /* SIGXCPU at the soft limit; SIGKILL a second later for whoever ignores it */
    if (limits->cpu_seconds)
        limit_set(RLIMIT_CPU, limits->cpu_seconds, (rlim_t)limits->cpu_seconds + 1);
    if (limits->memory)
        memory_limit(limits->memory);
    /* the lowest free number is taken for each: inherited ones above the limit stay open */
    if (limits->files)
        limit_set(RLIMIT_NOFILE, files, files);
    if (limits->writes_nothing)
        limit_set(RLIMIT_FSIZE, 0, 0);
}

static void
inherit(int fd)
{
    if (fcntl(fd, F_SETFD, 0) < 0)
        _exit(126);
}

/* Put PID in the place of the zeros of CHILD_PROC, and move the rest of WORD up to it. */
static void
pid_fill(char *word, pid_t pid)
{
    char *start = word + strlen("/proc/");
    char *rest = word + strlen(CHILD_PROC) - 1;
    char *end = start;

    for (pid_t left = pid; left > 0; left /= 10)
        end++;
    memmove(end, rest, strlen(rest) + 1);
    for (pid_t left = pid; left > 0; left /= 10)
        *--end = (char)('0' + left % 10);
}

/* This is a copy of the parent's memory: there the word stays as it is. */
static void
words_fill(char **argv)
{
    for (; *argv; argv++) {
        if (strncmp(*argv, CHILD_PROC, strlen(CHILD_PROC)) == 0)
            pid_fill(*argv, getpid());
    }
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
    limits_set(&setup->child->limits, setup->inherited ? setup->inherited->len : 0);
    for (guint i = 0; setup->inherited && i < setup->inherited->len; i++)
        inherit(g_array_index(setup->inherited, int, i));
    for (size_t i = 0; i < CHILD_FDS; i++) {
        if (setup->child->fds[i] > 0)
            inherit(setup->child->fds[i]);
    }
    words_fill(setup->child->argv);
    if (setup->ruleset >= 0 && !landlock_enter(setup->ruleset) && setup->required)
        _exit(126);
}
