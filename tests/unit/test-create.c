/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "unit/planner-create.h"

static const struct planned {
    const char *disks;
    struct asked asked;
    bool no_store; /* the store's directory is not there */
    const char *steps;
    const char *checks;
} planned[] = {
    {
        TWO,
        {.name = "s1"},
        false,
        "prepare 1 create-overlay /d/.a.s1.offshot-TOKEN like /d/a.qcow2\n"
        "prepare 1 create-overlay /d/.b.s1.offshot-TOKEN like /d/b.raw\n"
        "prepare 1 stage-file /d/.vm.xml.offshot-TOKEN like /d/vm.xml\n"
        "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
        "prepare 2 link /d/a.s1 <- /d/.a.s1.offshot-TOKEN\n"
        "prepare 2 link /d/b.s1 <- /d/.b.s1.offshot-TOKEN\n"
        "apply 2 replace /d/vm.xml <- /d/.vm.xml.offshot-TOKEN\n"
        "apply 3 install /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
        "apply 4 unlink /d/.a.s1.offshot-TOKEN\n"
        "apply 4 unlink /d/.b.s1.offshot-TOKEN\n",
        "lock /d/a.qcow2\nabsent /d/a.s1\nspace /d\nlock /d/b.raw\nabsent /d/b.s1\nspace /d\n"
        "unchanged /d/vm.xml\ninstall /d/vm.snapshots\nabsent /d/vm.snapshots/s1.xml\n",
    },
    {
        PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"),
        {.name = "s1"},
        true,
        "prepare 0 make-directory /d/vm.snapshots\n"
        "prepare 1 create-overlay /d/.a.s1.offshot-TOKEN like /d/a.qcow2\n"
        "prepare 1 stage-file /d/.vm.xml.offshot-TOKEN like /d/vm.xml\n"
        "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
        "prepare 2 link /d/a.s1 <- /d/.a.s1.offshot-TOKEN\n"
        "apply 2 replace /d/vm.xml <- /d/.vm.xml.offshot-TOKEN\n"
        "apply 3 install /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
        "apply 4 unlink /d/.a.s1.offshot-TOKEN\n",
        "lock /d/a.qcow2\nabsent /d/a.s1\nspace /d\nunchanged /d/vm.xml\n",
    },
    {
        PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"),
        {.name = "s1", .no_metadata = true},
        true,
        "prepare 1 create-overlay /d/.a.s1.offshot-TOKEN like /d/a.qcow2\n"
        "prepare 1 stage-file /d/.vm.xml.offshot-TOKEN like /d/vm.xml\n"
        "prepare 2 link /d/a.s1 <- /d/.a.s1.offshot-TOKEN\n"
        "apply 2 replace /d/vm.xml <- /d/.vm.xml.offshot-TOKEN\n"
        "apply 4 unlink /d/.a.s1.offshot-TOKEN\n",
        "lock /d/a.qcow2\nabsent /d/a.s1\nspace /d\nunchanged /d/vm.xml\n",
    },
    {
        TWO,
        {.name = "s1", .disk_specs = {"vdb,snapshot=no", "vda,file=/e/over,,lay"}},
        false,
        "prepare 1 create-overlay /e/.over,lay.offshot-TOKEN like /d/a.qcow2\n"
        "prepare 1 stage-file /d/.vm.xml.offshot-TOKEN like /d/vm.xml\n"
        "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
        "prepare 2 link /e/over,lay <- /e/.over,lay.offshot-TOKEN\n"
        "apply 2 replace /d/vm.xml <- /d/.vm.xml.offshot-TOKEN\n"
        "apply 3 install /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
        "apply 4 unlink /e/.over,lay.offshot-TOKEN\n",
        "lock /d/a.qcow2\nabsent /e/over,lay\nspace /e\nunchanged /d/vm.xml\n"
        "install /d/vm.snapshots\nabsent /d/vm.snapshots/s1.xml\n",
    },
    {
        PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"),
        {.name = "s1", .keep_filename = true},
        false,
        "prepare 1 create-overlay /d/.a.qcow2.offshot-TOKEN like /d/a.qcow2\n"
        "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
        "prepare 2 link /d/a.s1.qcow2 <- /d/a.qcow2\n"
        "apply 0 replace /d/a.qcow2 <- /d/.a.qcow2.offshot-TOKEN\n"
        "apply 3 install /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n",
        "lock /d/a.qcow2\nunchanged /d/a.qcow2\nabsent /d/a.s1.qcow2\nspace /d\n"
        "install /d/vm.snapshots\nabsent /d/vm.snapshots/s1.xml\n",
    },
    {
        PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"),
        {.name = "s1", .disk_specs = {"vda,stype=block,file=/dev/vg/s1"}},
        false,
        "prepare 1 create-overlay /d/.vm.offshot/.s1.offshot-TOKEN like /d/a.qcow2\n"
        "prepare 1 stage-file /d/.vm.xml.offshot-TOKEN like /d/vm.xml\n"
        "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
        "prepare 2 fill-device /dev/vg/s1 <- /d/.vm.offshot/.s1.offshot-TOKEN\n"
        "apply 2 replace /d/vm.xml <- /d/.vm.xml.offshot-TOKEN\n"
        "apply 3 install /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
        "apply 4 unlink /d/.vm.offshot/.s1.offshot-TOKEN\n",
        "lock /d/a.qcow2\nblank /dev/vg/s1\nunchanged /d/vm.xml\n"
        "install /d/vm.snapshots\nabsent /d/vm.snapshots/s1.xml\n",
    },
};

START_TEST(plan_is_exactly_this)
{
    const struct planned *wanted = &planned[_i];
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;

    planner_init(&planner, wanted->disks);
    planner_give_images(&planner);
    if (wanted->no_store)
        planner_drop_store(&planner);
    plan = plan_asked(&wanted->asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    steps = planner_steps(plan);
    checks = planner_checks(plan);
    ck_assert_str_eq(steps, wanted->steps);
    ck_assert_str_eq(checks, wanted->checks);
    ck_assert_str_eq(plan->operation, "create");
    ck_assert_str_eq(plan->domain, "vm");
    ck_assert_str_eq(plan->snapshot, "s1");
    ck_assert_uint_eq(notes->len, 0);
}
END_TEST

/* The argument vector of an overlay, joined by blanks. */
static const struct overlay {
    const char *format;
    const char *file; /* of the overlay, or NULL */
    struct asked asked;
    const char *argv;
} overlays[] = {
    {"qcow2",
     NULL,
     {.name = "s1"},
     "-F qcow2 -b a.img -o cluster_size=65536 -- /d/.a.s1.offshot-TOKEN 1048576"},
    {"raw", NULL, {.name = "s1"}, "-F raw -b a.img -- /d/.a.s1.offshot-TOKEN 1048576"},
    {"qcow2",
     NULL,
     {.name = "s1", .backing_path = BACKING_PATH_ABSOLUTE},
     "-F qcow2 -b /d/a.img -o cluster_size=65536 -- /d/.a.s1.offshot-TOKEN 1048576"},
    {"raw", "/e/f/o", {.name = "s1"}, "-F raw -b /d/a.img -- /e/f/.o.offshot-TOKEN 1048576"},
    {"raw",
     "/e/f/o",
     {.name = "s1", .backing_path = BACKING_PATH_RELATIVE},
     "-F raw -b ../../d/a.img -- /e/f/.o.offshot-TOKEN 1048576"},
    {"qcow2",
     NULL,
     {.name = "s1", .overlay_options = "cluster_size=128k,lazy_refcounts=on"},
     "-F qcow2 -b a.img -o cluster_size=128k,lazy_refcounts=on -- /d/.a.s1.offshot-TOKEN 1048576"},
    {"qcow2",
     NULL,
     {.name = "s1", .keep_filename = true},
     "-F qcow2 -b a.s1.img -o cluster_size=65536 -- /d/.a.img.offshot-TOKEN 1048576"},
};

START_TEST(overlay_is_made_with_exactly_these_words)
{
    const struct overlay *overlay = &overlays[_i];
    struct asked asked = overlay->asked;
    g_autofree char *disk = g_strdup_printf(
        "<disk type='file'><driver type='%s'/><source file='/d/a.img'/><target dev='vda'/></disk>",
        overlay->format);
    g_autofree char *spec = g_strconcat("vda,file=", overlay->file, NULL);
    g_autofree char *joined = NULL;
    g_autofree char *words = NULL;
    g_autofree char *want = g_strconcat("qemu-img create -q -u -f qcow2 ", overlay->argv, NULL);
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    const struct step *step;

    planner_init(&planner, disk);
    planner_give_images(&planner);
    if (overlay->file)
        asked.disk_specs[0] = spec;
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    step = g_ptr_array_index(plan->prepare, 0);
    ck_assert_int_eq(step->kind, STEP_CREATE_OVERLAY);
    joined = g_strjoinv(" ", step->argv);
    words = planner_plain(joined);
    ck_assert_str_eq(words, want);
    ck_assert_str_eq(step->overlay.format, "qcow2");
    ck_assert_str_eq(step->overlay.backing_format, overlay->format);
    ck_assert_uint_eq(step->overlay.size, 1024 * 1024);
}
END_TEST

START_TEST(overlay_inherits_cluster_size_and_subclusters)
{
    static const struct asked asked = {.name = "s1"};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *words = NULL;
    struct image *image;

    planner_init(&planner, PLANNER_DISK("vda", "qcow2", "/d/a.img"));
    planner_give_images(&planner);
    image = g_ptr_array_index(planner.images, 0);
    image->header.cluster_size = 131072;
    image->header.extended_l2 = true;
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    words = g_strjoinv(" ", ((struct step *)g_ptr_array_index(plan->prepare, 0))->argv);
    ck_assert_ptr_nonnull(strstr(words, "-o cluster_size=131072,extended_l2=on "));
}
END_TEST

START_TEST(layers_below_must_not_be_written)
{
    static const struct asked asked = {.name = "s1", .no_metadata = true};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *checks = NULL;
    struct image *base;

    planner_init(&planner, PLANNER_DISK("vda", "qcow2", "/d/top"));
    base = planner_image(&planner, "/d/base", "raw", NULL);
    base = planner_image(&planner, "/d/middle", "qcow2", base);
    planner_disk(&planner, "vda")->image = planner_image(&planner, "/d/top", "qcow2", base);
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    checks = planner_checks(plan);
    ck_assert_str_eq(checks,
                     "lock /d/top\nunwritten /d/middle\nunwritten /d/base\n"
                     "absent /d/top.s1\nspace /d\nunchanged /d/vm.xml\ninstall /d/vm.snapshots\n");
}
END_TEST

START_TEST(snapshot_is_what_libvirt_would_record)
{
    static const struct asked asked = {.name = "s1", .disk_specs = {"vdb,snapshot=no"}};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    const struct snapshot_disk *first;

    planner_init(&planner, TWO);
    planner_give_images(&planner);
    planner_store(&planner, "s0", NULL, "shutoff", true, TWO);
    planner_link(&planner);
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    ck_assert_str_eq(def->state, "shutoff");
    ck_assert_str_eq(def->parent, "s0");
    ck_assert_int_eq(def->creation_time, 1795378938);
    ck_assert_int_eq(def->memory, SNAPSHOT_LOCATION_NO);
    ck_assert(def->active);
    ck_assert_uint_eq(def->disks->len, 2);
    first = snapshot_def_find_disk(def, "vda");
    ck_assert_int_eq(first->snapshot, SNAPSHOT_LOCATION_EXTERNAL);
    ck_assert_str_eq(first->source, "/d/a.s1");
    ck_assert_str_eq(first->format, "qcow2");
    ck_assert_int_eq(snapshot_def_find_disk(def, "vdb")->snapshot, SNAPSHOT_LOCATION_NO);
    ck_assert_str_eq(snapshot_def_frozen_path(def, "vda"), "/d/a.qcow2");
}
END_TEST

START_TEST(current_snapshot_gives_its_place_to_the_new_one)
{
    static const struct asked asked = {.name = "s1"};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    const struct step *step;
    const struct step *stage;

    planner_init(&planner, PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"));
    planner_give_images(&planner);
    planner_store(&planner, "s0", NULL, "shutoff", true, "");
    planner_store(&planner, "older", NULL, "shutoff", false, "");
    planner_link(&planner);
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    step = planner_step(plan, "/d/vm.snapshots/s0.xml");
    ck_assert_int_eq(step->kind, STEP_REPLACE);
    ck_assert_uint_eq(step->old.inode, 300);
    stage = planner_step(plan, step->source);
    ck_assert_ptr_nonnull(strstr(stage->content, "<active>0</active>"));
    stage = planner_step(plan, planner_step(plan, "/d/vm.snapshots/s1.xml")->source);
    ck_assert_ptr_nonnull(strstr(stage->content, "<active>1</active>"));
    /* the domain XML, the two snapshots, the temporary name of the overlay; nothing of "older" */
    ck_assert_uint_eq(plan->apply->len, 4);
}
END_TEST

START_TEST(stored_snapshots_follow_an_image_that_gets_another_name)
{
    const struct asked asked = {.name = "s1", .keep_filename = true, .no_metadata = _i == 1};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    const struct step *step;
    const struct step *stage;

    planner_init(&planner, PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"));
    planner_give_images(&planner);
    planner_store(&planner, "s0", NULL, "shutoff", false,
                  PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"));
    planner_store(&planner, "other", NULL, "shutoff", false,
                  PLANNER_DISK("vda", "qcow2", "/d/a.qcow2.old"));
    planner_link(&planner);
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    step = planner_step(plan, "/d/vm.snapshots/s0.xml");
    stage = planner_step(plan, step->source);
    ck_assert_ptr_nonnull(strstr(stage->content, "<source file='/d/a.s1.qcow2'/>"));
    ck_assert_ptr_null(strstr(stage->content, "'/d/a.qcow2'"));
    ck_assert_uint_eq(plan->apply->len, _i == 1 ? 2 : 3);
}
END_TEST

START_TEST(domain_xml_names_the_overlays)
{
    static const struct asked asked = {.name = "s1"};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    const char *text;

    planner_init(&planner, TWO);
    planner_give_images(&planner);
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    text = planner_step(plan, planner_step(plan, "/d/vm.xml")->source)->content;
    ck_assert_ptr_nonnull(
        strstr(text, "<driver name='qemu' type='qcow2'/><source file='/d/a.s1'/>"));
    ck_assert_ptr_nonnull(
        strstr(text, "<driver name='qemu' type='qcow2'/><source file='/d/b.s1'/>"));
    ck_assert_ptr_null(strstr(text, "/d/b.raw"));
}
END_TEST

START_TEST(default_name_is_the_time)
{
    static const struct asked asked = {0};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;

    g_setenv("TZ", "UTC", TRUE);
    planner_init(&planner, PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"));
    planner_give_images(&planner);
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    ck_assert_str_eq(def->name, "20261122-202218");
    ck_assert_str_eq(def->disks->pdata[0] ? snapshot_def_find_disk(def, "vda")->source : "",
                     "/d/a.20261122-202218");
}
END_TEST

START_TEST(raw_disk_that_looks_like_another_format_is_noted)
{
    static const struct asked asked = {.name = "s1"};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;

    planner_init(&planner, PLANNER_DISK("vda", "raw", "/d/a.raw"));
    planner_give_images(&planner);
    ((struct image *)g_ptr_array_index(planner.images, 0))->looks_like = "qcow2";
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    ck_assert_uint_eq(notes->len, 1);
    ck_assert_ptr_nonnull(strstr(g_ptr_array_index(notes, 0), "taken as raw"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("create");
    TCase *cases = tcase_create("create");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, create_setup, create_teardown);
    tcase_add_loop_test(cases, plan_is_exactly_this, 0, G_N_ELEMENTS(planned));
    tcase_add_loop_test(cases, overlay_is_made_with_exactly_these_words, 0, G_N_ELEMENTS(overlays));
    tcase_add_test(cases, overlay_inherits_cluster_size_and_subclusters);
    tcase_add_test(cases, layers_below_must_not_be_written);
    tcase_add_test(cases, snapshot_is_what_libvirt_would_record);
    tcase_add_test(cases, current_snapshot_gives_its_place_to_the_new_one);
    tcase_add_loop_test(cases, stored_snapshots_follow_an_image_that_gets_another_name, 0, 2);
    tcase_add_test(cases, domain_xml_names_the_overlays);
    tcase_add_test(cases, default_name_is_the_time);
    tcase_add_test(cases, raw_disk_that_looks_like_another_format_is_noted);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
