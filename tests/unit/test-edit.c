/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/edit.h"

#include "unit/forest.h"

/* Edits of snapshots: s1 - s2 - s3 (current), of vda; side, a branch on s1; in, inside of a.s1. */

#define DISKS "vda=a.s3"
#define IMAGES "a a.s1<a a.s2<a.s1 a.s3<a.s2 a.x<a.s1"
#define SNAPSHOTS                                                                                  \
    "s1:vda=a>a.s1 s2^s1:vda=a.s1>a.s2 s3^s2*:vda=a.s2>a.s3 side^s1:vda=a.x>a.y in^s1:vda=a.s1!"

#define PARENT(name) "<parent><name>" name "</name></parent>"
#define STAGE(name) "prepare 1 stage-file /d/.vm.snapshots." name ".xml.offshot-TOKEN\n"
#define FROM(name) "/d/vm.snapshots/" name ".xml <- /d/.vm.snapshots." name ".xml.offshot-TOKEN\n"
#define REPLACE(name) "apply 3 replace " FROM(name)
#define INSTALL(name) "apply 3 install " FROM(name)

static struct forest forest;

static void
setup(void)
{
    forest_init(&forest, DISKS, IMAGES, SNAPSHOTS);
}

static void
teardown(void)
{
    forest_clear(&forest);
}

/* One edit: FROM becomes TO, and then, where they are said, FROM2 TO2. */
struct edited {
    const char *target;
    const char *options; /* 'r' rename, 'c' clone, '*' current */
    const char *from;    /* NULL: nothing is edited */
    const char *to;
    const char *from2;
    const char *to2;
};

static struct edit_request
request_of(const struct edited *edited)
{
    return (struct edit_request){
        .target = snapshot_tree_find(forest.planner.state.snapshots->tree, edited->target),
        .rename = strchr(edited->options, 'r') != NULL,
        .clone = strchr(edited->options, 'c') != NULL,
        .current = strchr(edited->options, '*') != NULL,
    };
}

/* What the user made of the target. */
static struct snapshot_def *
def_of(const struct edited *edited, const struct edit_request *request)
{
    g_autofree char *shown = snapshot_def_dump(request->target);
    g_autofree char *once = edited->from ? unit_replace(shown, edited->from, edited->to) : NULL;
    g_autofree char *twice = edited->from2 ? unit_replace(once, edited->from2, edited->to2) : NULL;
    const char *text = twice ? twice : once;
    g_autoptr(GError) error = NULL;
    struct snapshot_def *def;

    if (!text)
        return snapshot_def_copy(request->target);
    def = snapshot_def_parse(text, strlen(text), "edited", SNAPSHOT_DEF_REDEFINE, &error);
    unit_assert_ok(def != NULL, error);
    return def;
}

static const struct planned {
    struct edited edited;
    enum state_parts parts;
    const char *steps;
    const char *path;     /* of one that is written, … */
    const char *fragment; /* … and what is in it */
} planned[] = {
    /* the description, and what of <domain> is not about disks */
    {{.target = "s2",
      .options = "",
      .from = "<state>",
      .to = "<description>x</description><state>"},
     STATE_METADATA,
     STAGE("s2") REPLACE("s2"),
     "s2",
     "<description>x</description>"},
    {{.target = "s2", .options = "", .from = "<devices>", .to = "<vcpu>2</vcpu><devices>"},
     STATE_METADATA,
     STAGE("s2") REPLACE("s2"),
     "s2",
     "<vcpu>2</vcpu>"},
    {{.target = "s2", .options = "", .from = "<target dev", .to = "<target bus='ide' dev"},
     STATE_METADATA,
     STAGE("s2") REPLACE("s2"),
     "s2",
     "<target bus='ide' dev='vda'/>"},
    /* one that is inside of an image, too */
    {{.target = "in",
      .options = "r",
      .from = "<state>",
      .to = "<description>x</description><state>"},
     STATE_METADATA,
     STAGE("in") REPLACE("in"),
     "in",
     "<disk name='vda' snapshot='internal'/>"},
    /* what is current stays so, also unsaid */
    {{.target = "s3",
      .options = "r",
      .from = "<state>",
      .to = "<description>x</description><state>"},
     STATE_METADATA,
     STAGE("s3") REPLACE("s3"),
     "s3",
     "<active>1</active>"},
    /* nothing edited, but current: no byte else */
    {{.target = "s2", .options = "*"},
     STATE_TREE,
     STAGE("s2") STAGE("s3") REPLACE("s2") REPLACE("s3"),
     "s2",
     "</domain><active>1</active>"},
    {{.target = "s3", .options = "*"}, STATE_METADATA, "", NULL, NULL},
    {{.target = "s2", .options = "*"},
     STATE_TREE,
     STAGE("s2") STAGE("s3") REPLACE("s2") REPLACE("s3"),
     "s3",
     "<active>0</active>"},
    /* another place in the tree that the images have */
    {{.target = "s3", .options = "", .from = PARENT("s2"), .to = PARENT("s1")},
     STATE_TREE,
     STAGE("s3") REPLACE("s3"),
     "s3",
     "<name>s1</name>"},
    {{.target = "s2", .options = "", .from = PARENT("s1"), .to = ""},
     STATE_METADATA,
     STAGE("s2") REPLACE("s2"),
     "s2",
     "<state>shutoff</state>\n  <creationTime>"},
    {{.target = "s3", .options = "", .from = PARENT("s2"), .to = PARENT("in")},
     STATE_TREE,
     STAGE("s3") REPLACE("s3"),
     "s3",
     "<name>in</name>"},
    /* another name: children follow, what is current stays current */
    {{.target = "s2", .options = "r", .from = "<name>s2<", .to = "<name>new<"},
     STATE_METADATA,
     STAGE("s3") STAGE("new")
         REPLACE("s3") "apply 3 unlink /d/vm.snapshots/s2.xml\n" INSTALL("new"),
     "s3",
     PARENT("new")},
    {{.target = "s3", .options = "r", .from = "<name>s3<", .to = "<name>new<"},
     STATE_METADATA,
     STAGE("new") "apply 3 unlink /d/vm.snapshots/s3.xml\n" INSTALL("new"),
     "new",
     "<active>1</active>"},
    {{"s2", "r*", "<name>s2<", "<name>new<", "<state>", "<description>x</description><state>"},
     STATE_TREE,
     STAGE("s3") STAGE("new")
         REPLACE("s3") "apply 3 unlink /d/vm.snapshots/s2.xml\n" INSTALL("new"),
     "s3",
     "<active>0</active>"},
    /* a second one: nothing else changes */
    {{.target = "s3", .options = "c", .from = "<name>s3<", .to = "<name>new<"},
     STATE_METADATA,
     STAGE("new") INSTALL("new"),
     "new",
     "<active>0</active>"},
    {{"s3", "c*", "<name>s3<", "<name>new<", PARENT("s2"), PARENT("s3")},
     STATE_TREE,
     STAGE("s3") STAGE("new") REPLACE("s3") INSTALL("new"),
     "new",
     "<active>1</active>"},
};

START_TEST(plan_is_exactly_this)
{
    const struct planned *wanted = &planned[_i];
    const struct edit_request request = request_of(&wanted->edited);
    scoped(snapshot_def) def = def_of(&wanted->edited, &request);
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;
    g_autofree char *path = g_strdup_printf("/d/vm.snapshots/%s.xml", wanted->path);
    const char *content;

    ck_assert_int_eq(edit_state_parts(&request, def), wanted->parts);
    plan = edit_plan(&forest.planner.state, &request, def, &error);
    unit_assert_ok(plan != NULL, error);
    steps = planner_steps(plan);
    ck_assert_str_eq(steps, wanted->steps);
    ck_assert_str_eq(plan->operation, "edit");
    if (!wanted->path)
        return;
    content = planner_step(plan, planner_step(plan, path)->source)->content;
    ck_assert_msg(strstr(content, wanted->fragment) != NULL, "'%s' is not in: %s", wanted->fragment,
                  content);
}
END_TEST

static const struct refused {
    struct edited edited;
    enum offshot_error code;
    const char *fragment;
} refused[] = {
    /* names */
    {{.target = "s2", .options = "", .from = "<name>s2<", .to = "<name>new<"},
     OFFSHOT_ERROR_REFUSED,
     "'s2' is called 'new' now: --rename"},
    {{.target = "s2", .options = "r", .from = "<name>s2<", .to = "<name>s1<"},
     OFFSHOT_ERROR_REFUSED,
     "'s1' already"},
    {{.target = "s2", .options = "c", .from = "<name>s2<", .to = "<name>in<"},
     OFFSHOT_ERROR_REFUSED,
     "'in' already"},
    {{.target = "s2", .options = "r", .from = "<name>s2<", .to = "<name>-x<"},
     OFFSHOT_ERROR_USAGE,
     "-x"},
    {{.target = "in", .options = "r", .from = "<name>in<", .to = "<name>new<"},
     OFFSHOT_ERROR_REFUSED,
     "cannot be renamed"},
    {{.target = "in", .options = "c", .from = "<name>in<", .to = "<name>new<"},
     OFFSHOT_ERROR_REFUSED,
     "cannot be cloned"},
    /* what holds it */
    {{.target = "s2", .options = "", .from = "file='/d/a.s2'", .to = "file='/d/b'"},
     OFFSHOT_ERROR_REFUSED,
     "<disks> of snapshot 's2'"},
    {{.target = "s2", .options = "", .from = "snapshot='external'", .to = "snapshot='manual'"},
     OFFSHOT_ERROR_REFUSED,
     "<disks> of snapshot 's2'"},
    {{.target = "s2", .options = "", .from = "<disks>", .to = "<disks><disk name='vdb'/>"},
     OFFSHOT_ERROR_REFUSED,
     "<disks> of snapshot 's2'"},
    {{.target = "s2", .options = "", .from = "file='/d/a.s1'", .to = "file='/d/b'"},
     OFFSHOT_ERROR_REFUSED,
     "disks in <domain> of snapshot 's2'"},
    {{.target = "s2", .options = "", .from = "<name>vm<", .to = "<name>wm<"},
     OFFSHOT_ERROR_REFUSED,
     "<domain> of snapshot 's2'"},
    {{.target = "s2",
      .options = "",
      .from = PLANNER_UUID,
      .to = "00000000-0000-4000-8000-000000000000"},
     OFFSHOT_ERROR_REFUSED,
     "<domain> of snapshot 's2'"},
    {{.target = "s2",
      .options = "",
      .from = "</domain>",
      .to = "</domain><inactiveDomain type='qemu'><name>vm</name></inactiveDomain>"},
     OFFSHOT_ERROR_REFUSED,
     "<inactiveDomain> of snapshot 's2'"},
    {{.target = "s2", .options = "", .from = ">shutoff<", .to = ">disk-snapshot<"},
     OFFSHOT_ERROR_REFUSED,
     "<state> of snapshot 's2'"},
    {{.target = "s2", .options = "", .from = "<creationTime>1", .to = "<creationTime>2"},
     OFFSHOT_ERROR_REFUSED,
     "<creationTime> of snapshot 's2'"},
    {{"s2", "", ">shutoff<", ">running<", "snapshot='no'/>", "snapshot='external' file='/m'/>"},
     OFFSHOT_ERROR_REFUSED,
     "<state> of snapshot 's2'"},
    {{.target = "s2",
      .options = "",
      .from = "</disks>",
      .to = "</disks><revertDisks><disk name='vda' snapshot='external'/></revertDisks>"},
     OFFSHOT_ERROR_REFUSED,
     "<revertDisks> of snapshot 's2'"},
    /* the tree */
    {{.target = "s1", .options = "", .from = "<creationTime>", .to = PARENT("s3") "<creationTime>"},
     OFFSHOT_ERROR_REFUSED,
     "is one of its descendants"},
    {{.target = "s2", .options = "", .from = PARENT("s1"), .to = PARENT("s2")},
     OFFSHOT_ERROR_REFUSED,
     "cannot be its own parent"},
    {{.target = "s2", .options = "", .from = PARENT("s1"), .to = PARENT("gone")},
     OFFSHOT_ERROR_NOT_FOUND,
     "'gone'"},
    /* the same when it gets another name in one go: the old one is no parent, nor are its children
     */
    {{"s2", "r", "<name>s2<", "<name>new<", PARENT("s1"), PARENT("s3")},
     OFFSHOT_ERROR_REFUSED,
     "is one of its descendants"},
    {{"s2", "r", "<name>s2<", "<name>new<", PARENT("s1"), PARENT("s2")},
     OFFSHOT_ERROR_REFUSED,
     "cannot be its own parent"},
    {{"s2", "r", "<name>s2<", "<name>new<", PARENT("s1"), PARENT("new")},
     OFFSHOT_ERROR_NOT_FOUND,
     "'new'"},
    {{"s2", "c", "<name>s2<", "<name>new<", PARENT("s1"), PARENT("new")},
     OFFSHOT_ERROR_REFUSED,
     "cannot be its own parent"},
    /* what the images do not say */
    {{.target = "side", .options = "", .from = PARENT("s1"), .to = PARENT("s3")},
     OFFSHOT_ERROR_REFUSED,
     "disk 'vda': snapshot 'side' does not stand on '/d/a.s2', which holds snapshot 's3'"},
    {{.target = "side", .options = "*"},
     OFFSHOT_ERROR_REFUSED,
     "disk 'vda': the active state does not stand on '/d/a.x', which holds snapshot 'side'"},
};

START_TEST(edit_is_refused_with_its_code)
{
    const struct refused *wanted = &refused[_i];
    const struct edit_request request = request_of(&wanted->edited);
    scoped(snapshot_def) def = def_of(&wanted->edited, &request);
    g_autoptr(GError) error = NULL;

    ck_assert_msg(!edit_plan(&forest.planner.state, &request, def, &error),
                  "planned, but should say: %s", wanted->fragment);
    unit_assert_error(error, wanted->code, wanted->fragment);
}
END_TEST

/* The image NAME of the snapshots is missing. */
static void
lose(const char *name)
{
    GPtrArray *all = forest.planner.state.frozen;

    for (guint i = 0; i < all->len; i++) {
        struct state_frozen *frozen = g_ptr_array_index(all, i);

        if (frozen->image != forest_image(&forest, name))
            continue;
        frozen->image = NULL;
        g_set_error(&frozen->error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT, "'%s' is missing",
                    name);
    }
}

START_TEST(missing_image_is_in_the_way_of_a_new_place_only)
{
    static const struct edited moved[] = {
        {.target = "s3", .options = "", .from = PARENT("s2"), .to = PARENT("s1")},
        {.target = "s2", .options = "*"},
    };
    static const char *const lost[] = {"a.s2", "a.s1"};
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(moved); i++) {
        const struct edit_request request = request_of(&moved[i]);
        scoped(snapshot_def) def = def_of(&moved[i], &request);

        lose(lost[i]);
        ck_assert_ptr_null(edit_plan(&forest.planner.state, &request, def, &error));
        unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, "is missing");
    }
}
END_TEST

START_TEST(unread_entries_are_in_the_way_of_a_new_name)
{
    static const struct edited cases[] = {
        {.target = "s2", .options = "r", .from = "<name>s2<", .to = "<name>new<"},
        {.target = "s2", .options = "c", .from = "<name>s2<", .to = "<name>new<"},
    };
    g_autoptr(GError) error = NULL;

    g_ptr_array_add(forest.planner.state.snapshots->problems, g_strdup("a problem"));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct edit_request request = request_of(&cases[i]);
        scoped(snapshot_def) def = def_of(&cases[i], &request);
        scoped(plan) plan = edit_plan(&forest.planner.state, &request, def, &error);

        ck_assert((plan != NULL) == request.clone);
        if (!plan)
            unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "a problem");
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("edit");
    TCase *cases = tcase_create("edit");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, plan_is_exactly_this, 0, G_N_ELEMENTS(planned));
    tcase_add_loop_test(cases, edit_is_refused_with_its_code, 0, G_N_ELEMENTS(refused));
    tcase_add_test(cases, missing_image_is_in_the_way_of_a_new_place_only);
    tcase_add_test(cases, unread_entries_are_in_the_way_of_a_new_name);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
