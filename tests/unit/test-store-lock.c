/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/lock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "unit/scratch.h"
#include "unit/unit.h"

static char *directory;

static void
setup(void)
{
    scratch_setup();
    directory = scratch_path("state");
}

static void
teardown(void)
{
    g_clear_pointer(&directory, g_free);
    scratch_teardown();
}

START_TEST(lock_makes_its_directory_and_removes_it)
{
    g_autoptr(GError) error = NULL;
    mode_t mask = umask(0);
    struct store_lock *lock = store_lock_take(directory, 0, &error);

    umask(mask);
    unit_assert_ok(lock != NULL, error);
    scratch_do("test $(stat -c %%a state) = 700; test $(stat -c %%a state/lock) = 600");
    store_lock_free(lock);
    scratch_do("test -z \"$(ls -A)\"");
    store_lock_free(NULL);
}
END_TEST

START_TEST(lock_makes_parents_as_well)
{
    g_autofree char *deep = scratch_path("a/b/c");
    g_autoptr(GError) error = NULL;
    struct store_lock *lock = store_lock_take(deep, 0, &error);

    unit_assert_ok(lock != NULL, error);
    store_lock_free(lock);
    scratch_do("test ! -e a/b/c");
}
END_TEST

START_TEST(directory_with_something_in_it_stays)
{
    struct store_lock *lock = store_lock_take(directory, 0, NULL);
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_nonnull(lock);
    scratch_do("touch state/journal");
    store_lock_free(lock);
    scratch_do("test -e state/journal");
    lock = store_lock_take(directory, 0, &error);
    unit_assert_ok(lock != NULL, error);
    scratch_do("rm state/journal");
    store_lock_free(lock);
    scratch_do("test ! -e state");
}
END_TEST

START_TEST(second_holder_is_refused)
{
    scoped(store_lock) lock = store_lock_take(directory, 0, NULL);
    g_autoptr(GError) error = NULL;
    gint64 before = g_get_monotonic_time();

    ck_assert_ptr_nonnull(lock);
    ck_assert_ptr_null(store_lock_take(directory, 0, &error));
    unit_assert_error(error, OFFSHOT_ERROR_BUSY, directory);
    ck_assert_ptr_null(store_lock_take(directory, 1, &error));
    unit_assert_error(error, OFFSHOT_ERROR_BUSY, directory);
    ck_assert_int_ge(g_get_monotonic_time() - before, G_USEC_PER_SEC);
    scratch_do("test -e state/lock");
}
END_TEST

START_TEST(lock_ends_with_its_process)
{
    pid_t child = fork();
    int status;
    g_autoptr(GError) error = NULL;
    struct store_lock *lock;

    if (child == 0) {
        if (!store_lock_take(directory, 0, NULL))
            _exit(1);
        kill(getpid(), SIGKILL);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    scratch_do("test -e state/lock");
    lock = store_lock_take(directory, 0, &error);
    unit_assert_ok(lock != NULL, error);
    store_lock_free(lock);
    scratch_do("test ! -e state");
}
END_TEST

START_TEST(waiter_gets_the_lock_though_its_directory_was_removed)
{
    struct store_lock *lock = store_lock_take(directory, 0, NULL);
    pid_t child = fork();
    int status;

    ck_assert_ptr_nonnull(lock);
    if (child == 0) {
        struct store_lock *mine = store_lock_take(directory, 20, NULL);

        store_lock_free(mine);
        _exit(mine ? 0 : 1);
    }
    g_usleep(100000);
    store_lock_free(lock);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    scratch_do("test ! -e state");
}
END_TEST

#define PROCESSES 8
#define TURNS 60

/* Make a file that nobody else may see, and remove it. */
static bool
work_alone(const char *path)
{
    for (int i = 0; i < TURNS; i++) {
        scoped(store_lock) lock = store_lock_take(directory, 60, NULL);
        int fd = lock ? open(path, O_CREAT | O_EXCL | O_WRONLY, 0600) : -1;

        if (fd < 0)
            return false;
        if (i % 3 == 0)
            g_usleep(500);
        close(fd);
        if (unlink(path) < 0)
            return false;
    }
    return true;
}

START_TEST(many_processes_never_hold_it_together)
{
    g_autofree char *path = scratch_path("alone");
    pid_t children[PROCESSES];

    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            bool fine = work_alone(path);

            g_clear_pointer(&path, g_free); /* valgrind looks at children as well */
            _exit(fine ? 0 : 1);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;

        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "process %d: %d", i, status);
    }
    scratch_do("test -z \"$(ls -A)\"");
}
END_TEST

static const struct unsafe {
    const char *script;
    enum offshot_error code;
} unsafe[] = {
    {"mkdir state; chmod 777 state", OFFSHOT_ERROR_REFUSED},
    {"mkdir state; chmod 770 state", OFFSHOT_ERROR_REFUSED},
    {"mkdir target; chmod 700 target; ln -s target state", OFFSHOT_ERROR_REFUSED},
    {"touch state", OFFSHOT_ERROR_REFUSED},
    {"mkdir state; chmod 700 state; ln -s ../target state/lock", OFFSHOT_ERROR_FAILED},
    {"mkdir -m 700 state state/lock", OFFSHOT_ERROR_FAILED},
};

START_TEST(directory_that_others_could_change_is_refused)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    scratch_do("%s", unsafe[_i].script);
    before = scratch_run("ls -lAR");
    ck_assert_msg(!store_lock_take(directory, 0, &error), "%s", unsafe[_i].script);
    unit_assert_error(error, unsafe[_i].code, "state");
    after = scratch_run("ls -lAR");
    ck_assert_str_eq(after, before);
}
END_TEST

START_TEST(directory_of_another_user_is_refused)
{
    g_autoptr(GError) error = NULL;

    if (geteuid() != 0)
        return; /* only root can make one */
    scratch_do("mkdir -m 700 state; chown 12345 state");
    ck_assert_ptr_null(store_lock_take(directory, 0, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "state");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("store-lock");
    TCase *cases = tcase_create("store-lock");

    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, lock_makes_its_directory_and_removes_it);
    tcase_add_test(cases, lock_makes_parents_as_well);
    tcase_add_test(cases, directory_with_something_in_it_stays);
    tcase_add_test(cases, second_holder_is_refused);
    tcase_add_test(cases, lock_ends_with_its_process);
    tcase_add_test(cases, waiter_gets_the_lock_though_its_directory_was_removed);
    tcase_add_test(cases, many_processes_never_hold_it_together);
    tcase_add_loop_test(cases, directory_that_others_could_change_is_refused, 0,
                        G_N_ELEMENTS(unsafe));
    tcase_add_test(cases, directory_of_another_user_is_refused);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
