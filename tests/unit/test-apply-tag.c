/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/run.h"

#include "image/lock.h"
#include "txn/step-image.h"
#include "unit/apply.h"

/* A revert to internal snapshots on two real images: both go back to the tag "s1" or none does. */

static const char *const images[] = {"a", "b"};

static void
make_images(void)
{
    scratch_do("rm -f a b; for image in a b; do qemu-img create -q -f qcow2 $image 1M\n"
               "qemu-io -f qcow2 -c 'write -P 1 0 256k' $image >/dev/null\n"
               "qemu-img snapshot -c s1 $image\n"
               "qemu-io -f qcow2 -c 'write -P 2 64k 256k' $image >/dev/null; done\n"
               "echo old >vm.xml");
}

/* Both images are sound, hold the tag s1 and no other, and are in STATE. */
static void
assert_state(const char *xml, unsigned last, const char *what)
{
    scratch_do(HOLDS
               "for image in a b; do qemu-img check -q -f qcow2 $image\n"
               "test \"$(qemu-img snapshot -l $image | awk 'NR > 2 { print $2 }')\" = s1\n"
               "holds $image 1 0 64k; holds $image %u 64k 192k; holds $image %u 256k 64k; done\n"
               "test \"$(cat vm.xml)\" = %s # %s",
               last, last == 1 ? 0 : 2, xml, what);
    scratch_do("rm -f calls; test \"$(ls -A | LC_ALL=C sort | tr '\\n' ' ')\" = "
               "'a b bin state vm.xml '");
}

static void
assert_before(void)
{
    assert_state("old", 2, "before");
}

static void
assert_after(void)
{
    assert_state("new", 1, "after");
}

static struct plan *
plan_revert(void)
{
    g_autofree char *xml = scratch_path("vm.xml");
    g_autofree char *stage = scratch_path(".vm.xml");
    const struct file_identity identity = identity_of(xml);
    struct plan *plan = plan_new("revert", "vm", "s1");

    plan_check_unchanged(plan, xml, &identity);
    plan_add_stage_file(plan, 1, stage, "new\n", xml);
    for (size_t i = 0; i < G_N_ELEMENTS(images); i++) {
        g_autofree char *path = scratch_path(images[i]);
        const struct file_identity image_identity = identity_of(path);
        const struct step_image_spec image = {path, "qcow2", false};

        plan_check_exclusive(plan, path, &image_identity);
        plan_add_take_tag(plan, 1, &image, "offshot-undo-x");
        plan_add_apply_tag(plan, 3, &image, "s1", "offshot-undo-x");
        plan_add_delete_tag(plan, 4, &image, "offshot-undo-x");
    }
    plan_add_replace(plan, 2, stage, xml, &identity);
    return plan;
}

START_TEST(revert_that_is_left_alone_is_done)
{
    scoped(plan) plan = NULL;
    g_autoptr(GError) error = NULL;

    make_images();
    plan = plan_revert();
    options.jobs = 8;
    unit_assert_ok(txn_run(plan, &options, &error), error);
    assert_after();
}
END_TEST

START_TEST(killed_revert_is_undone_or_finished)
{
    static const char *const ways[] = {KILL_BEFORE, KILL_AFTER};
    unsigned undone = 0;
    unsigned finished = 0;

    for (unsigned call = 1;; call++) {
        scoped(plan) plan = NULL;
        int status;

        make_images();
        plan = plan_revert();
        disturb(call, ways[_i]);
        status = run_apart(plan);
        if (!was_disturbed(call)) {
            ck_assert_int_eq(status, 0);
            break;
        }
        ck_assert_int_eq(status, -1);
        if (recover() == TXN_UNDONE) {
            assert_before();
            undone++;
        } else {
            assert_after();
            finished++;
        }
        ck_assert_uint_eq(options.notes->len, 0);
    }
    ck_assert_uint_eq(undone, 4);
    ck_assert_uint_eq(finished, 2);
}
END_TEST

/* How many programs the preparation runs, and the whole plan. */
#define PREPARING 4
#define ALL 6

/* Run the plan disturbed at CALL. Returns how it ended. */
static int
run_disturbed(unsigned call, const char *how)
{
    scoped(plan) plan = NULL;
    int status;

    make_images();
    plan = plan_revert();
    disturb(call, how);
    status = run_apart(plan);
    ck_assert(was_disturbed(call));
    return status;
}

START_TEST(failed_or_stopped_preparation_is_undone)
{
    static const char *const ways[] = {FAIL_BEFORE, FAIL_AFTER, STOP};

    for (unsigned call = 1; call <= PREPARING; call++) {
        ck_assert_int_eq(run_disturbed(call, ways[_i]), OFFSHOT_ERROR_FAILED);
        scratch_do("test -z \"$(ls -A state)\"");
        assert_before();
    }
}
END_TEST

/* An undo tag that cannot be deleted is left to a recovery, unless it is gone all the same. Signals
 * come too late then.
 */
START_TEST(undo_tag_goes_in_the_end)
{
    static const struct {
        const char *how;
        bool done;
    } ways[] = {{FAIL_BEFORE, false},
                {FAIL_AFTER, true},
                {"kill -TERM $PPID; exec \"$REAL\" \"$@\"", true}};

    for (unsigned call = PREPARING + 1; call <= ALL; call++) {
        int status = run_disturbed(call, ways[_i].how);

        ck_assert_int_eq(status, ways[_i].done ? 0 : OFFSHOT_ERROR_INTERRUPTED);
        if (!ways[_i].done)
            ck_assert_int_eq(recover(), TXN_FINISHED);
        assert_after();
    }
}
END_TEST

/* What a guest wrote into an image that was not reverted yet stays where it is. */
START_TEST(image_that_was_not_switched_yet_keeps_what_a_guest_wrote)
{
    scoped(plan) plan = NULL;

    make_images();
    plan = plan_revert();
    disturb(2, KILL_AFTER);
    ck_assert_int_eq(run_apart(plan), -1);
    ck_assert(was_disturbed(2));
    /* whoever wants to use it all the same */
    scratch_do("mv .b.offshot-* b; qemu-img check -q -r all b 2>/dev/null; "
               "qemu-io -f qcow2 -c 'write -P 9 512k 64k' b >/dev/null");
    ck_assert_int_eq(recover(), TXN_UNDONE);
    scratch_do(HOLDS "holds b 9 512k 64k");
    assert_before();
    ck_assert_uint_eq(options.notes->len, 0);
}
END_TEST

/* An image that is in use is not repaired under its user. */
START_TEST(recovery_waits_for_the_images_to_be_unused)
{
    scoped(plan) plan = NULL;
    struct txn_recovered recovered;
    const char *path;
    g_autoptr(GError) error = NULL;

    make_images();
    plan = plan_revert();
    disturb(1, KILL_AFTER);
    ck_assert_int_eq(run_apart(plan), -1);
    ck_assert(was_disturbed(1));
    path = step_image_path(g_ptr_array_index(plan->prepare, 1));
    ck_assert_str_ne(path, ((struct step *)g_ptr_array_index(plan->prepare, 1))->path);
    {
        scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC);

        for (int tries = 0; tries < 500 && !image_lock_take(fd, path, false, NULL); tries++)
            g_usleep(20000);
        ck_assert(!txn_recover(&options, "vm", false, &recovered, &error));
        unit_assert_error(error, OFFSHOT_ERROR_BUSY, "image");
        scratch_do("test -e state/journal");
    }
    ck_assert_int_eq(recover(), TXN_UNDONE);
    assert_before();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("apply-tag");
    TCase *cases = tcase_create("apply-tag");

    if (!scratch_has("qemu-img") || !scratch_has("qemu-io"))
        return 77;
    tcase_set_timeout(cases, 300);
    tcase_add_checked_fixture(cases, apply_setup, apply_teardown);
    tcase_add_test(cases, revert_that_is_left_alone_is_done);
    tcase_add_loop_test(cases, killed_revert_is_undone_or_finished, 0, 2);
    tcase_add_loop_test(cases, failed_or_stopped_preparation_is_undone, 0, 3);
    tcase_add_loop_test(cases, undo_tag_goes_in_the_end, 0, 3);
    tcase_add_test(cases, image_that_was_not_switched_yet_keeps_what_a_guest_wrote);
    tcase_add_test(cases, recovery_waits_for_the_images_to_be_unused);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
