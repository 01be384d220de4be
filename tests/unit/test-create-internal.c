/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

/* before what has a variable of its parameters' name */
#include "unit/planner-tree.h"

#include "unit/planner-create.h"

#define BOTH PLANNER_DISK("vda", "qcow2", "/d/a") PLANNER_DISK("vdb", "qcow2", "/d/b")

static void
setup(void)
{
    create_setup();
    planner_init(&planner, BOTH);
    planner_init_tree(&planner);
    planner_give_images(&planner);
}

static void
teardown(void)
{
    planner_clear_tree(&planner);
    create_teardown();
}

static void
assert_refused(const struct asked *asked, const char *fragment)
{
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = plan_asked(asked, &def, &error);

    ck_assert_msg(plan == NULL, "not refused: %s", fragment);
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, fragment);
}

static const struct planned {
    struct asked asked;
    const char *steps;
    const char *checks;
} planned[] = {
    {{.name = "s1", .internal = true},
     "prepare 1 take-tag /d/a\nprepare 1 take-tag /d/b\n"
     "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
     "apply 3 install /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n",
     "exclusive /d/a\nspace /d\nexclusive /d/b\nspace /d\ninstall /d/vm.snapshots\n"
     "absent /d/vm.snapshots/s1.xml\n"},
    {{.name = "s1", .internal = true, .disk_specs = {"vdb,snapshot=no"}},
     "prepare 1 take-tag /d/a\n"
     "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
     "apply 3 install /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n",
     "exclusive /d/a\nspace /d\ninstall /d/vm.snapshots\nabsent /d/vm.snapshots/s1.xml\n"},
    {{.name = "s1", .internal = true, .no_metadata = true},
     "prepare 1 take-tag /d/a\nprepare 1 take-tag /d/b\n",
     "exclusive /d/a\nspace /d\nexclusive /d/b\nspace /d\ninstall /d/vm.snapshots\n"},
    {{.name = "s1", .internal = true, .disk_specs = {"vdb,snapshot=external"}},
     "prepare 1 take-tag /d/a\n"
     "prepare 1 create-overlay /d/.b.s1.offshot-TOKEN like /d/b\n"
     "prepare 1 stage-file /d/.vm.xml.offshot-TOKEN like /d/vm.xml\n"
     "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
     "prepare 2 link /d/b.s1 <- /d/.b.s1.offshot-TOKEN\n"
     "apply 2 replace /d/vm.xml <- /d/.vm.xml.offshot-TOKEN\n"
     "apply 3 install /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
     "apply 4 unlink /d/.b.s1.offshot-TOKEN\n",
     "exclusive /d/a\nspace /d\nlock /d/b\nabsent /d/b.s1\nspace /d\nunchanged /d/vm.xml\n"
     "install /d/vm.snapshots\nabsent /d/vm.snapshots/s1.xml\n"},
};

START_TEST(plan_is_exactly_this)
{
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = plan_asked(&planned[_i].asked, &def, &error);
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;

    unit_assert_ok(plan != NULL, error);
    steps = planner_steps(plan);
    checks = planner_checks(plan);
    ck_assert_str_eq(steps, planned[_i].steps);
    ck_assert_str_eq(checks, planned[_i].checks);
    ck_assert_str_eq(((struct step *)g_ptr_array_index(plan->prepare, 0))->tag, "s1");
}
END_TEST

START_TEST(tag_of_that_name_in_any_image_is_refused)
{
    static const struct asked asked = {.name = "s1", .internal = true};

    planner_tag(&planner, (struct image *)planner_disk(&planner, "vdb")->image, "1", "s1");
    assert_refused(&asked, "disk 'vdb': image '/d/b' has an internal snapshot 's1' already");
}
END_TEST

START_TEST(names_are_compared_byte_for_byte)
{
    static const struct asked asked = {.name = "S1", .internal = true};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;

    planner_tag(&planner, (struct image *)planner_disk(&planner, "vdb")->image, "1", "s1");
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
}
END_TEST

START_TEST(name_that_is_the_number_of_a_tag_is_refused)
{
    static const struct asked asked = {.name = "x7", .internal = true};

    planner_tag(&planner, (struct image *)planner_disk(&planner, "vda")->image, "x7", "other");
    assert_refused(&asked, "disk 'vda': image '/d/a' has an internal snapshot 'x7' already");
}
END_TEST

START_TEST(name_of_digits_is_refused)
{
    static const struct asked asked = {.name = "1795378938", .internal = true};

    assert_refused(&asked, "must not be all digits");
}
END_TEST

START_TEST(format_without_internal_snapshots_is_refused)
{
    static const struct asked asked = {.name = "s1", .internal = true};

    ((struct image *)planner_disk(&planner, "vdb")->image)->format = image_format_find_qemu("qed");
    assert_refused(&asked, "disk 'vdb' is qed, which cannot hold an internal snapshot: use "
                           "--disk-only");
}
END_TEST

START_TEST(image_of_two_disks_is_refused)
{
    static const struct asked asked = {.name = "s1", .internal = true};

    planner_disk(&planner, "vdb")->image = planner_disk(&planner, "vda")->image;
    assert_refused(&asked, "have the same image '/d/a'");
}
END_TEST

START_TEST(snapshot_holds_the_disks_where_they_are)
{
    static const struct asked asked = {.name = "s1", .internal = true};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = plan_asked(&asked, &def, &error);

    unit_assert_ok(plan != NULL, error);
    ck_assert_str_eq(snapshot_def_frozen_path(def, "vda"), "/d/a");
    ck_assert_int_eq(snapshot_def_find_disk(def, "vda")->snapshot, SNAPSHOT_LOCATION_INTERNAL);
    ck_assert_ptr_null(snapshot_def_find_disk(def, "vda")->source);
    ck_assert_int_eq(def->memory, SNAPSHOT_LOCATION_NO);
    ck_assert_str_eq(def->state, "shutoff");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("create-internal");
    TCase *tests = tcase_create("create-internal");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, plan_is_exactly_this, 0, G_N_ELEMENTS(planned));
    tcase_add_test(tests, tag_of_that_name_in_any_image_is_refused);
    tcase_add_test(tests, names_are_compared_byte_for_byte);
    tcase_add_test(tests, name_that_is_the_number_of_a_tag_is_refused);
    tcase_add_test(tests, name_of_digits_is_refused);
    tcase_add_test(tests, format_without_internal_snapshots_is_refused);
    tcase_add_test(tests, image_of_two_disks_is_refused);
    tcase_add_test(tests, snapshot_holds_the_disks_where_they_are);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
