/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/run.h"

#include "unit/apply.h"

/* A delete of external snapshots on real images: "top" stands on "mid", whose data goes down into
 * "base"; "up" takes over what "layer" holds, and then stands on "raw". The domain XML follows, and
 * "mid" and "layer" go.
 */

#define CREATE "qemu-img create -q -f qcow2 "

/* The patterns of both disks, from the ground up; each image has 64 KiB of its own and covers some
 * of the one below. */
static void
make_images(void)
{
    scratch_do("io() { qemu-io -f \"$1\" -c \"write -P $3 $4 $5\" \"$2\" >/dev/null; }\n" CREATE
               "base 1M; io qcow2 base 1 0 256k\n" CREATE
               "-b base -F qcow2 mid; io qcow2 mid 2 64k 128k\n" CREATE
               "-b mid -F qcow2 top; io qcow2 top 3 128k 32k\n"
               "truncate -s 1M raw; io raw raw 4 0 256k\n" CREATE
               "-b raw -F raw layer; io qcow2 layer 5 64k 128k\n" CREATE
               "-b layer -F qcow2 up; io qcow2 up 6 128k 32k\n"
               "echo old >vm.xml");
}

/* The guest sees the same through both disks as ever. */
static void
assert_content(void)
{
    scratch_do(HOLDS "for disk in 'top 1 2 3' 'up 4 5 6'; do set -- $disk\n"
                     "holds $1 $2 0 64k; holds $1 $3 64k 64k; holds $1 $4 128k 32k\n"
                     "holds $1 $3 160k 32k; holds $1 $2 192k 64k; holds $1 0 256k 768k\n"
                     "qemu-img check -q -f qcow2 $1; done");
}

#define STANDS_ON                                                                                  \
    "stands_on() { qemu-img info -f qcow2 $1 | grep -q \"^backing file: $2\\( (.*)\\)*\\$\"; }\n"

static void
assert_before(void)
{
    assert_content();
    scratch_do(STANDS_ON "test \"$(cat vm.xml)\" = old; test -e mid; test -e layer\n"
                         "stands_on top mid\n"
                         "stands_on up layer\n"
                         "rm -f calls; test \"$(ls -A | LC_ALL=C sort | tr '\\n' ' ')\" = "
                         "'base bin layer mid raw state top up vm.xml '");
}

static void
assert_after(void)
{
    assert_content();
    scratch_do(STANDS_ON "test \"$(cat vm.xml)\" = new\n"
                         "stands_on top base\n"
                         "stands_on up raw\n"
                         "rm -f calls; test \"$(ls -A | LC_ALL=C sort | tr '\\n' ' ')\" = "
                         "'base bin raw state top up vm.xml '");
}

/* The same when only the disk "up" had a part in it. */
static void
assert_rebased(void)
{
    assert_content();
    scratch_do(STANDS_ON "test \"$(cat vm.xml)\" = new; stands_on top mid; stands_on up raw\n"
                         "rm -f calls; test \"$(ls -A | LC_ALL=C sort | tr '\\n' ' ')\" = "
                         "'base bin mid raw state top up vm.xml '");
}

enum disk { DISK_COMMIT = 1, DISK_REBASE = 2 };

static void
lock_image(struct plan *plan, const char *path)
{
    const struct file_identity identity = identity_of(path);

    plan_check_exclusive(plan, path, &identity);
}

static void
plan_disk(struct plan *plan, enum disk disk)
{
    g_autofree char *upper = scratch_path(disk == DISK_COMMIT ? "top" : "up");
    g_autofree char *middle = scratch_path(disk == DISK_COMMIT ? "mid" : "layer");
    g_autofree char *lower = scratch_path(disk == DISK_COMMIT ? "base" : "raw");
    const struct step_image_spec upper_image = {upper, "qcow2", false};
    const struct step_image_spec middle_image = {middle, "qcow2", false};
    const struct step_link old = {(char *)(disk == DISK_COMMIT ? "mid" : "layer"), (char *)"qcow2"};
    const struct step_link commit_link = {(char *)"base", (char *)"qcow2"};
    const struct step_link rebase_link = {(char *)"raw", (char *)"raw"};

    lock_image(plan, upper);
    lock_image(plan, middle);
    lock_image(plan, lower);
    if (disk == DISK_COMMIT) {
        plan_add_commit(plan, 0, &middle_image, lower, 1);
        plan_add_relink(plan, 1, &upper_image, &commit_link, &old);
    } else {
        plan_add_rebase(plan, 0, &upper_image, &rebase_link, lower, &old);
    }
    plan_add_unlink(plan, 4, middle)->guarded = true;
}

static struct plan *
plan_merge(unsigned disks)
{
    g_autofree char *xml = scratch_path("vm.xml");
    g_autofree char *stage = scratch_path(".vm.xml");
    const struct file_identity identity = identity_of(xml);
    struct plan *plan = plan_new("delete", "vm", "s1");

    plan_check_unchanged(plan, xml, &identity);
    plan_add_stage_file(plan, 1, stage, "new\n", xml);
    if (disks & DISK_REBASE)
        plan_disk(plan, DISK_REBASE);
    if (disks & DISK_COMMIT)
        plan_disk(plan, DISK_COMMIT);
    plan_add_replace(plan, 2, stage, xml, &identity);
    return plan;
}

START_TEST(merge_that_is_left_alone_is_done)
{
    scoped(plan) plan = NULL;
    g_autoptr(GError) error = NULL;

    make_images();
    assert_content();
    plan = plan_merge(DISK_COMMIT | DISK_REBASE);
    options.jobs = 8;
    unit_assert_ok(txn_run(plan, &options, &error), error);
    assert_after();
    ck_assert_uint_eq(options.notes->len, 0);
}
END_TEST

/* Kill offshot at each of its programs: it is recovered to the end, since the plan had been
 * committed.
 */
START_TEST(killed_merge_is_finished)
{
    static const char *const ways[] = {KILL_BEFORE, KILL_AFTER};
    unsigned killed = 0;

    for (unsigned call = 1;; call++) {
        scoped(plan) plan = NULL;
        int status;

        make_images();
        plan = plan_merge(DISK_COMMIT | DISK_REBASE);
        disturb(call, ways[_i]);
        status = run_apart(plan);
        if (!was_disturbed(call)) {
            ck_assert_int_eq(status, 0);
            break;
        }
        ck_assert_int_eq(status, -1);
        ck_assert(!txn_recovery_is_quick(options.state_directory));
        ck_assert_int_eq(recover(), TXN_FINISHED);
        assert_after();
        killed++;
        scratch_do("rm -f base mid top raw layer up vm.xml");
    }
    ck_assert_uint_ge(killed, 4);
}
END_TEST

/* Recoveries are killed as well, again and again. */
START_TEST(killed_recovery_of_a_merge_is_finished)
{
    scoped(plan) plan = NULL;
    unsigned killed = 0;
    pid_t pid;
    int status;

    make_images();
    plan = plan_merge(DISK_COMMIT | DISK_REBASE);
    disturb(1, KILL_AFTER);
    ck_assert_int_eq(run_apart(plan), -1);
    for (unsigned call = 1;; call++) {
        disturb(call, call % 2 ? KILL_AFTER : KILL_BEFORE);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            recover();
            _exit(0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        if (!was_disturbed(call))
            break;
        ck_assert(WIFSIGNALED(status));
        killed++;
    }
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_uint_ge(killed, 3);
    assert_after();
}
END_TEST

/* Each program fails once: either nothing has happened, or a recovery goes on. */
START_TEST(failed_merge_is_undone_or_finished)
{
    static const char *const ways[] = {FAIL_BEFORE, FAIL_AFTER};
    unsigned failed = 0;

    for (unsigned call = 1;; call++) {
        scoped(plan) plan = NULL;
        int status;

        make_images();
        plan = plan_merge(DISK_COMMIT | DISK_REBASE);
        disturb(call, ways[_i]);
        status = run_apart(plan);
        if (!was_disturbed(call)) {
            ck_assert_int_eq(status, 0);
            break;
        }
        if (status == OFFSHOT_ERROR_INTERRUPTED) {
            ck_assert_int_eq(recover(), TXN_FINISHED);
            assert_after();
        } else {
            ck_assert_int_eq(status, OFFSHOT_ERROR_FAILED);
            assert_before();
        }
        failed++;
        scratch_do("rm -f base mid top raw layer up vm.xml");
    }
    ck_assert_uint_ge(failed, 3);
}
END_TEST

START_TEST(failed_or_stopped_rebase_is_abandoned)
{
    static const char *const ways[] = {FAIL_BEFORE, FAIL_AFTER, STOP,
                                       "\"$REAL\" \"$@\"; kill -TERM $PPID; exec sleep 60"};
    scoped(plan) plan = NULL;
    g_autoptr(GError) error = NULL;

    make_images();
    plan = plan_merge(DISK_REBASE);
    disturb(1, ways[_i]);
    ck_assert(!txn_run(plan, &options, &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, _i < 2 ? "no luck" : "signal");
    ck_assert(was_disturbed(1));
    scratch_do("test -z \"$(ls -A state)\"");
    assert_before();
}
END_TEST

START_TEST(rebase_out_of_space_is_abandoned)
{
    scoped(plan) plan = NULL;
    g_autoptr(GError) error = NULL;

    make_images();
    plan = plan_merge(DISK_REBASE);
    disturb(1, "\"$REAL\" \"$@\"; echo 'qemu-img: No space left on device' >&2");
    ck_assert(!txn_run(plan, &options, &error));
    unit_assert_error(error, OFFSHOT_ERROR_NO_SPACE, "No space");
    ck_assert(was_disturbed(1));
    assert_before();
}
END_TEST

START_TEST(stopped_commit_goes_on_with_recovery)
{
    scoped(plan) plan = NULL;
    g_autoptr(GError) error = NULL;

    make_images();
    plan = plan_merge(DISK_COMMIT);
    disturb(1, STOP);
    ck_assert(!txn_run(plan, &options, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "offshot recover");
    ck_assert(was_disturbed(1));
    scratch_do("test -e state/journal; test \"$(cat vm.xml)\" = old");
    ck_assert_int_eq(recover(), TXN_FINISHED);
    assert_content();
    scratch_do("test \"$(cat vm.xml)\" = new; test ! -e mid");
}
END_TEST

/* A recovery never gives an image its old link back: a guest may have run on it. */
START_TEST(rebase_that_cannot_be_resumed_waits_for_the_next_recovery)
{
    unsigned failed = 0;

    for (unsigned call = 1;; call++) {
        scoped(plan) plan = NULL;
        struct txn_recovered recovered = {.what = TXN_NOTHING};
        g_autoptr(GError) error = NULL;

        make_images();
        plan = plan_merge(DISK_REBASE);
        disturb(1, KILL_AFTER);
        ck_assert_int_eq(run_apart(plan), -1);
        disturb(call, FAIL_BEFORE);
        /* What died with the run may hold its locks a moment longer. */
        for (int tries = 0; tries < 500 && !recovered.what; tries++) {
            g_clear_error(&error);
            txn_recover(&options, "vm", false, &recovered, &error);
            if (!g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY))
                break;
            g_usleep(20000);
        }
        if (!was_disturbed(call)) {
            unit_assert_ok(recovered.what == TXN_FINISHED, error);
            txn_recovered_clear(&recovered);
            assert_rebased();
            break;
        }
        if (recovered.what == TXN_NOTHING) {
            ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED));
            failed++;
            g_clear_error(&error);
            disturb(0, FAIL_BEFORE);
            unit_assert_ok(txn_recover(&options, "vm", false, &recovered, &error), error);
        }
        ck_assert_int_eq(recovered.what, TXN_FINISHED);
        assert_rebased();
        txn_recovered_clear(&recovered);
        scratch_do("test -z \"$(ls -A state)\"; rm -f base mid top raw layer up vm.xml");
    }
    ck_assert_uint_ge(failed, 2);
}
END_TEST

START_TEST(stopped_recovery_goes_on_with_the_next)
{
    static const unsigned program = 3; /* behind the old link and the repair */
    scoped(plan) plan = NULL;
    struct txn_recovered recovered = {.what = TXN_NOTHING};
    g_autoptr(GError) error = NULL;

    make_images();
    plan = plan_merge(DISK_REBASE);
    disturb(1, KILL_AFTER);
    ck_assert_int_eq(run_apart(plan), -1);
    disturb(program, STOP);
    for (int tries = 0; tries < 500; tries++) {
        g_clear_error(&error);
        ck_assert(!txn_recover(&options, "vm", false, &recovered, &error));
        if (!g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY))
            break;
        g_usleep(20000);
    }
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "signal");
    ck_assert(was_disturbed(program));
    scratch_do("test -e state/journal");
    ck_assert_int_eq(recover(), TXN_FINISHED);
    assert_rebased();
}
END_TEST

/* A commit cannot be taken back, so it waits for the rebase that can fail. */
START_TEST(failed_rebase_comes_before_any_commit)
{
    scoped(plan) plan = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *before = NULL;
    g_autofree char *after = NULL;

    make_images();
    before = scratch_run("sha256sum base mid top");
    plan = plan_merge(DISK_COMMIT | DISK_REBASE);
    disturb(1, FAIL_AFTER);
    options.jobs = 8;
    ck_assert(!txn_run(plan, &options, &error));
    ck_assert(was_disturbed(1));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "no luck");
    after = scratch_run("sha256sum base mid top");
    ck_assert_str_eq(after, before);
    assert_before();
}
END_TEST

START_TEST(programs_that_cannot_be_started_leave_everything_as_it_was)
{
    scoped(plan) plan = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *nothing = scratch_path("state");

    make_images();
    plan = plan_merge(DISK_COMMIT);
    g_setenv("PATH", nothing, TRUE);
    ck_assert(!txn_run(plan, &options, &error));
    g_setenv("PATH", real_path, TRUE);
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "qemu-img");
    assert_before();
}
END_TEST

static void
note_fraction(double fraction, void *data)
{
    g_array_append_val(data, fraction);
}

START_TEST(progress_of_side_by_side_programs_is_averaged)
{
    scoped(plan) plan = NULL;
    g_autoptr(GArray) fractions = g_array_new(FALSE, FALSE, sizeof(double));
    g_autoptr(GError) error = NULL;

    make_images();
    plan = plan_merge(DISK_COMMIT | DISK_REBASE);
    options.progress = note_fraction;
    options.progress_data = fractions;
    unit_assert_ok(txn_run(plan, &options, &error), error);
    ck_assert_uint_ge(fractions->len, 2);
    for (guint i = 1; i < fractions->len; i++)
        ck_assert(g_array_index(fractions, double, i) > g_array_index(fractions, double, i - 1));
    ck_assert(g_array_index(fractions, double, 0) <= 0.5);
    ck_assert(g_array_index(fractions, double, fractions->len - 1) > 0.99);
    assert_after();
}
END_TEST

/* A guest that wrote to the image that was to go, before the recovery came, loses nothing. */
START_TEST(what_a_guest_wrote_before_the_recovery_goes_down_as_well)
{
    scoped(plan) plan = NULL;

    make_images();
    plan = plan_merge(DISK_COMMIT);
    disturb(1, KILL_AFTER);
    ck_assert_int_eq(run_apart(plan), -1);
    ck_assert(was_disturbed(1));
    scratch_do("qemu-io -f qcow2 -c 'write -P 9 512k 64k' mid >/dev/null");
    ck_assert_int_eq(recover(), TXN_FINISHED);
    scratch_do(HOLDS "holds top 9 512k 64k");
    scratch_do(STANDS_ON "stands_on top base; test -e mid");
    ck_assert_uint_eq(options.notes->len, 1);
    ck_assert(strstr(g_ptr_array_index(options.notes, 0), "mid' was written") != NULL);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("apply-merge");
    TCase *cases = tcase_create("apply-merge");

    if (!scratch_has("qemu-img") || !scratch_has("qemu-io"))
        return 77;
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, apply_setup, apply_teardown);
    tcase_add_test(cases, merge_that_is_left_alone_is_done);
    tcase_add_loop_test(cases, killed_merge_is_finished, 0, 2);
    tcase_add_test(cases, killed_recovery_of_a_merge_is_finished);
    tcase_add_loop_test(cases, failed_merge_is_undone_or_finished, 0, 2);
    tcase_add_loop_test(cases, failed_or_stopped_rebase_is_abandoned, 0, 4);
    tcase_add_test(cases, rebase_out_of_space_is_abandoned);
    tcase_add_test(cases, stopped_commit_goes_on_with_recovery);
    tcase_add_test(cases, rebase_that_cannot_be_resumed_waits_for_the_next_recovery);
    tcase_add_test(cases, stopped_recovery_goes_on_with_the_next);
    tcase_add_test(cases, failed_rebase_comes_before_any_commit);
    tcase_add_test(cases, programs_that_cannot_be_started_leave_everything_as_it_was);
    tcase_add_test(cases, progress_of_side_by_side_programs_is_averaged);
    tcase_add_test(cases, what_a_guest_wrote_before_the_recovery_goes_down_as_well);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
