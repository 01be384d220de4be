/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/run.h"

#include <signal.h>

#include "txn/journal.h"
#include "unit/scratch.h"
#include "unit/unit.h"

static struct txn_options options;

static void
setup(void)
{
    scratch_setup();
    scratch_do("mkdir state; echo old >file; echo image >image");
    options = (struct txn_options){.state_directory = scratch_path("state"),
                                   .jobs = 2,
                                   .notes = g_ptr_array_new_with_free_func(g_free)};
}

static void
teardown(void)
{
    g_ptr_array_unref(options.notes);
    g_free((char *)options.state_directory);
    scratch_teardown();
}

static struct file_identity
identity_of(const char *name)
{
    g_autofree char *path = scratch_path(name);
    struct file_identity identity = {0};
    struct stat st;

    ck_assert_int_eq(lstat(path, &st), 0);
    file_identity_set(&identity, &st);
    return identity;
}

/* A plan of all kinds of steps that need no qemu-img: a directory with a new file in it, a file
 * that is replaced, and an image that gets a second name before another takes its first.
 */
static struct plan *
plan_all(void)
{
    g_autofree char *directory = scratch_path("directory");
    g_autofree char *staged = scratch_path(".new");
    g_autofree char *installed = scratch_path("directory/new");
    g_autofree char *file = scratch_path("file");
    g_autofree char *file_stage = scratch_path(".file");
    g_autofree char *image = scratch_path("image");
    g_autofree char *frozen = scratch_path("frozen");
    g_autofree char *overlay = scratch_path(".overlay");
    g_autofree char *linked = scratch_path(".linked");
    const struct file_identity file_identity = identity_of("file");
    const struct file_identity image_identity = identity_of("image");
    struct plan *plan = plan_new("create", "vm", "s1");

    plan_check_unchanged(plan, file, &file_identity);
    plan_check_lock(plan, image, &image_identity);
    plan_check_absent(plan, frozen);
    plan_add_make_directory(plan, 0, directory);
    plan_add_stage_file(plan, 1, staged, "new\n", NULL);
    plan_add_stage_file(plan, 1, file_stage, "replaced\n", file);
    plan_add_stage_file(plan, 1, overlay, "overlay\n", image);
    plan_add_stage_file(plan, 1, linked, "gone\n", NULL);
    plan_add_link(plan, 2, image, frozen);
    plan_add_replace(plan, 0, overlay, image, &image_identity);
    plan_add_replace(plan, 1, file_stage, file, &file_identity);
    plan_add_install(plan, 2, staged, installed);
    plan_add_unlink(plan, 3, linked);
    return plan;
}

/* Everything in the scratch directory: names and contents. */
static char *
everything(void)
{
    return scratch_run("find . -printf '%p %m\\n' | LC_ALL=C sort; "
                       "find . -type f | LC_ALL=C sort | xargs grep -H ''");
}

static void
assert_done(void)
{
    scratch_do("test \"$(cat directory/new file image frozen)\" = 'new\nreplaced\noverlay\nimage'; "
               "test -z \"$(ls -A state)\"; "
               "test \"$(ls -A | LC_ALL=C sort | tr '\\n' ' ')\" = "
               "'directory file frozen image state '");
}

START_TEST(plan_that_succeeds_is_done_and_leaves_no_journal)
{
    scoped(plan) plan = plan_all();
    g_autoptr(GError) error = NULL;

    unit_assert_ok(txn_run(plan, &options, &error), error);
    assert_done();
    ck_assert_uint_eq(options.notes->len, 0);
}
END_TEST

START_TEST(empty_plan_is_done)
{
    scoped(plan) plan = plan_new("create", "vm", NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *before = everything();
    g_autofree char *after = NULL;

    unit_assert_ok(txn_run(plan, &options, &error), error);
    after = everything();
    ck_assert_str_eq(after, before);
}
END_TEST

START_TEST(checks_alone_change_nothing)
{
    scoped(plan) plan = plan_all();
    g_autoptr(GError) error = NULL;
    g_autofree char *before = everything();
    g_autofree char *after = NULL;

    unit_assert_ok(txn_check(plan, &error), error);
    after = everything();
    ck_assert_str_eq(after, before);
}
END_TEST

/* What stands in the way, and what it makes of the plan. */
static const struct obstacle {
    const char *script;
    enum offshot_error code;
    const char *fragment;
} obstacles[] = {
    {"echo mine >frozen", OFFSHOT_ERROR_REFUSED, "frozen"},
    {"ln -s nowhere frozen", OFFSHOT_ERROR_REFUSED, "frozen"},
    {"echo more >>file", OFFSHOT_ERROR_BUSY, "file"},
    {"touch -d @1 image", OFFSHOT_ERROR_BUSY, "image"},
    {"rm file", OFFSHOT_ERROR_BUSY, "file"},
    {"mv image x; cp -p x image", OFFSHOT_ERROR_BUSY, "image"},
    /* From here on the plan has begun. */
    {"echo mine >directory", OFFSHOT_ERROR_FAILED, "directory"},
    {"ln -s nowhere directory", OFFSHOT_ERROR_FAILED, "directory"},
    {"echo mine >.new", OFFSHOT_ERROR_FAILED, ".new"},
    {"echo mine >.file", OFFSHOT_ERROR_FAILED, ".file"},
    {"echo mine >.overlay", OFFSHOT_ERROR_FAILED, ".overlay"},
    {"echo mine >.linked", OFFSHOT_ERROR_FAILED, ".linked"},
    {"mkdir .linked", OFFSHOT_ERROR_FAILED, ".linked"},
};

START_TEST(plan_that_fails_leaves_everything_as_it_was)
{
    const struct obstacle *obstacle = &obstacles[_i];
    scoped(plan) plan = plan_all();
    g_autoptr(GError) error = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    scratch_do("%s", obstacle->script);
    before = everything();
    ck_assert_msg(!txn_run(plan, &options, &error), "done: %s", obstacle->script);
    after = everything();
    ck_assert_str_eq(after, before);
    unit_assert_error(error, obstacle->code, obstacle->fragment);
}
END_TEST

START_TEST(image_that_became_a_fifo_does_not_block)
{
    scoped(plan) plan = plan_all();
    g_autoptr(GError) error = NULL;

    scratch_do("rm image; mkfifo image");
    ck_assert(!txn_run(plan, &options, &error));
    unit_assert_error(error, OFFSHOT_ERROR_BUSY, "image");
}
END_TEST

/* Programs of overlay steps, the one of which fails. */
static const struct program {
    const char *script;
    enum offshot_error code;
    const char *fragment;
} programs[] = {
    {"exit 1", OFFSHOT_ERROR_FAILED, "exit status 1"},
    {"echo bad luck >&2; exit 3", OFFSHOT_ERROR_FAILED, "bad luck"},
    {"echo a warning >&2", OFFSHOT_ERROR_FAILED, "a warning"},
    {"kill -9 $$", OFFSHOT_ERROR_FAILED, "signal 9"},
    {"echo No space left on device >&2; exit 1", OFFSHOT_ERROR_NO_SPACE, "No space left"},
    {":", OFFSHOT_ERROR_FAILED, ".overlay1"},
    {"kill -TERM $PPID; sleep 20", OFFSHOT_ERROR_FAILED, "signal"},
    {"kill -INT $PPID; sleep 20", OFFSHOT_ERROR_FAILED, "signal"},
};

START_TEST(failing_program_leaves_everything_as_it_was)
{
    const struct program *program = &programs[_i];
    char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)program->script, NULL};
    char *fine[] = {(char *)"/bin/true", NULL};
    const struct step_overlay overlay = {(char *)"qcow2", (char *)"image", (char *)"raw", NULL,
                                         512};
    scoped(plan) plan = plan_all();
    g_autofree char *image = scratch_path("image");
    g_autofree char *before = everything();
    g_autofree char *after = NULL;
    g_autoptr(GError) error = NULL;

    for (unsigned i = 0; i < 4; i++) {
        g_autofree char *name = g_strdup_printf(".overlay%u", i);
        g_autofree char *path = scratch_path(name);

        step_expect_overlay(plan_add_create_overlay(plan, 1, path, i == 1 ? argv : fine, image),
                            &overlay);
    }
    ck_assert_msg(!txn_run(plan, &options, &error), "done: %s", program->script);
    after = everything();
    ck_assert_str_eq(after, before);
    if (strcmp(program->script, ":") == 0) /* then each of them has made nothing */
        unit_assert_error(error, program->code, ".overlay");
    else
        unit_assert_error(error, program->code, program->fragment);
}
END_TEST

START_TEST(missing_program_leaves_everything_as_it_was)
{
    char *argv[] = {(char *)"/nonexistent/program", NULL};
    const struct step_overlay overlay = {(char *)"qcow2", (char *)"image", (char *)"raw", NULL,
                                         512};
    scoped(plan) plan = plan_all();
    g_autofree char *image = scratch_path("image");
    g_autofree char *path = scratch_path(".overlay1");
    g_autofree char *before = everything();
    g_autofree char *after = NULL;
    g_autoptr(GError) error = NULL;

    step_expect_overlay(plan_add_create_overlay(plan, 1, path, argv, image), &overlay);
    ck_assert(!txn_run(plan, &options, &error));
    after = everything();
    ck_assert_str_eq(after, before);
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "/nonexistent/program");
}
END_TEST

START_TEST(unwritable_state_directory_changes_nothing)
{
    scoped(plan) plan = plan_all();
    g_autoptr(GError) error = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    scratch_do("rmdir state");
    before = everything();
    ck_assert(!txn_run(plan, &options, &error));
    after = everything();
    ck_assert_str_eq(after, before);
    ck_assert_ptr_nonnull(error);
}
END_TEST

/* --- recovery --- */

START_TEST(nothing_is_recovered_without_a_journal)
{
    struct txn_recovered recovered = {.what = TXN_UNDONE};
    g_autoptr(GError) error = NULL;

    unit_assert_ok(txn_recover(&options, "vm", false, &recovered, &error), error);
    ck_assert_int_eq(recovered.what, TXN_NOTHING);
    txn_recovered_clear(&recovered);
}
END_TEST

/* Leave the plan where an apply step is in the way of something that is put there. */
static void
leave_half_applied(void)
{
    scoped(plan) plan = plan_all();
    g_autoptr(GError) error = NULL;

    /* The directory in which the new file shall be made is made by the plan, so an obstacle in it
     * is there only when the directory is.
     */
    scratch_do("mkdir directory; echo mine >directory/new");
    ck_assert(!txn_run(plan, &options, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "offshot recover");
    scratch_do("test -e state/journal; test \"$(cat directory/new)\" = mine");
}

START_TEST(plan_that_cannot_be_finished_is_finished_by_recovery)
{
    struct txn_recovered recovered;
    g_autoptr(GError) error = NULL;

    leave_half_applied();
    ck_assert(!txn_recover(&options, "vm", false, &recovered, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "made by somebody else");
    scratch_do("test -e state/journal; rm directory/new");
    unit_assert_ok(txn_recover(&options, "vm", true, &recovered, &error), error);
    ck_assert_int_eq(recovered.what, TXN_FINISHED);
    txn_recovered_clear(&recovered);
    scratch_do("test -e state/journal; test ! -e directory/new");
    unit_assert_ok(txn_recover(&options, "vm", false, &recovered, &error), error);
    ck_assert_int_eq(recovered.what, TXN_FINISHED);
    ck_assert_str_eq(recovered.operation, "create");
    ck_assert_str_eq(recovered.snapshot, "s1");
    txn_recovered_clear(&recovered);
    assert_done();
}
END_TEST

START_TEST(journal_of_another_domain_is_left_alone)
{
    struct txn_recovered recovered;
    g_autoptr(GError) error = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    leave_half_applied();
    before = everything();
    ck_assert(!txn_recover(&options, "other", false, &recovered, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "'vm'");
    after = everything();
    ck_assert_str_eq(after, before);
}
END_TEST

/* How far the preparation had come. */
static const char *const stages[] = {
    "",
    "mkdir directory",
    "mkdir directory; : >.new",
    "mkdir directory; echo new >.new; echo replaced >.file; echo ove >.overlay",
    "mkdir directory; touch .new .file .overlay .linked; ln image frozen",
};

START_TEST(preparation_is_undone_from_every_stage)
{
    scoped(plan) plan = plan_all();
    struct txn_recovered recovered;
    g_autofree char *before = everything();
    g_autofree char *after = NULL;
    g_autoptr(GError) error = NULL;

    unit_assert_ok(journal_save(options.state_directory, plan, PLAN_PREPARE, &error), error);
    scratch_do("%s", stages[_i]);
    unit_assert_ok(txn_recover(&options, "vm", false, &recovered, &error), error);
    ck_assert_int_eq(recovered.what, TXN_UNDONE);
    txn_recovered_clear(&recovered);
    after = everything();
    ck_assert_str_eq(after, before);
}
END_TEST

START_TEST(undoing_leaves_what_is_not_ours)
{
    scoped(plan) plan = plan_all();
    struct txn_recovered recovered;
    g_autoptr(GError) error = NULL;

    unit_assert_ok(journal_save(options.state_directory, plan, PLAN_PREPARE, &error), error);
    scratch_do("mkdir directory; touch .new .file .overlay .linked; echo mine >frozen");
    unit_assert_ok(txn_recover(&options, "vm", false, &recovered, &error), error);
    ck_assert_int_eq(recovered.what, TXN_UNDONE);
    txn_recovered_clear(&recovered);
    scratch_do("test \"$(cat frozen)\" = mine; test ! -e .new; test ! -e .overlay");
    ck_assert_uint_eq(options.notes->len, 1);
    ck_assert(strstr(g_ptr_array_index(options.notes, 0), "frozen") != NULL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("run");
    TCase *cases = tcase_create("run");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, plan_that_succeeds_is_done_and_leaves_no_journal);
    tcase_add_test(cases, empty_plan_is_done);
    tcase_add_test(cases, checks_alone_change_nothing);
    tcase_add_loop_test(cases, plan_that_fails_leaves_everything_as_it_was, 0,
                        G_N_ELEMENTS(obstacles));
    tcase_add_test(cases, image_that_became_a_fifo_does_not_block);
    tcase_add_loop_test(cases, failing_program_leaves_everything_as_it_was, 0,
                        G_N_ELEMENTS(programs));
    tcase_add_test(cases, missing_program_leaves_everything_as_it_was);
    tcase_add_test(cases, unwritable_state_directory_changes_nothing);
    tcase_add_test(cases, nothing_is_recovered_without_a_journal);
    tcase_add_test(cases, plan_that_cannot_be_finished_is_finished_by_recovery);
    tcase_add_test(cases, journal_of_another_domain_is_left_alone);
    tcase_add_loop_test(cases, preparation_is_undone_from_every_stage, 0, G_N_ELEMENTS(stages));
    tcase_add_test(cases, undoing_leaves_what_is_not_ours);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
