/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "unit/revert-case.h"

/* Reverts to internal snapshots, alone and together with external ones. */

/* vda=a, and what holds its snapshot s1 inside. */
static struct image *
make_internal(const char *disks, const char *images, const char *snapshots)
{
    struct image *image;

    forest_init(&forest, disks, images, snapshots);
    image = forest_image(&forest, "a");
    planner_tag(&forest.planner, image, "1", "s1");
    return image;
}

#define ONE "vda=a", "a", "s1*:vda=a!"

START_TEST(undo_tag_is_taken_before_and_removed_behind)
{
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;
    const struct step *apply;

    make_internal(ONE);
    plan = reverted("s1", NULL);
    steps = planner_steps(plan);
    checks = planner_checks(plan);
    ck_assert_str_eq(checks, "exclusive /d/a\nspace /d\ninstall /d/vm.snapshots\n");
    ck_assert_str_eq(steps, "prepare 1 take-tag /d/a\nprepare 3 apply-tag /d/a\n"
                            "apply 4 delete-tag /d/a\n");
    apply = g_ptr_array_index(plan->prepare, 1);
    ck_assert_str_eq(apply->tag, "s1");
    ck_assert_str_eq(apply->undo, "offshot-undo-TOKEN");
    ck_assert_str_eq(((struct step *)g_ptr_array_index(plan->prepare, 0))->tag, apply->undo);
    ck_assert_str_eq(((struct step *)g_ptr_array_index(plan->apply, 0))->tag, apply->undo);
}
END_TEST

START_TEST(all_undo_tags_are_there_before_the_first_image_goes_back)
{
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;

    make_internal("vda=a vdb=b", "a b", "s1*:vda=a!,vdb=b!");
    planner_tag(&forest.planner, forest_image(&forest, "b"), "1", "s1");
    plan = reverted("s1", NULL);
    steps = planner_steps(plan);
    ck_assert_str_eq(steps, "prepare 1 take-tag /d/a\nprepare 1 take-tag /d/b\n"
                            "prepare 3 apply-tag /d/a\nprepare 3 apply-tag /d/b\n"
                            "apply 4 delete-tag /d/a\napply 4 delete-tag /d/b\n");
}
END_TEST

START_TEST(saved_state_serves_as_undo_and_stays)
{
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;
    const struct step *apply;
    const char *saved;

    make_internal(ONE);
    plan = reverted("s1", "s2");
    steps = planner_steps(plan);
    ck_assert_ptr_nonnull(strstr(steps, "take-tag /d/a\n"));
    ck_assert_ptr_null(strstr(steps, "delete-tag"));
    apply = g_ptr_array_index(plan->prepare, plan->prepare->len - 1);
    ck_assert_int_eq(apply->kind, STEP_APPLY_TAG);
    ck_assert_str_eq(apply->undo, "s2");
    saved = staged(plan, "/d/vm.snapshots/s2.xml");
    ck_assert_ptr_nonnull(strstr(saved, "<disk name='vda' snapshot='internal'/>"));
    ck_assert_ptr_nonnull(strstr(saved, "<name>s1</name>"));
    ck_assert_ptr_nonnull(strstr(saved, "<active>0</active>"));
}
END_TEST

START_TEST(tag_must_be_there_once_in_every_image)
{
    make_internal("vda=a vdb=b", "a b", "s1*:vda=a!,vdb=b!");
    assert_refused("s1", NULL, OFFSHOT_ERROR_INCONSISTENT,
                   "disk 'vdb': image '/d/b' has no internal snapshot 's1'");
    planner_tag(&forest.planner, forest_image(&forest, "b"), "1", "s1");
    planner_tag(&forest.planner, forest_image(&forest, "b"), "2", "s1");
    assert_refused("s1", NULL, OFFSHOT_ERROR_INCONSISTENT, "more than one internal snapshot 's1'");
}
END_TEST

START_TEST(tag_with_memory_is_refused)
{
    forest_init(&forest, ONE);
    planner_tag(&forest.planner, forest_image(&forest, "a"), "1", "s1")->vm_state_size = 1;
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "`virsh snapshot-revert`");
}
END_TEST

START_TEST(dirty_bitmaps_are_refused)
{
    make_internal(ONE)->header.bitmaps = 1;
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "`qemu-img bitmap --remove`");
}
END_TEST

static const struct numbered {
    const char *name;
    const char *ids[2];
    const char *other; /* name of the second tag */
    bool fine;
} numbered[] = {
    {"1795378938", {"1", "2"}, "x", true},
    {"2", {"1", "3"}, "x", true},
    {"2", {"2", "3"}, "x", true},
    /* -a 1 means it and no other */
    {"2", {"1", "2"}, "x", true},
    {"2", {"1", "2"}, "1", false},
};

START_TEST(digits_name_a_tag_unless_they_name_another)
{
    const struct numbered *wanted = &numbered[_i];
    g_autofree char *snapshots = g_strdup_printf("%s*:vda=a!", wanted->name);
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a", "a", snapshots);
    planner_tag(&forest.planner, forest_image(&forest, "a"), wanted->ids[0], wanted->name);
    planner_tag(&forest.planner, forest_image(&forest, "a"), wanted->ids[1], wanted->other);
    if (wanted->fine)
        plan = reverted(wanted->name, NULL);
    else
        assert_refused(wanted->name, NULL, OFFSHOT_ERROR_REFUSED, "would take '2' for the number");
}
END_TEST

START_TEST(image_that_others_stand_on_does_not_go_back)
{
    struct image *image = make_internal("vda=a vdb=x", "a kid<a x<kid", "s1*:vda=a!");

    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "'/d/kid' stands on image '/d/a'");
    planner_depend(&forest.planner, image, "/d/clone");
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "'/d/clone' stands on image '/d/a'");
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "`offshot extract /d/vm.xml s1 -o DIR`");
}
END_TEST

START_TEST(image_that_an_external_snapshot_froze_does_not_go_back)
{
    make_internal("vda=a.s2", "a a.s2<a", "s1:vda=a! s2^s1*:vda=a>a.s2");
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "also holds the state of snapshot 's2'");
}
END_TEST

START_TEST(image_goes_back_from_under_an_overlay_that_goes)
{
    scoped(plan) plan = NULL;

    make_internal("vda=a.old", "a a.old<a b", "s1:vda=a! s2^s1:vdb=b>a.old");
    plan = reverted("s1", NULL);
    ck_assert_int_eq(planner_step(plan, "/d/a.old")->kind, STEP_UNLINK);
    ck_assert_ptr_nonnull(strstr(staged(plan, "/d/vm.xml"), "'/d/a'"));
    ck_assert_uint_eq(report.discarded, FOREST_BYTES);
}
END_TEST

START_TEST(overlay_that_is_saved_stands_in_the_way)
{
    make_internal("vda=a.old", "a a.old<a b", "s1:vda=a! s2^s1:vdb=b>a.old");
    assert_refused("s1", "s3", OFFSHOT_ERROR_REFUSED, "'/d/a.old' stands on image '/d/a'");
}
END_TEST

START_TEST(image_of_two_disks_does_not_go_back)
{
    make_internal("vda=a vdb=b", "a b", "s1*:vda=a!");
    planner_disk(&forest.planner, "vdb")->image = forest_image(&forest, "a");
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "disk 'vdb' of the domain has the same");
}
END_TEST

START_TEST(domain_names_the_image_that_went_back)
{
    scoped(plan) plan = NULL;

    /* an earlier revert has left it */
    make_internal("vda=other", "a other", "s1*:vda=a!");
    forest_add_layer(&forest, "a");
    plan = reverted("s1", NULL);
    ck_assert_ptr_nonnull(strstr(staged(plan, "/d/vm.xml"), "<source file='/d/a'/>"));
    ck_assert(!touches(plan, "/d/other"));
    forest_assert_note(&forest, "image '/d/other', which disk 'vda' had, is kept");
}
END_TEST

START_TEST(mixed_snapshot_goes_back_on_all_disks)
{
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;

    make_internal("vda=a vdb=b.s1", "a b b.s1<b", "s1*:vda=a!,vdb=b>b.s1");
    plan = reverted("s1", NULL);
    steps = planner_steps(plan);
    ck_assert_str_eq(steps, "prepare 1 take-tag /d/a\n"
                            "prepare 1 create-overlay /d/.b.s1.offshot-TOKEN like /d/b.s1\n"
                            "prepare 2 link /d/.b.s1.offshot-TOKEN <- /d/b.s1\n"
                            "prepare 3 apply-tag /d/a\n"
                            "apply 0 replace /d/b.s1 <- /d/.b.s1.offshot-TOKEN\n"
                            "apply 4 delete-tag /d/a\n"
                            "apply 4 unlink /d/.b.s1.offshot-TOKEN\n");
}
END_TEST

START_TEST(saved_snapshot_of_mixed_disks_is_mixed)
{
    scoped(plan) plan = NULL;
    const char *saved;

    make_internal("vda=a vdb=b.s1", "a b b.s1<b", "s1*:vda=a!,vdb=b>b.s1");
    plan = reverted("s1", "s2");
    saved = staged(plan, "/d/vm.snapshots/s2.xml");
    ck_assert_ptr_nonnull(strstr(saved, "name='vda' snapshot='internal'"));
    ck_assert_ptr_nonnull(strstr(saved, "name='vdb' snapshot='external'"));
    ck_assert(!touches(plan, "/d/b.s1"));
    ck_assert(touches(plan, "/d/b.1795378938"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("revert-internal");
    TCase *tests = tcase_create("revert-internal");

    tcase_add_checked_fixture(tests, NULL, revert_teardown);
    tcase_add_test(tests, undo_tag_is_taken_before_and_removed_behind);
    tcase_add_test(tests, all_undo_tags_are_there_before_the_first_image_goes_back);
    tcase_add_test(tests, saved_state_serves_as_undo_and_stays);
    tcase_add_test(tests, tag_must_be_there_once_in_every_image);
    tcase_add_test(tests, tag_with_memory_is_refused);
    tcase_add_test(tests, dirty_bitmaps_are_refused);
    tcase_add_loop_test(tests, digits_name_a_tag_unless_they_name_another, 0,
                        G_N_ELEMENTS(numbered));
    tcase_add_test(tests, image_that_others_stand_on_does_not_go_back);
    tcase_add_test(tests, image_that_an_external_snapshot_froze_does_not_go_back);
    tcase_add_test(tests, image_goes_back_from_under_an_overlay_that_goes);
    tcase_add_test(tests, overlay_that_is_saved_stands_in_the_way);
    tcase_add_test(tests, image_of_two_disks_does_not_go_back);
    tcase_add_test(tests, domain_names_the_image_that_went_back);
    tcase_add_test(tests, mixed_snapshot_goes_back_on_all_disks);
    tcase_add_test(tests, saved_snapshot_of_mixed_disks_is_mixed);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
