/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/foreground.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "util/child.h"
#include "util/error.h"

/* Signals that are not for us while the program runs. */
static const int held[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGCHLD};

/* As they were before. */
struct held_signals {
    struct sigaction actions[G_N_ELEMENTS(held)];
    sigset_t mask;
};

static volatile sig_atomic_t to_pass_on;

static void
note(int number)
{
    if (number == SIGTERM || number == SIGHUP)
        to_pass_on = number;
}

/* From here on signals come only while we wait: none is lost between a look and the wait. */
static void
signals_hold(struct held_signals *saved)
{
    struct sigaction action = {.sa_handler = note};
    sigset_t set;

    to_pass_on = 0;
    sigemptyset(&action.sa_mask);
    sigemptyset(&set);
    for (size_t i = 0; i < G_N_ELEMENTS(held); i++) {
        sigaddset(&set, held[i]);
        sigaction(held[i], NULL, &saved->actions[i]);
        /* what nohup ignores stays ignored, but without SIGCHLD no status can be had */
        if (saved->actions[i].sa_handler != SIG_IGN || held[i] == SIGCHLD)
            sigaction(held[i], &action, NULL);
    }
    sigprocmask(SIG_BLOCK, &set, &saved->mask);
}

static void
signals_release(const struct held_signals *saved)
{
    sigprocmask(SIG_SETMASK, &saved->mask, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(held); i++)
        sigaction(held[i], &saved->actions[i], NULL);
}

/* The program starts with the signals as they were, those that we ignore for ourselves too. */
static void
set_up(gpointer data)
{
    const struct held_signals *saved = data;

    for (size_t i = 0; i < G_N_ELEMENTS(held); i++)
        sigaction(held[i], &saved->actions[i], NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGXFSZ, SIG_DFL);
    sigprocmask(SIG_SETMASK, &saved->mask, NULL);
}

/* Wait for the child PID and pass on to it what comes. */
static bool
wait_for(GPid pid, const char *program, const struct held_signals *saved, int *status,
         GError **error)
{
    int passed = 0;
    pid_t got;

    while ((got = waitpid(pid, status, WNOHANG)) == 0) {
        sigsuspend(&saved->mask);
        if (to_pass_on != passed)
            kill(pid, passed = to_pass_on);
    }
    if (got < 0)
        offshot_set_error_errno(error, errno, "cannot learn how '%s' ended", program);
    return got > 0;
}

static bool
check_status(const char *program, int status, GError **error)
{
    if (to_pass_on)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "stopped by a signal");
    else if (WIFSIGNALED(status))
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "'%s' was killed by signal %d (%s)",
                    program, WTERMSIG(status), g_strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "'%s' failed with exit status %d",
                    program, WEXITSTATUS(status));
    else
        return true;
    return false;
}

bool
foreground_run(char *const *argv, GError **error)
{
    g_autoptr(GError) cause = NULL;
    struct held_signals saved;
    int status = 0;
    GPid pid;
    bool fine;

    child_trace(argv);
    signals_hold(&saved);
    fine = g_spawn_async(NULL, (char **)argv, NULL,
                         G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_SEARCH_PATH |
                             G_SPAWN_CHILD_INHERITS_STDIN,
                         set_up, &saved, &pid, &cause);
    if (fine)
        fine =
            wait_for(pid, argv[0], &saved, &status, error) && check_status(argv[0], status, error);
    else
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "cannot run '%s': %s", argv[0],
                    cause->message);
    signals_release(&saved);
    return fine;
}
