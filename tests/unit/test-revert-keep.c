/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "unit/revert-case.h"

/* Reverts in trees taken with --keep-filename. */

#define KEPT                                                                                       \
    "vda=a.img", "a.s1.img a.s2.img<a.s1.img a.img<a.s2.img",                                      \
        "s1:vda=a.s1.img>a.s2.img s2^s1*:vda=a.s2.img>a.img"

static void
make_kept(void)
{
    forest_init(&forest, KEPT);
    revert_keep_names("s1");
    revert_keep_names("s2");
}

START_TEST(overlay_takes_the_active_name_whatever_it_stood_on)
{
    scoped(plan) plan = NULL;

    make_kept();
    plan = reverted("s1", NULL);
    ck_assert_int_eq(planner_step(plan, "/d/a.img")->kind, STEP_REPLACE);
    ck_assert(planner_step(plan, "/d/a.img")->discards);
    ck_assert(!touches(plan, "/d/vm.xml"));
    ck_assert_uint_eq(forest.notes->len, 0);
}
END_TEST

START_TEST(tree_keeps_names_when_its_current_snapshot_does)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, KEPT);
    revert_keep_names("s2");
    plan = reverted("s1", NULL);
    ck_assert_int_eq(planner_step(plan, "/d/a.img")->kind, STEP_REPLACE);
}
END_TEST

START_TEST(active_image_that_no_snapshot_names_is_known_by_its_base)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.img", "a.s1.img a.s2.img<a.s1.img a.img<a.s2.img",
                "s1:vda=a.s1.img>a.s1 s2^s1*:vda=a.s2.img>a.s2");
    revert_keep_names("s1");
    plan = reverted("s1", NULL);
    ck_assert_int_eq(planner_step(plan, "/d/a.img")->kind, STEP_REPLACE);
}
END_TEST

START_TEST(overlay_that_somebody_made_is_not_given_up)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=mine.img", "a.s1.img x<a.s1.img mine.img<x",
                "s1*:vda=a.s1.img>a.img");
    revert_keep_names("s1");
    plan = reverted("s1", NULL);
    ck_assert(!touches(plan, "/d/mine.img"));
    forest_assert_note(&forest, "'/d/mine.img', which disk 'vda' had, is kept: no snapshot made");
}
END_TEST

static const struct renamed {
    const char *frozen;
    const char *snapshot;
    const char *overlay;
} renamed[] = {
    {"a.s1.img", "s1", "a.1795378938"},
    {"a.v1.0.img", "v1.0", "a.1795378938"},
    {"a.tar.s1.gz", "s1", "a.tar.1795378938"},
    {"a.s1", "s1", "a.1795378938"},
    {"a.v1.0", "v1.0", "a.1795378938"},
    {".a.s1", "s1", ".1795378938"},
    /* it has got another name since */
    {"a.s2.img", "s1", "a.s2.1795378938"},
    {"s1.img", "s1", "s1.1795378938"},
    {".s1", "s1", ".1795378938"},
};

START_TEST(new_name_is_made_of_the_one_before_the_snapshot)
{
    const struct renamed *wanted = &renamed[_i];
    g_autofree char *images = g_strdup_printf("%s x<%s mine<x", wanted->frozen, wanted->frozen);
    g_autofree char *snapshots =
        g_strdup_printf("%s*:vda=%s>a.img", wanted->snapshot, wanted->frozen);
    g_autofree char *path = g_strconcat("/d/", wanted->overlay, NULL);
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=mine", images, snapshots);
    revert_keep_names(wanted->snapshot);
    plan = reverted(wanted->snapshot, NULL);
    ck_assert_int_eq(planner_step(plan, path)->kind, STEP_LINK);
}
END_TEST

START_TEST(save_as_names_the_active_image_as_create_would)
{
    scoped(plan) plan = NULL;
    const char *saved;
    const char *child;
    const struct step *link;

    make_kept();
    plan = reverted("s1", "s3");
    link = planner_step(plan, "/d/a.s3.img");
    ck_assert_int_eq(link->kind, STEP_LINK);
    ck_assert_str_eq(link->source, "/d/a.img");
    ck_assert_int_eq(planner_step(plan, "/d/a.img")->kind, STEP_REPLACE);
    ck_assert(!planner_step(plan, "/d/a.img")->discards);
    ck_assert(!touches(plan, "/d/vm.xml"));
    saved = staged(plan, "/d/vm.snapshots/s3.xml");
    ck_assert_ptr_nonnull(strstr(saved, "<source file='/d/a.s3.img'/>"));
    ck_assert_ptr_nonnull(strstr(saved, "keep-filename"));
    /* the overlay of s2 is called otherwise */
    child = staged(plan, "/d/vm.snapshots/s2.xml");
    ck_assert_ptr_nonnull(strstr(child, "<source file='/d/a.s3.img'/>"));
    ck_assert_ptr_null(strstr(child, "'/d/a.img'"));
    ck_assert_uint_eq(report.discarded, 0);
}
END_TEST

START_TEST(snapshots_follow_the_saved_image_however_they_spell_it)
{
    scoped(plan) plan = NULL;
    struct snapshot_disk *disk;
    struct snapshot_def *def;
    g_autofree char *text = NULL;

    make_kept();
    def = revert_find("s2");
    disk = g_ptr_array_index(def->disks, 0);
    text = unit_replace(def->document, "'/d/a.img'", "'/d/../d/a.img'");
    g_free(def->document);
    def->document = g_steal_pointer(&text);
    g_free(disk->source);
    disk->source = g_strdup("/d/../d/a.img");
    g_hash_table_insert(forest.planner.state.aliases, g_strdup("/d/../d/a.img"),
                        forest_image(&forest, "a.img")->path);
    plan = reverted("s1", "s3");
    ck_assert_ptr_nonnull(
        strstr(staged(plan, "/d/vm.snapshots/s2.xml"), "<source file='/d/a.s3.img'/>"));
}
END_TEST

START_TEST(store_that_is_not_in_order_could_not_follow)
{
    scoped(plan) plan = NULL;

    make_kept();
    g_ptr_array_add(forest.planner.state.snapshots->problems, g_strdup("x.xml: damaged"));
    assert_refused("s1", "s3", OFFSHOT_ERROR_REFUSED, "x.xml: damaged");
    plan = reverted("s1", NULL);
    ck_assert(!touches(plan, "/d/a.img"));
}
END_TEST

START_TEST(saved_name_that_no_file_can_have_is_refused)
{
    g_autofree char *name = g_strnfill(250, 'n');

    make_kept();
    assert_refused("s1", name, OFFSHOT_ERROR_REFUSED, "longer than 255 bytes");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("revert-keep");
    TCase *tests = tcase_create("revert-keep");

    tcase_add_checked_fixture(tests, NULL, revert_teardown);
    tcase_add_test(tests, overlay_takes_the_active_name_whatever_it_stood_on);
    tcase_add_test(tests, tree_keeps_names_when_its_current_snapshot_does);
    tcase_add_test(tests, active_image_that_no_snapshot_names_is_known_by_its_base);
    tcase_add_test(tests, overlay_that_somebody_made_is_not_given_up);
    tcase_add_loop_test(tests, new_name_is_made_of_the_one_before_the_snapshot, 0,
                        G_N_ELEMENTS(renamed));
    tcase_add_test(tests, save_as_names_the_active_image_as_create_would);
    tcase_add_test(tests, snapshots_follow_the_saved_image_however_they_spell_it);
    tcase_add_test(tests, store_that_is_not_in_order_could_not_follow);
    tcase_add_test(tests, saved_name_that_no_file_can_have_is_refused);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
