/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/redefine.h"

#include "unit/planner.h"

#define DISK PLANNER_DISK("vda", "qcow2", "/d/a.qcow2")
#define OTHER_UUID "00000000-0000-4000-8000-000000000000"

static struct planner planner;

/* The document that is given back. */
struct given {
    const char *name;
    const char *state;
    const char *parent; /* or NULL */
    const char *uuid;   /* NULL: no <domain> */
    bool current;
};

/* A domain whose snapshots are s1 - s2 (current) and, beside them, live (running). */
static void
setup(void)
{
    planner_init(&planner, DISK);
    planner_store(&planner, "s1", NULL, "shutoff", false, DISK);
    planner_store(&planner, "s2", "s1", "shutoff", true, DISK);
    planner_store(&planner, "live", NULL, "running", false, DISK);
    planner_store(&planner, "disks", NULL, "disk-snapshot", false, DISK);
    planner_link(&planner);
}

static void
teardown(void)
{
    planner_clear(&planner);
}

/* The definition GIVEN stands for, as a stored one is parsed: its <domain> may be missing. */
static struct snapshot_def *
def_of(const struct given *given)
{
    g_autofree char *parent =
        given->parent ? g_strdup_printf("<parent><name>%s</name></parent>", given->parent)
                      : g_strdup("");
    g_autofree char *domain =
        given->uuid
            ? g_strdup_printf("<domain type='qemu'><name>vm</name><uuid>%s</uuid><devices>" DISK
                              "</devices></domain>",
                              given->uuid)
            : g_strdup("");
    g_autofree char *text = g_strdup_printf(
        "<domainsnapshot><name>%s</name><description>new</description><state>%s</state>%s"
        "<creationTime>5</creationTime><disks><disk name='vda' snapshot='external' type='file'>"
        "<driver type='qcow2'/><source file='/d/a.new'/></disk></disks>%s<active>0</active>"
        "</domainsnapshot>",
        given->name, given->state, parent, domain);
    g_autoptr(GError) error = NULL;
    struct snapshot_def *def =
        snapshot_def_parse(text, strlen(text), "given", SNAPSHOT_DEF_STORED, &error);

    unit_assert_ok(def != NULL, error);
    return def;
}

static const struct planned {
    struct given given;
    const char *steps;
    const char *checks;
    bool active;
} planned[] = {
    {{"s3", "shutoff", "s2", PLANNER_UUID, false},
     "prepare 1 stage-file /d/.vm.snapshots.s3.xml.offshot-TOKEN\n"
     "apply 3 install /d/vm.snapshots/s3.xml <- /d/.vm.snapshots.s3.xml.offshot-TOKEN\n",
     "install /d/vm.snapshots\nabsent /d/vm.snapshots/s3.xml\n",
     false},
    {{"s3", "shutoff", "s2", PLANNER_UUID, true},
     "prepare 1 stage-file /d/.vm.snapshots.s2.xml.offshot-TOKEN\n"
     "prepare 1 stage-file /d/.vm.snapshots.s3.xml.offshot-TOKEN\n"
     "apply 3 replace /d/vm.snapshots/s2.xml <- /d/.vm.snapshots.s2.xml.offshot-TOKEN\n"
     "apply 3 install /d/vm.snapshots/s3.xml <- /d/.vm.snapshots.s3.xml.offshot-TOKEN\n",
     "install /d/vm.snapshots\nunchanged /d/vm.snapshots/s2.xml\nabsent /d/vm.snapshots/s3.xml\n",
     true},
    {{"s1", "shutoff", NULL, PLANNER_UUID, false},
     "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
     "apply 3 replace /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n",
     "install /d/vm.snapshots\nunchanged /d/vm.snapshots/s1.xml\n",
     false},
    /* the current one stays current, and its <domain> is kept */
    {{"s2", "shutoff", "s1", NULL, false},
     "prepare 1 stage-file /d/.vm.snapshots.s2.xml.offshot-TOKEN\n"
     "apply 3 replace /d/vm.snapshots/s2.xml <- /d/.vm.snapshots.s2.xml.offshot-TOKEN\n",
     "install /d/vm.snapshots\nunchanged /d/vm.snapshots/s2.xml\n",
     true},
    /* no longer a child */
    {{"s2", "shutoff", NULL, PLANNER_UUID, false},
     "prepare 1 stage-file /d/.vm.snapshots.s2.xml.offshot-TOKEN\n"
     "apply 3 replace /d/vm.snapshots/s2.xml <- /d/.vm.snapshots.s2.xml.offshot-TOKEN\n",
     "install /d/vm.snapshots\nunchanged /d/vm.snapshots/s2.xml\n",
     true},
    /* another online state */
    {{"live", "paused", NULL, PLANNER_UUID, false},
     "prepare 1 stage-file /d/.vm.snapshots.live.xml.offshot-TOKEN\n"
     "apply 3 replace /d/vm.snapshots/live.xml <- /d/.vm.snapshots.live.xml.offshot-TOKEN\n",
     "install /d/vm.snapshots\nunchanged /d/vm.snapshots/live.xml\n",
     false},
};

START_TEST(plan_is_exactly_this)
{
    const struct planned *wanted = &planned[_i];
    scoped(snapshot_def) def = def_of(&wanted->given);
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = redefine_plan(&planner.state, def, wanted->given.current, &error);
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;
    g_autofree char *path = g_strdup_printf("/d/vm.snapshots/%s.xml", wanted->given.name);
    const char *content;

    unit_assert_ok(plan != NULL, error);
    steps = planner_steps(plan);
    checks = planner_checks(plan);
    ck_assert_str_eq(steps, wanted->steps);
    ck_assert_str_eq(checks, wanted->checks);
    ck_assert_str_eq(plan->operation, "redefine");
    content = planner_step(plan, planner_step(plan, path)->source)->content;
    ck_assert_ptr_nonnull(strstr(content, "<description>new</description>"));
    ck_assert_ptr_nonnull(strstr(content, "<source file='/d/a.new'/>"));
    ck_assert_ptr_nonnull(strstr(content, "<name>vm</name>"));
    ck_assert_ptr_nonnull(
        strstr(content, wanted->active ? "<active>1</active>" : "<active>0</active>"));
}
END_TEST

/* Give the <domain> of DEF a record of INODE (0: none), and another image. */
static void
set_record(struct snapshot_def *def, int inode, const char *path)
{
    g_autofree char *facts =
        g_strdup_printf("<metadata><o:snapshot xmlns:o='urn:offshot:snapshot:1'><o:frozen "
                        "disk='vda' inode='%d' size='2' mtime='3'/></o:snapshot></metadata>"
                        "</domain>",
                        inode);
    g_autofree char *element = domain_def_element(def->domain);
    g_autofree char *moved = unit_replace(element, "/d/a.qcow2", path);
    g_autofree char *text = unit_replace(moved, "</domain>", inode ? facts : "</domain>");

    domain_def_free(def->domain);
    def->domain = domain_def_parse(text, strlen(text), "set", NULL);
    ck_assert_ptr_nonnull(def->domain);
}

/* The inode that the stored snapshot has on record, and the document, of which image; 0: none. */
static const struct {
    int old;
    int given;
    const char *path;
    bool kept;
} recorded[] = {
    {12, 12, "/d/a.qcow2", true}, {12, 13, "/d/a.qcow2", false}, {12, 12, "/d/moved", false},
    {0, 12, "/d/a.qcow2", false}, {12, 0, "/d/a.qcow2", false},  {0, 0, "/d/a.qcow2", false},
};

START_TEST(what_is_on_record_of_an_image_is_not_true_of_another)
{
    const struct given given = {"disks", "disk-snapshot", NULL, PLANNER_UUID, false};
    scoped(snapshot_def) def = def_of(&given);
    struct snapshot_def *old =
        (struct snapshot_def *)snapshot_tree_find(planner.state.snapshots->tree, given.name);
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = NULL;
    const char *content;

    g_ptr_array_add(old->disks, snapshot_disk_copy(g_ptr_array_index(def->disks, 0)));
    set_record(old, recorded[_i].old, "/d/a.qcow2");
    set_record(def, recorded[_i].given, recorded[_i].path);
    plan = redefine_plan(&planner.state, def, false, &error);
    unit_assert_ok(plan != NULL, error);
    content = planner_step(plan, planner_step(plan, "/d/vm.snapshots/disks.xml")->source)->content;
    ck_assert((strstr(content, "inode=") != NULL) == recorded[_i].kept);
    ck_assert_ptr_nonnull(strstr(content, recorded[_i].path));
}
END_TEST

START_TEST(store_is_made_for_the_first_snapshot)
{
    static const struct given given = {"s1", "shutoff", NULL, PLANNER_UUID, false};
    scoped(snapshot_def) def = def_of(&given);
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;

    planner_clear(&planner);
    planner_init(&planner, DISK);
    planner_drop_store(&planner);
    plan = redefine_plan(&planner.state, def, false, &error);
    unit_assert_ok(plan != NULL, error);
    steps = planner_steps(plan);
    ck_assert(g_str_has_prefix(steps, "prepare 0 make-directory /d/vm.snapshots\n"));
}
END_TEST

static const struct refused {
    struct given given;
    enum offshot_error code;
    const char *fragment;
} refused[] = {
    {{"-a", "shutoff", NULL, PLANNER_UUID, false}, OFFSHOT_ERROR_USAGE, "-a"},
    {{"s3", "shutoff", "gone", PLANNER_UUID, false}, OFFSHOT_ERROR_NOT_FOUND, "gone"},
    {{"s3", "shutoff", "s3", PLANNER_UUID, false}, OFFSHOT_ERROR_REFUSED, "s3"},
    {{"s1", "shutoff", "s2", PLANNER_UUID, false}, OFFSHOT_ERROR_REFUSED, "s1"},
    {{"s3", "shutoff", NULL, OTHER_UUID, false}, OFFSHOT_ERROR_REFUSED, OTHER_UUID},
    {{"s1", "running", NULL, PLANNER_UUID, false},
     OFFSHOT_ERROR_REFUSED,
     "is offline and cannot be redefined as online"},
    {{"s1", "disk-snapshot", NULL, PLANNER_UUID, false},
     OFFSHOT_ERROR_REFUSED,
     "is offline and cannot be redefined as disk-only"},
    {{"live", "shutoff", NULL, PLANNER_UUID, false},
     OFFSHOT_ERROR_REFUSED,
     "is online and cannot be redefined as offline"},
    {{"disks", "running", NULL, PLANNER_UUID, false},
     OFFSHOT_ERROR_REFUSED,
     "is disk-only and cannot be redefined as online"},
};

START_TEST(document_is_refused_with_its_code)
{
    const struct refused *wanted = &refused[_i];
    scoped(snapshot_def) def = def_of(&wanted->given);
    g_autoptr(GError) error = NULL;

    ck_assert_msg(!redefine_plan(&planner.state, def, wanted->given.current, &error),
                  "planned, but should say: %s", wanted->fragment);
    unit_assert_error(error, wanted->code, wanted->fragment);
}
END_TEST

START_TEST(disk_that_the_domain_does_not_have_is_refused)
{
    static const struct given given = {"s3", "shutoff", NULL, PLANNER_UUID, false};
    scoped(snapshot_def) def = def_of(&given);
    g_autoptr(GError) error = NULL;

    g_ptr_array_add(def->disks, snapshot_disk_new("vdz"));
    ck_assert_ptr_null(redefine_plan(&planner.state, def, false, &error));
    unit_assert_error(error, OFFSHOT_ERROR_NOT_FOUND, "vdz");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("redefine");
    TCase *cases = tcase_create("redefine");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, plan_is_exactly_this, 0, G_N_ELEMENTS(planned));
    tcase_add_loop_test(cases, what_is_on_record_of_an_image_is_not_true_of_another, 0,
                        G_N_ELEMENTS(recorded));
    tcase_add_test(cases, store_is_made_for_the_first_snapshot);
    tcase_add_loop_test(cases, document_is_refused_with_its_code, 0, G_N_ELEMENTS(refused));
    tcase_add_test(cases, disk_that_the_domain_does_not_have_is_refused);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
