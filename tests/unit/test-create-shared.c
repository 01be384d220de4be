/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "unit/planner-create.h"

/* What else has to do with the images of a snapshot that is to be taken. */

#define A PLANNER_DISK("vda", "qcow2", "/d/a.qcow2")
#define LISTED(how) "<disk name='vda' snapshot='" how "'/>"

static const struct asked plain = {.name = "s2"};
static const struct asked keep = {.name = "s2", .keep_filename = true};

static void
give_tree(void)
{
    planner_init(&planner, A);
    planner_init_tree(&planner);
    planner_give_images(&planner);
}

static void
assert_planned(const struct asked *asked, const char *fragment)
{
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = plan_asked(asked, &def, &error);

    if (!fragment) {
        unit_assert_ok(plan != NULL, error);
        return;
    }
    ck_assert_msg(plan == NULL, "planned, but should say: %s", fragment);
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, fragment);
}

START_TEST(name_stays_with_an_image_on_which_others_stand)
{
    give_tree();
    planner_depend(&planner, planner_find_image(&planner, "/d/a.qcow2"), "/d/clone");
    if (_i == 0)
        assert_planned(&plain, NULL);
    else
        assert_planned(&keep, "disk 'vda': '/d/clone' stands on '/d/a.qcow2', a name that would "
                              "lead to the new overlay: leave --keep-filename out");
}
END_TEST

static const struct stored {
    const char *how;
    const char *image; /* that a snapshot keeps the disk in; "/d/over" stands on the active one */
    const char *fragment; /* NULL: planned */
} stored[] = {
    {"external", "/d/a.qcow2", "snapshot 's1' is kept on '/d/a.qcow2'"},
    {"external", "/d/over", "'/d/over' stands on '/d/a.qcow2'"},
    {"internal", "/d/over", "'/d/over' stands on '/d/a.qcow2'"},
    {"external", "/d/other", NULL},
    {"internal", "/d/a.qcow2", NULL},
};

START_TEST(name_stays_with_an_image_that_a_snapshot_has_frozen)
{
    const struct stored *case_ = &stored[_i];
    g_autofree char *listed = unit_replace(LISTED("?"), "?", case_->how);
    g_autofree char *held = unit_replace(A, "/d/a.qcow2", case_->image);

    give_tree();
    planner_image(&planner, "/d/over", "qcow2", planner_find_image(&planner, "/d/a.qcow2"));
    planner_image(&planner, "/d/other", "qcow2", NULL);
    planner_store_disks(&planner, "s1", NULL, listed, held);
    planner_freeze_all(&planner);
    assert_planned(&keep, case_->fragment);
}
END_TEST

START_TEST(plan_that_takes_a_name_away_is_watched)
{
    const struct asked *asked = _i == 0 ? &plain : &keep;
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;

    give_tree();
    g_hash_table_add(planner.state.searched, g_strdup("/d"));
    plan = plan_asked(asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    ck_assert(_i == 0 ? plan->directories->len == 0 : plan->directories->len > 0);
    ck_assert_pstr_eq(plan->definition, _i == 0 ? NULL : "/d/vm.xml");
}
END_TEST

START_TEST(overlay_of_the_user_is_for_this_disk_alone)
{
    static const struct asked asked = {.name = "s2",
                                       .reuse_external = true,
                                       .disk_specs = {"vda,file=/d/o"}};
    static const char *const fragments[] = {
        NULL,
        "disk 'vda': '/d/clone' stands on '/d/o', which this domain would write",
        "disk 'vda': '/d/own' stands on '/d/o'",
    };
    struct image *overlay;

    give_tree();
    overlay = planner_image(&planner, "/d/o", "qcow2", planner_find_image(&planner, "/d/a.qcow2"));
    g_hash_table_insert(planner.state.overlays, g_strdup("/d/o"), overlay);
    planner_image(&planner, "/d/own", "qcow2", overlay);
    if (_i == 1)
        planner_depend(&planner, overlay, "/d/clone");
    if (_i == 2)
        planner_store_disks(&planner, "s1", NULL, LISTED("external"),
                            PLANNER_DISK("vda", "qcow2", "/d/own"));
    planner_freeze_all(&planner);
    assert_planned(&asked, fragments[_i]);
}
END_TEST

START_TEST(image_that_another_domain_writes_is_neither_frozen_nor_tagged)
{
    static const struct asked asked[] = {
        {.name = "s2"},
        {.name = "s2", .keep_filename = true},
        {.name = "s2", .internal = true},
        {.name = "s2", .disk_specs = {"vda", "vdb,snapshot=no"}},
    };
    struct state_neighbour writer = {.domain = (char *)"other",
                                     .xml = (char *)"/d/other.xml",
                                     .target = (char *)"sda",
                                     .writes = true};

    planner_init(&planner, A PLANNER_DISK("vdb", "qcow2", "/d/b.qcow2"));
    planner_give_images(&planner);
    planner.state.writers = g_hash_table_new(NULL, NULL);
    g_hash_table_insert(planner.state.writers, planner_find_image(&planner, "/d/b.qcow2"), &writer);
    assert_planned(&asked[_i],
                   _i == 3 ? NULL
                           : "disk 'vdb': '/d/b.qcow2' is disk 'sda' of domain 'other' as well, "
                             "which would write it: make it <readonly/> in '/d/other.xml'");
    g_hash_table_unref(planner.state.writers);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("create-shared");
    TCase *cases = tcase_create("create-shared");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, create_setup, create_teardown);
    tcase_add_loop_test(cases, name_stays_with_an_image_on_which_others_stand, 0, 2);
    tcase_add_loop_test(cases, name_stays_with_an_image_that_a_snapshot_has_frozen, 0,
                        G_N_ELEMENTS(stored));
    tcase_add_loop_test(cases, plan_that_takes_a_name_away_is_watched, 0, 2);
    tcase_add_loop_test(cases, image_that_another_domain_writes_is_neither_frozen_nor_tagged, 0, 4);
    tcase_add_loop_test(cases, overlay_of_the_user_is_for_this_disk_alone, 0, 3);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
