/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit/child-run.h"
#include "unit/unit.h"
#include "util/child.h"

/* What a child may use up, and what is said when that is not enough. */

START_TEST(time_memory_and_files_are_limited)
{
    struct child child = {.limits = {.cpu_seconds = 5, .memory = 512 * 1024 * 1024, .files = 17}};

    run_one(&child, SHELL("ulimit -t; ulimit -d; ulimit -n; ulimit -c"));
    ck_assert_str_eq(child.out->str, "5\n524288\n17\n0\n");
    child_clear(&child);
}
END_TEST

START_TEST(inherited_descriptors_do_not_count)
{
    struct child child = {.limits = {.files = 10}};
    g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));

    for (int i = 0; i < 20; i++) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        g_array_append_val(fds, fd);
    }
    child_set_inherited(fds);
    run_one(&child, SHELL("ulimit -n; exec 9</dev/null && echo fine"));
    child_set_inherited(NULL);
    ck_assert_str_eq(child.out->str, "30\nfine\n");
    child_clear(&child);
}
END_TEST

START_TEST(limits_of_our_own_are_not_exceeded)
{
    /* far above what a build with sanitizers maps */
    const struct rlimit data = {UINT64_C(1) << 46, UINT64_C(1) << 47};
    const struct rlimit files = {100, 200};
    const struct rlimit stack = {UINT64_C(1) << 20, RLIM_INFINITY};
    struct child child = {.limits = {.memory = UINT64_C(1) << 50, .files = 150}};

    /* tests run in processes of their own */
    ck_assert_int_eq(setrlimit(RLIMIT_DATA, &data), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_STACK, &stack), 0);
    run_one(&child, SHELL("ulimit -Sd; ulimit -Hd; ulimit -Sn; ulimit -Hn; ulimit -Ss"));
    ck_assert_str_eq(child.out->str, "68719476736\n137438953472\n100\n150\n1024\n");
    child_clear(&child);
}
END_TEST

/* Each thread of a child takes as much memory for its stack as one may use at most. */
START_TEST(large_stacks_are_not_handed_down)
{
    const struct rlimit stack = {UINT64_C(1) << 30, RLIM_INFINITY};
    struct child child = {.limits = {.memory = UINT64_C(1) << 32}};

    ck_assert_int_eq(setrlimit(RLIMIT_STACK, &stack), 0);
    run_one(&child, SHELL("ulimit -Ss"));
    ck_assert_str_eq(child.out->str, "8192\n");
    child_clear(&child);
}
END_TEST

static const struct excess {
    struct child_limits limits;
    const char *script;
    const char *message;
} excesses[] = {
    {{.memory = 64 * 1024 * 1024},
     "dd if=/dev/zero of=/dev/null bs=512M count=1",
     "'sh' failed with exit status 1, at its limit of 64 MiB of memory: dd: "},
    {{.memory = 64 * 1024 * 1024},
     "echo 'qemu-img: Could not open: Could not allocate L2 table cache' >&2; exit 1",
     "'sh' failed with exit status 1, at its limit of 64 MiB of memory: qemu-img: Could not open"},
    {{.memory = 64 * 1024 * 1024},
     "echo '(null): failed to allocate 1 bytes' >&2; kill -TRAP $$",
     "'sh' was killed by signal 5 (Trace/breakpoint trap), at its limit of 64 MiB of memory: "},
    {{.files = 20},
     "i=0; while [ $i -lt 30 ]; do eval \"exec {fd}</dev/null\" || exit 1; i=$((i + 1)); done",
     "'bash' failed with exit status 1, at its limit of 20 open files: "},
    {{.cpu_seconds = 1},
     "while :; do :; done",
     "'sh' was killed by signal 24 (CPU time limit exceeded), at its limit of 1 s of processor "
     "time"},
    {{.memory = UINT64_C(1) << 32, .files = 100, .cpu_seconds = 100, .writes_nothing = true},
     "echo other >&2; exit 1",
     "'sh' failed with exit status 1: other"},
};

START_TEST(child_that_runs_away_is_stopped_and_the_message_says_so)
{
    const struct excess *excess = &excesses[_i];
    char *argv[] = {(char *)(strstr(excess->message, "bash") ? "bash" : "sh"), (char *)"-c",
                    (char *)excess->script, NULL};
    struct child child = {.limits = excess->limits};
    g_autoptr(GError) error = NULL;

    run_one(&child, argv);
    ck_assert(!child_check(&child, &error));
    ck_assert_msg(g_str_has_prefix(error->message, excess->message), "%s", error->message);
    child_clear(&child);
}
END_TEST

START_TEST(a_child_that_only_reads_cannot_make_a_file_grow)
{
    struct child child = {.limits = {.writes_nothing = true}};
    g_autofree char *directory = g_dir_make_tmp("offshot-child-XXXXXX", NULL);
    g_autofree char *script =
        g_strdup_printf("cd %s; echo out; (echo x >file); wc -c <file; rm file; echo x >file",
                        directory);
    g_autofree char *file = g_build_filename(directory, "file", NULL);
    g_autoptr(GError) error = NULL;

    run_one(&child, SHELL(script));
    ck_assert_str_eq(child.out->str, "out\n0\n");
    ck_assert(!child_check(&child, &error));
    ck_assert_msg(g_str_has_prefix(error->message,
                                   "'sh' was killed by signal 25 (File size limit exceeded), "
                                   "since it may write to no file"),
                  "%s", error->message);
    ck_assert_int_eq(unlink(file), 0);
    ck_assert_int_eq(rmdir(directory), 0);
    child_clear(&child);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("child-limits");
    TCase *cases = tcase_create("child-limits");

    tcase_set_timeout(cases, 30);
    tcase_add_test(cases, time_memory_and_files_are_limited);
    tcase_add_test(cases, inherited_descriptors_do_not_count);
    tcase_add_test(cases, limits_of_our_own_are_not_exceeded);
    tcase_add_test(cases, large_stacks_are_not_handed_down);
    tcase_add_loop_test(cases, child_that_runs_away_is_stopped_and_the_message_says_so, 0,
                        G_N_ELEMENTS(excesses));
    tcase_add_test(cases, a_child_that_only_reads_cannot_make_a_file_grow);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
