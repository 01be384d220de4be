/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "util/foreground.h"

#include <signal.h>
#include <unistd.h>

#include "unit/unit.h"

static bool
run_shell(const char *script, GError **error)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};

    return foreground_run(argv, error);
}

START_TEST(program_that_succeeds_is_waited_for)
{
    g_autoptr(GError) error = NULL;

    unit_assert_ok(run_shell("sleep 0.1", &error), error);
}
END_TEST

static const struct {
    const char *script;
    const char *fragment;
} failures[] = {
    {"exit 3", "'sh' failed with exit status 3"},
    {"kill -9 $$", "'sh' was killed by signal 9"},
    {"kill -INT $$; sleep 10", "'sh' was killed by signal 2"},
    /* passed on to it, and reported whatever it makes of that */
    {"kill -TERM $PPID; sleep 10", "stopped by a signal"},
    {"kill -HUP $PPID; sleep 10", "stopped by a signal"},
    {"trap 'exit 0' TERM; kill -TERM $PPID; while :; do sleep 0.01; done", "stopped by a signal"},
};

START_TEST(program_that_fails_is_an_error)
{
    g_autoptr(GError) error = NULL;

    ck_assert(!run_shell(failures[_i].script, &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, failures[_i].fragment);
}
END_TEST

START_TEST(program_that_is_not_there_is_an_error)
{
    char *argv[] = {(char *)"/no/such/program", NULL};
    g_autoptr(GError) error = NULL;

    ck_assert(!foreground_run(argv, &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "cannot run '/no/such/program'");
}
END_TEST

START_TEST(what_is_typed_to_interrupt_is_not_for_us)
{
    g_autoptr(GError) error = NULL;

    unit_assert_ok(run_shell("kill -INT $PPID; kill -QUIT $PPID", &error), error);
}
END_TEST

START_TEST(program_has_our_files_group_and_default_signals)
{
    g_autoptr(GError) error = NULL;
    int fds[2];
    char text[16] = "";

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_ge(dup2(fds[1], STDOUT_FILENO), 0);
    unit_assert_ok(run_shell("cut -d' ' -f5 /proc/$$/stat", &error), error);
    ck_assert_int_gt(read(fds[0], text, sizeof(text) - 1), 0);
    ck_assert_int_eq(atoi(text), (int)getpgrp());
    signal(SIGPIPE, SIG_IGN);
    ck_assert(!run_shell("kill -PIPE $$", &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "was killed by signal 13");
}
END_TEST

START_TEST(signals_are_as_before_afterwards)
{
    g_autoptr(GError) error = NULL;
    struct sigaction action;
    sigset_t mask;

    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGCHLD, SIG_IGN);
    unit_assert_ok(run_shell("kill -HUP $PPID; kill -HUP $$", &error), error);
    sigaction(SIGHUP, NULL, &action);
    ck_assert_ptr_eq(action.sa_handler, SIG_IGN);
    sigaction(SIGCHLD, NULL, &action);
    ck_assert_ptr_eq(action.sa_handler, SIG_IGN);
    sigaction(SIGTERM, NULL, &action);
    ck_assert_ptr_eq(action.sa_handler, SIG_DFL);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    ck_assert(!sigismember(&mask, SIGTERM) && !sigismember(&mask, SIGCHLD));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("foreground");
    TCase *cases = tcase_create("foreground");

    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, program_that_succeeds_is_waited_for);
    tcase_add_loop_test(cases, program_that_fails_is_an_error, 0, G_N_ELEMENTS(failures));
    tcase_add_test(cases, program_that_is_not_there_is_an_error);
    tcase_add_test(cases, what_is_typed_to_interrupt_is_not_for_us);
    tcase_add_test(cases, program_has_our_files_group_and_default_signals);
    tcase_add_test(cases, signals_are_as_before_afterwards);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
