/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/child-run.h"
#include "unit/unit.h"
#include "util/child.h"
#include "util/error.h"
#include "util/scope.h"

/* What SCRIPT writes to standard output. */
static char *
output_of(const char *script)
{
    struct child child = {0};
    char *out;

    run_one(&child, SHELL(script));
    out = g_strdup(child.out->str);
    child_clear(&child);
    return out;
}

START_TEST(output_error_and_status_are_taken_over)
{
    struct child child = {0};

    run_one(&child, SHELL("echo out; echo err >&2; exit 7"));
    ck_assert(child.started);
    ck_assert_str_eq(child.out->str, "out\n");
    ck_assert_str_eq(child.err->str, "err\n");
    ck_assert(WIFEXITED(child.status));
    ck_assert_int_eq(WEXITSTATUS(child.status), 7);
    ck_assert_ptr_null(child.error);
    child_clear(&child);
}
END_TEST

static const struct verdict {
    const char *script;
    int code; /* 0: success */
    const char *message;
} verdicts[] = {
    {"true", 0, NULL},
    {"echo talk", 0, NULL},
    {"exit 1", OFFSHOT_ERROR_FAILED, "'sh' failed with exit status 1"},
    {"echo a >&2; echo b >&2; exit 2", OFFSHOT_ERROR_FAILED, "'sh' failed with exit status 2: a"},
    {"echo hm >&2", OFFSHOT_ERROR_FAILED, "'sh' exited with status 0 but complained: hm"},
    {"echo 'x: No space left on device' >&2; exit 1", OFFSHOT_ERROR_NO_SPACE,
     "'sh' failed with exit status 1: x: No space left on device"},
    {"echo 'x: No space left on device' >&2", OFFSHOT_ERROR_NO_SPACE,
     "'sh' exited with status 0 but complained: x: No space left on device"},
    {"printf '\\033[1m\\377' >&2; exit 1", OFFSHOT_ERROR_FAILED,
     "'sh' failed with exit status 1: ?[1m\357\277\275"},
    {"kill -9 $$", OFFSHOT_ERROR_FAILED, "'sh' was killed by signal 9 (Killed)"},
    {"exit 127", OFFSHOT_ERROR_FAILED, "'sh' failed with exit status 127"},
};

START_TEST(success_is_status_zero_and_silence)
{
    const struct verdict *verdict = &verdicts[_i];
    struct child child = {0};
    g_autoptr(GError) error = NULL;
    bool good;

    run_one(&child, SHELL(verdict->script));
    good = child_check(&child, &error);
    ck_assert_int_eq(good, verdict->code == 0);
    if (!good) {
        ck_assert(g_error_matches(error, OFFSHOT_ERROR, verdict->code));
        ck_assert_str_eq(error->message, verdict->message);
    }
    child_clear(&child);
}
END_TEST

START_TEST(missing_program_is_told_apart_from_status_127)
{
    struct child child = {0};
    g_autoptr(GError) error = NULL;

    run_one(&child, (char *[]){(char *)"offshot-no-such-program", (char *)"create", NULL});
    ck_assert(!child.started);
    ck_assert(!child_check(&child, &error));
    ck_assert_str_eq(error->message, "cannot run 'offshot-no-such-program': it is not installed, "
                                     "or not in PATH");
    child_clear(&child);
}
END_TEST

START_TEST(both_streams_are_drained_however_much_comes)
{
    struct child child = {0};

    run_one(&child, SHELL("head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; echo end"));
    ck_assert_int_eq(child.status, 0);
    ck_assert_uint_eq(child.out->len, CHILD_OUTPUT_MAX);
    ck_assert_uint_eq(child.err->len, CHILD_OUTPUT_MAX);
    child_clear(&child);
}
END_TEST

START_TEST(child_sees_c_locale_and_empty_stdin)
{
    g_autofree char *out = NULL;

    g_setenv("LC_ALL", "de_DE.UTF-8", TRUE);
    out = output_of("echo $LC_ALL; cat");
    ck_assert_str_eq(out, "C\n");
    ck_assert_str_eq(g_getenv("LC_ALL"), "de_DE.UTF-8");
}
END_TEST

START_TEST(child_gets_nothing_else_of_the_environment_than_path)
{
    g_autofree char *wanted = g_strdup_printf("LC_ALL=C\nPATH=%s\n", g_getenv("PATH"));
    g_autofree char *out = NULL;

    g_setenv("LD_PRELOAD", "", TRUE);
    g_setenv("SECRET", "1", TRUE);
    out = output_of("tr '\\0' '\\n' </proc/$$/environ | sort");
    ck_assert_str_eq(out, wanted);
}
END_TEST

START_TEST(trusted_child_gets_all_of_the_environment_and_no_sandbox)
{
    char *argv[] = {(char *)"/bin/sh", (char *)"-c",
                    (char *)"echo $LC_ALL $MINE; cat /etc/passwd >/dev/null", NULL};
    struct child child = {.trusted = true};

    g_setenv("LC_ALL", "de_DE.UTF-8", TRUE);
    g_setenv("MINE", "1", TRUE);
    ck_assert(child_set_sandbox(SANDBOX_AUTO, NULL));
    run_one(&child, argv);
    ck_assert(child_set_sandbox(SANDBOX_OFF, NULL));
    ck_assert_str_eq(child.out->str, "C 1\n");
    ck_assert_str_eq(child.err->str, "");
    ck_assert_int_eq(child.status, 0);
    child_clear(&child);
}
END_TEST

/* A word that names the child's own /proc, with a descriptor of its own behind it. */
START_TEST(own_descriptors_are_reached_and_a_name_dies_with_the_child)
{
    scoped_fd own = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    scoped_fd other = open("/dev/full", O_RDONLY | O_CLOEXEC);
    g_autofree char *other_name = g_strdup_printf("/proc/self/fd/%d", other);
    g_autofree char *name = g_strdup_printf(CHILD_PROC "fd/%d", own);
    g_autofree char *kept = g_strdup(name);
    char *argv[] = {(char *)"/bin/sh",
                    (char *)"-c",
                    (char *)"readlink $0 $2; echo $0 >&2; echo $1",
                    name,
                    (char *)"x" CHILD_PROC,
                    other_name,
                    NULL};
    struct child child = {.fds = {own, other}};
    g_autofree char *prefix = NULL;

    run_one(&child, argv);
    ck_assert_str_eq(child.out->str, "/dev/zero\n/dev/full\nx" CHILD_PROC "\n");
    g_strchomp(child.err->str);
    prefix = g_strdup_printf("/fd/%d", own);
    ck_assert(g_str_has_suffix(child.err->str, prefix));
    ck_assert(!g_file_test(child.err->str, G_FILE_TEST_EXISTS));
    ck_assert_str_eq(name, kept);
    child_clear(&child);
}
END_TEST

START_TEST(only_named_descriptors_are_inherited)
{
    scoped_fd plain = open("/dev/null", O_RDONLY);
    scoped_fd named = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_autofree char *script = g_strdup_printf("test -e /proc/$$/fd/%d && echo plain; "
                                              "readlink /proc/$$/fd/%d",
                                              plain, named);
    g_autofree char *with = NULL;
    g_autofree char *without = NULL;

    g_array_append_val(fds, named);
    child_set_inherited(fds);
    with = output_of(script);
    child_set_inherited(NULL);
    without = output_of(script);
    ck_assert_str_eq(with, "/dev/zero\n");
    ck_assert_str_eq(without, "");
    ck_assert_int_eq(fcntl(named, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(signals_are_as_by_default_in_the_child)
{
    g_autofree char *out = NULL;
    sigset_t blocked;

    signal(SIGTERM, SIG_IGN);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    /* without 32 and 33, which glibc keeps for itself and some shells and makes hand down ignored
     */
    out = output_of("for set in $(grep -E 'Sig(Blk|Ign)' /proc/self/status | cut -f2); do "
                    "echo $((0x$set & ~0x180000000)); done");
    ck_assert_str_eq(out, "0\n0\n");
}
END_TEST

START_TEST(ignored_sigchld_does_not_lose_the_status)
{
    struct child child = {0};

    signal(SIGCHLD, SIG_IGN);
    run_one(&child, SHELL("exit 3"));
    ck_assert_ptr_null(child.error);
    ck_assert_int_eq(WEXITSTATUS(child.status), 3);
    child_clear(&child);
}
END_TEST

START_TEST(slow_child_is_killed_with_its_group)
{
    struct child child = {.limits = {.wall_seconds = 1}};
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
    g_autoptr(GError) error = NULL;
    int lifeline[2];
    char byte;

    ck_assert_int_eq(pipe(lifeline), 0);
    g_array_append_val(fds, lifeline[1]);
    child_set_inherited(fds);
    run_one(&child, SHELL("sleep 60 & wait"));
    child_set_inherited(NULL);
    ck_assert(WIFSIGNALED(child.status));
    ck_assert(!child_check(&child, &error));
    ck_assert_str_eq(error->message, "'sh' ran for more than 1 s and was killed");
    close(lifeline[1]);
    ck_assert_int_eq(read(lifeline[0], &byte, 1), 0); /* sleep is gone as well */
    close(lifeline[0]);
    child_clear(&child);
}
END_TEST

START_TEST(closed_output_does_not_hide_a_slow_child)
{
    struct child child = {.limits = {.wall_seconds = 1}};

    run_one(&child, SHELL("exec >&- 2>&-; sleep 60"));
    ck_assert(WIFSIGNALED(child.status));
    ck_assert_ptr_nonnull(child.error);
    child_clear(&child);
}
END_TEST

START_TEST(process_left_behind_does_not_hold_up_the_result)
{
    struct child child = {0};

    run_one(&child, SHELL("sleep 60 & echo $!"));
    ck_assert_int_eq(child.status, 0);
    kill(atoi(child.out->str), SIGKILL);
    child_clear(&child);
}
END_TEST

START_TEST(many_children_run_at_most_jobs_at_a_time)
{
    enum { COUNT = 12, JOBS = 3 };
    struct child many[COUNT] = {0};
    struct child *children[COUNT];
    g_autofree char *directory = g_dir_make_tmp("offshot-child-XXXXXX", NULL);
    g_autofree char *script =
        g_strdup_printf("cd %s; : >$$; ls | wc -l; sleep 0.05; rm $$", directory);
    char **argv = SHELL(script);
    g_autoptr(GError) error = NULL;
    int most = 0;

    for (int i = 0; i < COUNT; i++) {
        many[i].argv = argv;
        children[i] = &many[i];
    }
    ck_assert(child_run(children, COUNT, JOBS, &error));
    for (int i = 0; i < COUNT; i++) {
        ck_assert(child_check(&many[i], NULL));
        most = MAX(most, atoi(many[i].out->str));
        child_clear(&many[i]);
    }
    ck_assert_int_le(most, JOBS);
    ck_assert_int_gt(most, 1);
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

START_TEST(cancelling_kills_and_reaps_all)
{
    struct child sleepers[4] = {0};
    struct child *children[4];
    char **argv = SHELL("sleep 60");
    g_autoptr(GError) error = NULL;
    int cancel[2];

    ck_assert_int_eq(pipe(cancel), 0);
    for (int i = 0; i < 4; i++) {
        sleepers[i].argv = argv;
        children[i] = &sleepers[i];
    }
    if (fork() == 0) {
        g_usleep(100000);
        _exit(write(cancel[1], "x", 1) == 1 ? 0 : 1);
    }
    child_set_cancel(cancel[0]);
    ck_assert(!child_run(children, 4, 2, &error));
    child_set_cancel(-1);
    ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED));
    ck_assert(sleepers[0].started && WIFSIGNALED(sleepers[0].status));
    ck_assert(sleepers[1].started && WIFSIGNALED(sleepers[1].status));
    ck_assert(!sleepers[2].started && !sleepers[3].started);
    ck_assert(!child_check(&sleepers[3], NULL));
    while (waitpid(-1, NULL, 0) > 0)
        ;
    ck_assert_int_eq(errno, ECHILD); /* only the writer of "x" was left to reap */
    for (int i = 0; i < 4; i++)
        child_clear(&sleepers[i]);
    close(cancel[0]);
    close(cancel[1]);
}
END_TEST

START_TEST(cancelled_before_means_nothing_is_started)
{
    struct child child = {.argv = SHELL("true")};
    struct child *children[] = {&child};
    scoped_fd readable = open("/dev/null", O_RDONLY);

    child_set_cancel(readable);
    ck_assert(!child_run(children, 1, 1, NULL));
    ck_assert(!child.started);
    child_set_cancel(-1);
}
END_TEST

START_TEST(child_dies_with_a_killed_parent)
{
    int lifeline[2];
    char byte;
    pid_t parent;

    ck_assert_int_eq(pipe(lifeline), 0);
    parent = fork();
    if (parent == 0) {
        g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
        g_autofree char *script = g_strdup_printf("echo >&%d; exec sleep 60", lifeline[1]);
        struct child child = {0};

        g_array_append_val(fds, lifeline[1]);
        child_set_inherited(fds);
        run_one(&child, SHELL(script));
        _exit(0);
    }
    close(lifeline[1]);
    ck_assert_int_eq(read(lifeline[0], &byte, 1), 1); /* it runs */
    kill(parent, SIGKILL);
    ck_assert_int_eq(waitpid(parent, NULL, 0), parent);
    ck_assert_int_eq(read(lifeline[0], &byte, 1), 0); /* nobody holds the other end any more */
    close(lifeline[0]);
}
END_TEST

static int traced;

static void
count_trace(char *const *argv)
{
    ck_assert_str_eq(argv[0], "/bin/sh");
    traced++;
}

START_TEST(every_start_is_traced)
{
    struct child child = {0};

    child_set_trace(count_trace);
    run_one(&child, SHELL("true"));
    run_one(&child, SHELL("true"));
    child_set_trace(NULL);
    run_one(&child, SHELL("true"));
    ck_assert_int_eq(traced, 2);
    child_clear(&child);
}
END_TEST

/* What was on standard output each time that more had come. */
static void
note_output(const struct child *child, void *data)
{
    g_ptr_array_add(data, g_strdup(child->out->str));
}

START_TEST(output_is_told_of_as_it_comes)
{
    g_autoptr(GPtrArray) seen = g_ptr_array_new_with_free_func(g_free);
    struct child child = {.on_output = note_output, .on_output_data = seen};

    run_one(&child, SHELL("echo err >&2; echo one; echo two"));
    ck_assert_uint_ge(seen->len, 1);
    ck_assert_str_eq(g_ptr_array_index(seen, seen->len - 1), "one\ntwo\n");
    child_clear(&child);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("child");
    TCase *cases = tcase_create("child");

    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, output_error_and_status_are_taken_over);
    tcase_add_loop_test(cases, success_is_status_zero_and_silence, 0, G_N_ELEMENTS(verdicts));
    tcase_add_test(cases, output_is_told_of_as_it_comes);
    tcase_add_test(cases, missing_program_is_told_apart_from_status_127);
    tcase_add_test(cases, both_streams_are_drained_however_much_comes);
    tcase_add_test(cases, child_sees_c_locale_and_empty_stdin);
    tcase_add_test(cases, child_gets_nothing_else_of_the_environment_than_path);
    tcase_add_test(cases, trusted_child_gets_all_of_the_environment_and_no_sandbox);
    tcase_add_test(cases, own_descriptors_are_reached_and_a_name_dies_with_the_child);
    tcase_add_test(cases, only_named_descriptors_are_inherited);
    tcase_add_test(cases, signals_are_as_by_default_in_the_child);
    tcase_add_test(cases, ignored_sigchld_does_not_lose_the_status);
    tcase_add_test(cases, slow_child_is_killed_with_its_group);
    tcase_add_test(cases, closed_output_does_not_hide_a_slow_child);
    tcase_add_test(cases, process_left_behind_does_not_hold_up_the_result);
    tcase_add_test(cases, many_children_run_at_most_jobs_at_a_time);
    tcase_add_test(cases, cancelling_kills_and_reaps_all);
    tcase_add_test(cases, cancelled_before_means_nothing_is_started);
    tcase_add_test(cases, child_dies_with_a_killed_parent);
    tcase_add_test(cases, every_start_is_traced);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
