/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/delete.h"
#include "unit/forest.h"

/* Plans that delete snapshots: which, what becomes of images and tags, what is written. */

#define CHAIN "a a.s1<a a.s2<a.s1 a.s3<a.s2"
#define SNAPSHOTS "s1:vda=a>a.s1 s2^s1:vda=a.s1>a.s2 s3^s2*:vda=a.s2>a.s3"

static struct plan *
try_plan(struct forest *forest, const char *target, struct delete_request request, GError **error)
{
    request.target = snapshot_tree_find(forest->planner.state.snapshots->tree, target);
    ck_assert_ptr_nonnull(request.target);
    return delete_plan(&forest->planner.state, &request, forest->notes, error);
}

static struct plan *
make_plan(struct forest *forest, const char *target, struct delete_request request)
{
    GError *error = NULL;
    struct plan *plan = try_plan(forest, target, request, &error);

    unit_assert_ok(plan != NULL, error);
    return plan;
}

/* The apply steps of PLAN, short. Free with g_free(). */
static char *
format_apply(const struct plan *plan)
{
    GString *text = g_string_new(NULL);
    g_autofree char *plain = NULL;

    for (guint i = 0; i < plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(plan->apply, i);

        g_string_append_printf(text, "%u %s %s", step->rank, step_kind_name(step->kind),
                               step->path);
        if (step->source)
            g_string_append_printf(text, " < %s", step->source);
        if (step->kind == STEP_REBASE || step->kind == STEP_RELINK)
            g_string_append_printf(text, " %s=%s was %s=%s",
                                   step->link.backing ? step->link.backing : "-",
                                   step->link.format ? step->link.format : "-",
                                   step->old_link.backing, step->old_link.format);
        if (step->base)
            g_string_append_printf(text, " base %s", step->base);
        if (step->tag)
            g_string_append_printf(text, " tag %s", step->tag);
        g_string_append_printf(text, "%s\n", step->guarded ? " guarded" : "");
    }
    plain = planner_plain(text->str);
    g_string_assign(text, plain);
    return g_string_free(text, FALSE);
}

/* What PLAN stages for the file that has MARK in it. Borrowed. */
static const char *
staged(const struct plan *plan, const char *mark)
{
    for (guint i = 0; i < plan->prepare->len; i++) {
        const struct step *step = g_ptr_array_index(plan->prepare, i);

        if (step->content && strstr(step->content, mark))
            return step->content;
    }
    ck_abort_msg("nothing is staged with %s", mark);
    return NULL;
}

static void
assert_contains(const char *text, const char *fragment)
{
    ck_assert_msg(strstr(text, fragment) != NULL, "'%s' is not in: %s", fragment, text);
}

static void
assert_lacks(const char *text, const char *fragment)
{
    ck_assert_msg(strstr(text, fragment) == NULL, "'%s' is in: %s", fragment, text);
}

static const struct {
    struct delete_request request;
    const char *expected;
} selections[] = {
    {{0}, "s1"},
    {{.children = true}, "s1 s2 s4 s3"},
    {{.children_only = true}, "s2 s4 s3"},
    {{.children = true, .children_only = true}, "s2 s4 s3"},
};

START_TEST(children_go_with_the_snapshot_or_without_it)
{
    struct forest forest;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GPtrArray) selection = NULL;
    struct delete_request request = selections[_i].request;

    forest_init(&forest, "vda=a", "a",
                "s0:vda=a! s1^s0:vda=a! s2^s1:vda=a! s3^s1:vda=a! s4^s2:vda=a!");
    request.target = snapshot_tree_find(forest.planner.state.snapshots->tree, "s1");
    selection = delete_selection(&forest.planner.state, &request);
    for (guint i = 0; i < selection->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "",
                               ((const struct snapshot_def *)selection->pdata[i])->name);
    ck_assert_str_eq(text->str, selections[_i].expected);
    forest_clear(&forest);
}
END_TEST

static const struct {
    const char *disks;
    const char *images;
    const char *snapshots;
    const char *target;
    struct delete_request request;
    const char *expected;
} plans[] = {
    {"vda=a.s3",
     CHAIN,
     SNAPSHOTS,
     "s2",
     {.strategy = MERGE_COMMIT},
     "0 commit /d/a.s2 < /d/a.s1\n"
     "1 relink /d/a.s3 a.s1=qcow2 was a.s2=qcow2\n"
     "3 replace /d/vm.snapshots/s3.xml < /d/.vm.snapshots.s3.xml.offshot-TOKEN\n"
     "3 unlink /d/vm.snapshots/s2.xml\n"
     "4 unlink /d/a.s2 guarded\n"},
    {"vda=a.s3",
     CHAIN,
     SNAPSHOTS,
     "s2",
     {.strategy = MERGE_REBASE},
     "0 rebase /d/a.s2 a=qcow2 was a.s1=qcow2 base /d/a\n"
     "3 replace /d/vm.snapshots/s1.xml < /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
     "3 replace /d/vm.snapshots/s3.xml < /d/.vm.snapshots.s3.xml.offshot-TOKEN\n"
     "3 unlink /d/vm.snapshots/s2.xml\n"
     "4 unlink /d/a.s1 guarded\n"},
    {"vda=a.s3",
     CHAIN,
     SNAPSHOTS,
     "s1",
     {.strategy = MERGE_REBASE},
     "0 rebase /d/a.s1 -=- was a=qcow2\n"
     "3 replace /d/vm.snapshots/s2.xml < /d/.vm.snapshots.s2.xml.offshot-TOKEN\n"
     "3 unlink /d/vm.snapshots/s1.xml\n"
     "4 unlink /d/a guarded\n"},
    {"vda=a.s3",
     CHAIN,
     SNAPSHOTS,
     "s3",
     {.strategy = MERGE_COMMIT},
     "0 commit /d/a.s3 < /d/a.s2\n"
     "2 replace /d/vm.xml < /d/.vm.xml.offshot-TOKEN\n"
     "3 replace /d/vm.snapshots/s2.xml < /d/.vm.snapshots.s2.xml.offshot-TOKEN\n"
     "3 unlink /d/vm.snapshots/s3.xml\n"
     "4 unlink /d/a.s3 guarded\n"},
    /* --keep-filename: the name of the top passes to the bottom */
    {"vda=a.q",
     "a.s1.q a.q<a.s1.q",
     "s1*:vda=a.s1.q>a.q",
     "s1",
     {.strategy = MERGE_COMMIT},
     "0 commit /d/a.q < /d/a.s1.q\n"
     "1 replace /d/a.q < /d/a.s1.q\n"
     "3 unlink /d/vm.snapshots/s1.xml\n"},
    /* nothing but the record */
    {"vda=a.s3",
     CHAIN,
     SNAPSHOTS,
     "s2",
     {.metadata = true},
     "3 replace /d/vm.snapshots/s3.xml < /d/.vm.snapshots.s3.xml.offshot-TOKEN\n"
     "3 unlink /d/vm.snapshots/s2.xml\n"},
    /* no children, and only these were to go */
    {"vda=a.s3", CHAIN, SNAPSHOTS, "s3", {.children_only = true}, ""},
};

START_TEST(steps_come_in_the_order_in_which_nothing_is_lost)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, plans[_i].disks, plans[_i].images, plans[_i].snapshots);
    plan = make_plan(&forest, plans[_i].target, plans[_i].request);
    text = format_apply(plan);
    ck_assert_msg(strcmp(text, plans[_i].expected) == 0, "plan %d:\n%s", _i, text);
    forest_clear(&forest);
}
END_TEST

START_TEST(one_commit_takes_several_layers_down)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=e", "a b<a c<b d<c e<d",
                "s1:vda=a>b s2^s1:vda=b>c s3^s2:vda=c>d s4^s3*:vda=d>e");
    forest_image(&forest, "c")->allocated = 4096;
    forest_image(&forest, "a")->allocated = 1 << 30;
    plan = make_plan(&forest, "s1", (struct delete_request){.children = true});
    text = format_apply(plan);
    ck_assert_str_eq(text, "0 commit /d/e < /d/a\n"
                           "2 replace /d/vm.xml < /d/.vm.xml.offshot-TOKEN\n"
                           "3 unlink /d/vm.snapshots/s1.xml\n"
                           "3 unlink /d/vm.snapshots/s2.xml\n"
                           "3 unlink /d/vm.snapshots/s3.xml\n"
                           "3 unlink /d/vm.snapshots/s4.xml\n"
                           "4 unlink /d/e guarded\n"
                           "4 unlink /d/d guarded\n"
                           "4 unlink /d/c guarded\n"
                           "4 unlink /d/b guarded\n");
    ck_assert_uint_eq(planner_step(plan, "/d/e")->depth, 4);
    forest_clear(&forest);
}
END_TEST

/* An old layer (c) has one overlay left, and goes when s1 does: onto what b went down into. */
START_TEST(what_is_rebased_lands_on_what_was_merged_before)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=d", "a b<a c<b d<c", "s1:vda=a>b s2^s1*:vda=b>c");
    forest_add_layer(&forest, "c");
    forest_image(&forest, "c")->allocated = 4096;
    plan = make_plan(&forest, "s1", (struct delete_request){.strategy = MERGE_COMMIT});
    text = format_apply(plan);
    ck_assert_msg(g_str_has_prefix(text, "0 commit /d/b < /d/a\n"
                                         "1 rebase /d/d a=qcow2 was c=qcow2 base /d/a\n"
                                         "4 replace /d/vm.snapshots/s2.xml < "),
                  "%s", text);
    assert_contains(text, "5 unlink /d/c guarded\n5 unlink /d/b guarded\n");
    forest_clear(&forest);
}
END_TEST

/* --- what is written ---------------------------------------------------------------------------
 */

START_TEST(the_domain_follows_its_active_image_and_its_format)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    const char *text;

    forest_init(&forest, "vda=a.s1", "a.raw a.s1<a.raw", "s1*:vda=a.raw>a.s1");
    plan = make_plan(&forest, "s1", (struct delete_request){0});
    text = staged(plan, "<domain type");
    assert_contains(text, "<source file='/d/a.raw'/>");
    assert_contains(text, "type='raw'/>");
    forest_clear(&forest);
}
END_TEST

START_TEST(a_symbolic_link_is_not_replaced_by_a_domain)
{
    struct forest forest;
    GError *error = NULL;
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s1*:vda=a>a.s1");
    forest.planner.state.domain_is_symlink = true;
    ck_assert_ptr_null(try_plan(&forest, "s1", (struct delete_request){0}, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "is a symbolic link");
    /* it need not change here */
    plan = make_plan(&forest, "s1", (struct delete_request){.strategy = MERGE_REBASE});
    forest_clear(&forest);
}
END_TEST

START_TEST(snapshots_that_remain_follow_images_and_parents)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    const char *text;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    plan = make_plan(&forest, "s2", (struct delete_request){.strategy = MERGE_COMMIT});
    text = staged(plan, "<name>s3</name>");
    assert_contains(text, "<source file='/d/a.s1'/>");
    assert_lacks(text, "/d/a.s2");
    assert_contains(text, "<parent><name>s1</name></parent>");
    assert_contains(text, "<active>1</active>");
    forest_clear(&forest);
}
END_TEST

/* SNAPSHOT has on record that it froze for "vda" the very file that is there. */
static void
put_on_record(struct forest *forest, const char *snapshot)
{
    struct snapshot_def *def =
        (struct snapshot_def *)snapshot_tree_find(forest->planner.state.snapshots->tree, snapshot);
    char *text = unit_replace(def->document, "</domain>",
                              "<metadata><o:snapshot xmlns:o='urn:offshot:snapshot:1'><o:frozen "
                              "disk='vda' inode='1' size='2' mtime='3'/></o:snapshot></metadata>"
                              "</domain>");

    g_free(def->document);
    def->document = text;
    forest_record(forest, snapshot, STATE_RECORD_SAME);
}

/* Whether PLAN writes SNAPSHOT with another file on record than it had. */
static bool
is_refiled(const struct plan *plan, const char *snapshot)
{
    g_autofree char *name = g_strdup_printf("<domainsnapshot><name>%s<", snapshot);

    for (guint i = 0; i < plan->prepare->len; i++) {
        const struct step *step = g_ptr_array_index(plan->prepare, i);

        if (step->content && strstr(step->content, name))
            return strstr(step->content, "inode='1' size") == NULL;
    }
    return false;
}

/* Which snapshots have another file on record when TARGET is gone. */
static const struct {
    const char *target;
    struct delete_request request;
    const char *refiled;
} refilings[] = {
    /* what it froze is in another image, or has been written */
    {"s2", {.strategy = MERGE_COMMIT}, "s3"},    {"s2", {.strategy = MERGE_REBASE}, "s3"},
    {"s1", {.strategy = MERGE_COMMIT}, "s2 s3"}, {"s1", {.strategy = MERGE_REBASE}, "s2"},
    {"s3", {.strategy = MERGE_COMMIT}, "none"},  {"s3", {.strategy = MERGE_REBASE}, "none"},
    {"s2", {.metadata = true}, "none"},
};

START_TEST(what_was_merged_is_not_the_file_that_was_frozen)
{
    static const char *const names[] = {"s1", "s2", "s3"};
    struct forest forest;
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        put_on_record(&forest, names[i]);
    plan = make_plan(&forest, refilings[_i].target, refilings[_i].request);
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        ck_assert_msg(is_refiled(plan, names[i]) ==
                          (strstr(refilings[_i].refiled, names[i]) != NULL),
                      "'%s'", names[i]);
    forest_clear(&forest);
}
END_TEST

START_TEST(what_takes_the_name_of_the_frozen_image_is_not_that_file)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=a.q", "a.s1.q a.s2.q<a.s1.q a.q<a.s2.q",
                "s1:vda=a.s1.q>a.s2.q s2*:vda=a.s2.q>a.q");
    forest_keep_names(&forest, "s1");
    forest_image(&forest, "a.s1.q")->identity.inode = 77;
    forest_image(&forest, "a.s1.q")->directory = 78;
    /* nothing else changes in it */
    put_on_record(&forest, "s2");
    plan = make_plan(&forest, "s1", (struct delete_request){.strategy = MERGE_COMMIT});
    text = format_apply(plan);
    assert_contains(text, "replace /d/a.s2.q < /d/a.s1.q\n");
    ck_assert(is_refiled(plan, "s2"));
    assert_contains(staged(plan, "<name>s2</name>"), "inode='77' directory='78'");
    forest_clear(&forest);
}
END_TEST

START_TEST(a_file_in_the_place_of_a_frozen_image_stays_and_is_said_to)
{
    struct forest forest;
    GError *error = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    forest_record(&forest, "s2", STATE_RECORD_OTHER);
    ck_assert_ptr_null(
        try_plan(&forest, "s2", (struct delete_request){.strategy = MERGE_COMMIT}, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED,
                      "--strategy=commit is not possible: '/d/a.s1' is not the file");
    plan = make_plan(&forest, "s2", (struct delete_request){.strategy = MERGE_REBASE});
    text = format_apply(plan);
    assert_lacks(text, "/d/a");
    forest_assert_note(&forest, "'/d/a.s1' stays: '/d/a.s1' is not the file that snapshot 's2'");
    forest_clear(&forest);
}
END_TEST

START_TEST(a_tag_in_such_a_file_stays)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=a.s2", "a a.s2<a", "s1:vda=a! s2^s1*:vda=a>a.s2");
    planner_tag(&forest.planner, forest_image(&forest, "a"), "1", "s1");
    forest_record(&forest, "s2", STATE_RECORD_OTHER);
    plan = make_plan(&forest, "s1", (struct delete_request){0});
    text = format_apply(plan);
    assert_lacks(text, "tag");
    forest_assert_note(&forest, "internal snapshot 's1' stays in '/d/a'");
    forest_clear(&forest);
}
END_TEST

START_TEST(the_nearest_ancestor_becomes_current)
{
    struct forest forest;
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    plan = make_plan(&forest, "s2", (struct delete_request){.children = true});
    assert_contains(staged(plan, "<name>s1</name>"), "<active>1</active>");
    forest_clear(&forest);
}
END_TEST

START_TEST(who_was_parent_of_nobody_else_leaves_a_root)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    const char *text;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    plan = make_plan(&forest, "s1", (struct delete_request){.metadata = true});
    text = staged(plan, "<name>s2</name>");
    assert_lacks(text, "<parent>");
    forest_clear(&forest);
}
END_TEST

/* The parent of s2 is in a file that cannot be read, or nowhere. */
START_TEST(a_parent_that_cannot_be_read_is_handed_on)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    struct snapshot_def *def;

    forest_init(&forest, "vda=a.s3", CHAIN, "s2:vda=a.s1>a.s2 s3^s2*:vda=a.s2>a.s3");
    def = (struct snapshot_def *)snapshot_tree_find(forest.planner.state.snapshots->tree, "s2");
    def->parent = g_strdup("lost");
    plan = make_plan(&forest, "s2", (struct delete_request){.metadata = true});
    assert_contains(staged(plan, "<name>s3</name>"), "<name>lost</name>");
    forest_clear(&forest);
}
END_TEST

/* The active image came of s2 (made by a revert to it), and stands on an image that stays. */
START_TEST(the_current_snapshot_takes_over_the_active_overlay)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    const char *text;

    forest_init(&forest, "vda=a.s2", "a a.s1<a a.s2<a.s1 clone<a.s1",
                "s1:vda=a>a.s1 s2^s1*:vda=a.s1>a.s2");
    forest_depend(&forest, forest_image(&forest, "a.s1"), "/elsewhere/clone");
    plan = make_plan(&forest, "s2", (struct delete_request){0});
    text = staged(plan, "<name>s1</name>");
    assert_contains(text, "<active>1</active>");
    /* it has no children: libvirt looks for the active overlay in <disks> */
    assert_contains(text, "<source file='/d/a.s2'/>");
    assert_lacks(text, "<revertDisks>");
    assert_contains(staged(plan, "offshot layers 2"), "/d/a.s1\n");
    forest_clear(&forest);
}
END_TEST

START_TEST(with_children_left_it_does_so_in_revert_disks)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    const char *text;

    forest_init(&forest, "vda=a.s2", "a a.s1<a a.s2<a.s1 a.s3<a.s1",
                "s1:vda=a>a.s1 s2^s1*:vda=a.s1>a.s2 s3^s1:vda=a.s3>a.s4");
    plan = make_plan(&forest, "s2", (struct delete_request){0});
    text = staged(plan, "<name>s1</name>");
    assert_contains(text, "<revertDisks>");
    assert_contains(strstr(text, "<revertDisks>"), "<source file='/d/a.s2'/>");
    forest_clear(&forest);
}
END_TEST

/* s1 holds the disk internally, and what s2 made stands on it */
START_TEST(so_it_does_where_it_holds_the_disk_internally)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    const char *text;

    forest_init(&forest, "vda=a.s2", "a a.s2<a", "s1:vda=a! s2^s1*:vda=a>a.s2");
    planner_tag(&forest.planner, forest_image(&forest, "a"), "1", "s1");
    plan = make_plan(&forest, "s2", (struct delete_request){0});
    text = staged(plan, "<name>s1</name>");
    assert_contains(text, "<disk name='vda' snapshot='internal'/>");
    assert_contains(strstr(text, "<revertDisks>"), "<source file='/d/a.s2'/>");
    forest_clear(&forest);
}
END_TEST

/* --- internal ----------------------------------------------------------------------------------
 */

START_TEST(a_tag_goes_last_and_under_an_exclusive_lock)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;
    const struct plan_check *check;

    forest_init(&forest, "vda=a", "a", "s1*:vda=a!");
    planner_tag(&forest.planner, forest_image(&forest, "a"), "1", "s1");
    plan = make_plan(&forest, "s1", (struct delete_request){0});
    text = format_apply(plan);
    ck_assert_str_eq(text, "3 unlink /d/vm.snapshots/s1.xml\n4 delete-tag /d/a tag s1\n");
    check = plan->checks->pdata[0];
    ck_assert_int_eq(check->kind, PLAN_CHECK_EXCLUSIVE);
    ck_assert_str_eq(check->path, "/d/a");
    forest_clear(&forest);
}
END_TEST

START_TEST(one_image_of_two_disks_loses_its_tag_once)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=a vdb=a", "a", "s1*:vda=a!,vdb=a!");
    planner_tag(&forest.planner, forest_image(&forest, "a"), "1", "s1");
    plan = make_plan(&forest, "s1", (struct delete_request){0});
    text = format_apply(plan);
    ck_assert_str_eq(text, "3 unlink /d/vm.snapshots/s1.xml\n4 delete-tag /d/a tag s1\n");
    forest_clear(&forest);
}
END_TEST

START_TEST(several_tags_of_one_image_go_one_after_the_other)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=a vdb=b", "a b", "s1:vda=a!,vdb=b! s2^s1:vda=a! s3^s2*:vda=a!");
    for (guint i = 0; i < 3; i++) {
        const char *names[] = {"s1", "s2", "s3"};

        planner_tag(&forest.planner, forest_image(&forest, "a"), names[i], names[i]);
    }
    planner_tag(&forest.planner, forest_image(&forest, "b"), "1", "s1");
    plan = make_plan(&forest, "s1", (struct delete_request){.children = true});
    text = format_apply(plan);
    assert_contains(text, "4 delete-tag /d/a tag s1\n4 delete-tag /d/b tag s1\n"
                          "5 delete-tag /d/a tag s2\n6 delete-tag /d/a tag s3\n");
    forest_clear(&forest);
}
END_TEST

START_TEST(a_tag_that_is_gone_is_no_fault)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=a", "a", "s1*:vda=a!");
    plan = make_plan(&forest, "s1", (struct delete_request){0});
    text = format_apply(plan);
    ck_assert_str_eq(text, "3 unlink /d/vm.snapshots/s1.xml\n");
    forest_assert_note(&forest, "disk 'vda': '/d/a' has no internal snapshot 's1' any more");
    forest_clear(&forest);
}
END_TEST

START_TEST(an_image_that_goes_takes_its_tags_along)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s1:vda=a>a.s1 s2^s1*:vda=a.s1!");
    planner_tag(&forest.planner, forest_image(&forest, "a.s1"), "1", "s2");
    plan = make_plan(&forest, "s1",
                     (struct delete_request){.children = true, .strategy = MERGE_COMMIT});
    text = format_apply(plan);
    assert_contains(text, "0 commit /d/a.s1 < /d/a\n");
    assert_lacks(text, "delete-tag");
    forest_clear(&forest);
}
END_TEST

START_TEST(what_a_tag_reads_stays)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s1:vda=a>a.s1 s2^s1*:vda=a.s1!");
    planner_tag(&forest.planner, forest_image(&forest, "a.s1"), "1", "s2");
    plan = make_plan(&forest, "s1", (struct delete_request){0});
    text = format_apply(plan);
    assert_lacks(text, "commit");
    assert_lacks(text, "rebase");
    assert_lacks(text, "guarded");
    forest_assert_note(&forest, "'/d/a' stays: its data cannot go down ('/d/a.s1' holds internal "
                                "snapshot 's2', which needs what is below), nor up");
    assert_contains(staged(plan, "offshot layers 2"), "/d/a\n");
    forest_clear(&forest);
}
END_TEST

START_TEST(what_is_right_below_a_tag_takes_over_what_is_below_that)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=a.s3", CHAIN, "s1:vda=a>a.s1 s3^s1:vda=a.s2! s4^s3*:vda=a.s2>a.s3");
    planner_tag(&forest.planner, forest_image(&forest, "a.s2"), "1", "s3");
    forest_add_layer(&forest, "a.s1");
    plan = make_plan(&forest, "s1", (struct delete_request){0});
    text = format_apply(plan);
    ck_assert_msg(g_str_has_prefix(text, "0 commit /d/a.s1 < /d/a\n"
                                         "1 relink /d/a.s2 a=qcow2 was a.s1=qcow2\n"),
                  "%s", text);
    assert_contains(staged(plan, "offshot layers 2"), "/d/a\n");
    forest_clear(&forest);
}
END_TEST

static void
add_twin(struct forest *forest, struct image *image)
{
    planner_tag(&forest->planner, image, "2", "s1");
}

/* -d takes the first whose ID or name fits */
static void
add_decoy(struct forest *forest, struct image *image)
{
    GPtrArray *tags = g_hash_table_lookup(forest->planner.state.tags, image);
    struct image_tag *tag = g_ptr_array_index(tags, 0);

    g_free(tag->name);
    tag->name = g_strdup("other");
    g_free(tag->id);
    tag->id = g_strdup("s1");
    planner_tag(&forest->planner, image, "s1", "s1");
}

static void
make_read_only(struct forest *forest, struct image *image)
{
    (void)forest;
    image->writable = false;
}

static const struct {
    void (*tweak)(struct forest *forest, struct image *image);
    const char *why;
} tag_refusals[] = {
    {add_twin,
     "internal snapshot 's1' of '/d/a' cannot be deleted: there are several of that name"},
    {add_decoy, "qemu-img would take its name for the ID of another one; --metadata forgets"},
    {make_read_only, "the image is read-only"},
};

START_TEST(a_tag_that_cannot_be_told_from_others_is_let_alone)
{
    struct forest forest;
    GError *error = NULL;
    struct image *image;

    forest_init(&forest, "vda=a", "a", "s1*:vda=a!");
    image = forest_image(&forest, "a");
    planner_tag(&forest.planner, image, "1", "s1");
    tag_refusals[_i].tweak(&forest, image);
    ck_assert_ptr_null(try_plan(&forest, "s1", (struct delete_request){0}, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, tag_refusals[_i].why);
    forest_clear(&forest);
}
END_TEST

/* --- what is refused, and what is said ---------------------------------------------------------
 */

START_TEST(a_missing_image_is_refiled_only_on_request)
{
    struct forest forest;
    GError *error = NULL;
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s3", "a a.s1<a a.s3<a", SNAPSHOTS);
    ck_assert_ptr_null(try_plan(&forest, "s3", (struct delete_request){0}, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT,
                      "snapshot 's3': disk 'vda' cannot be deleted, since image '/d/a.s2' is "
                      "missing: --metadata forgets the snapshot");
    plan = make_plan(&forest, "s3", (struct delete_request){.metadata = true});
    forest_clear(&forest);
}
END_TEST

START_TEST(images_stay_while_a_snapshot_that_remains_cannot_be_read)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, "vda=a.s3", "a a.s1<a a.s3<a.s1", SNAPSHOTS);
    plan = make_plan(&forest, "s2", (struct delete_request){0});
    text = format_apply(plan);
    assert_lacks(text, "commit");
    assert_lacks(text, "guarded");
    forest_assert_note(&forest, "disk 'vda' of snapshot 's3' cannot be read");
    forest_clear(&forest);
}
END_TEST

START_TEST(a_store_that_is_not_in_order_keeps_all_images)
{
    struct forest forest;
    GError *error = NULL;
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    g_ptr_array_add(forest.planner.state.snapshots->problems, g_strdup("s9.xml: no XML"));
    ck_assert_ptr_null(try_plan(&forest, "s3", (struct delete_request){0}, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "(s9.xml: no XML)");
    plan = make_plan(&forest, "s3", (struct delete_request){.metadata = true});
    forest_clear(&forest);
}
END_TEST

START_TEST(what_lies_beside_the_disks_is_named)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    struct snapshot_def *def;
    struct snapshot_disk *disk;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    def = (struct snapshot_def *)snapshot_tree_find(forest.planner.state.snapshots->tree, "s3");
    disk = snapshot_disk_new("vdb");
    disk->snapshot = SNAPSHOT_LOCATION_MANUAL;
    g_ptr_array_add(def->disks, disk);
    plan = make_plan(&forest, "s3", (struct delete_request){0});
    forest_assert_note(&forest, "snapshot 's3': disk 'vdb' was to be kept by hand");
    forest_clear(&forest);
}
END_TEST

/* SNAPSHOT keeps its memory in PATH, which is INODE (0: not known). */
static struct state_memory *
remember(struct forest *forest, const char *snapshot, const char *path, uint64_t inode)
{
    struct state *state = &forest->planner.state;
    struct state_memory *memory = g_new0(struct state_memory, 1);
    struct snapshot_def *def =
        (struct snapshot_def *)snapshot_tree_find(state->snapshots->tree, snapshot);

    def->memory = SNAPSHOT_LOCATION_EXTERNAL;
    def->memory_file = g_strdup(path);
    memory->def = def;
    memory->identity = (struct file_identity){.device = 9, .inode = inode};
    if (!state->memory)
        state->memory = g_ptr_array_new_with_free_func(g_free);
    g_ptr_array_add(state->memory, memory);
    return memory;
}

static const struct {
    const char *other_path; /* of the memory of s1, which stays; NULL: it has none */
    uint64_t other_inode;
    const char *reason; /* why that of s2, which goes, is not proven */
    bool missing;
    bool metadata;
    const char *note; /* NULL: the file goes */
} memories[] = {
    {NULL, 0, NULL, false, false, NULL},
    {"/d/other", 8, NULL, false, false, NULL},
    {NULL, 0, "it is a door", false, false, "its memory stays in '/d/memory', since it is a door:"},
    {"/d/memory", 7, NULL, false, false, "since snapshot 's1' may need it: remove the file"},
    {"/d/./memory", 7, NULL, false, false, "since snapshot 's1' may need it"},
    {"/d/other", 0, NULL, false, false, "since snapshot 's1' may need it"},
    {NULL, 0, NULL, true, false, "the file '/d/memory' with its memory is not there any more"},
    {NULL, 0, NULL, false, true, "its memory stays in '/d/memory': remove the file"},
};

START_TEST(memory_goes_when_it_is_nothing_else)
{
    struct forest forest;
    struct state_memory *memory;
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;
    bool goes = !memories[_i].note;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    memory = remember(&forest, "s2", "/d/memory", memories[_i].missing ? 0 : 7);
    memory->missing = memories[_i].missing;
    memory->reason = (char *)memories[_i].reason;
    if (memories[_i].other_path)
        remember(&forest, "s1", memories[_i].other_path, memories[_i].other_inode);
    plan = make_plan(&forest, "s2", (struct delete_request){.metadata = memories[_i].metadata});
    steps = format_apply(plan);
    checks = planner_checks(plan);
    ck_assert_int_eq(strstr(steps, "4 unlink /d/memory guarded\n") != NULL, goes);
    ck_assert_int_eq(strstr(checks, "lock /d/memory\n") != NULL, goes);
    if (!goes)
        forest_assert_note(&forest, memories[_i].note);
    forest_clear(&forest);
}
END_TEST

START_TEST(memory_of_several_goes_once_and_with_the_last)
{
    struct forest forest;
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;
    const char *first;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    remember(&forest, "s2", "/d/memory", 7);
    remember(&forest, "s3", "/d/./memory", 7);
    plan = make_plan(&forest, "s2", (struct delete_request){.children = true});
    steps = format_apply(plan);
    first = strstr(steps, "unlink /d/memory guarded\n");
    ck_assert_ptr_nonnull(first);
    assert_lacks(first + strlen("unlink /d/memory"), "memory");
    forest_clear(&forest);
}
END_TEST

/* libvirt was merging into a.s1, the overlay of s1, which holds s2. */
START_TEST(what_libvirt_has_not_finished_is_not_forgotten)
{
    static const struct delete_request request = {.metadata = true};
    struct forest forest;
    struct state_frozen *frozen;
    scoped(plan) plan = NULL;
    GError *error = NULL;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    frozen = (struct state_frozen *)state_find_frozen(&forest.planner.state, "s2", "vda");
    frozen->overwriter = snapshot_tree_find(forest.planner.state.snapshots->tree, "s1");
    frozen->error = g_error_new(OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT, "half of it is lost");
    ck_assert_ptr_null(try_plan(&forest, "s1", (struct delete_request){0}, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "snapshot 's1' has to stay: disk 'vda' of");
    ck_assert_ptr_null(try_plan(&forest, "s1", request, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "since half of it is lost");
    ck_assert_ptr_null(try_plan(&forest, "s2", (struct delete_request){0}, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, "half of it is lost");
    plan = make_plan(&forest, "s2", request);
    forest_clear(&forest);
}
END_TEST

/* The domain and s3 say of their chains what is right now. */
START_TEST(what_is_said_of_a_chain_goes_when_it_changes)
{
    struct forest forest;
    struct domain_disk *def;
    scoped(plan) plan = NULL;
    scoped(plan) other = NULL;
    g_autofree char *steps = NULL;
    g_autofree char *same = NULL;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    def = (struct domain_disk *)planner_disk(&forest.planner, "vda")->def;
    def->layers = g_ptr_array_new();
    plan = make_plan(&forest, "s2", (struct delete_request){.strategy = MERGE_COMMIT});
    steps = format_apply(plan);
    assert_contains(steps, "2 replace /d/vm.xml");
    other = make_plan(&forest, "s2", (struct delete_request){.metadata = true});
    same = format_apply(other);
    assert_lacks(same, "/d/vm.xml");
    forest_clear(&forest);
}
END_TEST

static const struct {
    enum merge_strategy strategy;
    const char *why;
} strategies[] = {
    {MERGE_COMMIT, "--strategy=commit is not possible: '/elsewhere/clone' stands on '/d/a.s1'"},
    {MERGE_REBASE, "--strategy=rebase is not possible: '/elsewhere/clone' stands on '/d/a.s1'"},
};

START_TEST(a_strategy_that_is_asked_for_is_followed_or_refused)
{
    struct forest forest;
    GError *error = NULL;

    forest_init(&forest, "vda=a.s3", CHAIN, SNAPSHOTS);
    forest_depend(&forest, forest_image(&forest, "a.s1"), "/elsewhere/clone");
    ck_assert_ptr_null(try_plan(
        &forest, "s2", (struct delete_request){.strategy = strategies[_i].strategy}, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, strategies[_i].why);
    forest_clear(&forest);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("delete");
    TCase *tcase = tcase_create("plans");

    tcase_add_loop_test(tcase, children_go_with_the_snapshot_or_without_it, 0,
                        G_N_ELEMENTS(selections));
    tcase_add_loop_test(tcase, steps_come_in_the_order_in_which_nothing_is_lost, 0,
                        G_N_ELEMENTS(plans));
    tcase_add_test(tcase, one_commit_takes_several_layers_down);
    tcase_add_test(tcase, what_is_rebased_lands_on_what_was_merged_before);
    tcase_add_test(tcase, the_domain_follows_its_active_image_and_its_format);
    tcase_add_test(tcase, a_symbolic_link_is_not_replaced_by_a_domain);
    tcase_add_test(tcase, snapshots_that_remain_follow_images_and_parents);
    tcase_add_loop_test(tcase, what_was_merged_is_not_the_file_that_was_frozen, 0,
                        G_N_ELEMENTS(refilings));
    tcase_add_test(tcase, what_takes_the_name_of_the_frozen_image_is_not_that_file);
    tcase_add_test(tcase, a_file_in_the_place_of_a_frozen_image_stays_and_is_said_to);
    tcase_add_test(tcase, a_tag_in_such_a_file_stays);
    tcase_add_test(tcase, the_nearest_ancestor_becomes_current);
    tcase_add_test(tcase, who_was_parent_of_nobody_else_leaves_a_root);
    tcase_add_test(tcase, a_parent_that_cannot_be_read_is_handed_on);
    tcase_add_test(tcase, the_current_snapshot_takes_over_the_active_overlay);
    tcase_add_test(tcase, with_children_left_it_does_so_in_revert_disks);
    tcase_add_test(tcase, so_it_does_where_it_holds_the_disk_internally);
    tcase_add_test(tcase, a_tag_goes_last_and_under_an_exclusive_lock);
    tcase_add_test(tcase, one_image_of_two_disks_loses_its_tag_once);
    tcase_add_test(tcase, several_tags_of_one_image_go_one_after_the_other);
    tcase_add_test(tcase, a_tag_that_is_gone_is_no_fault);
    tcase_add_test(tcase, an_image_that_goes_takes_its_tags_along);
    tcase_add_test(tcase, what_a_tag_reads_stays);
    tcase_add_test(tcase, what_is_right_below_a_tag_takes_over_what_is_below_that);
    tcase_add_loop_test(tcase, a_tag_that_cannot_be_told_from_others_is_let_alone, 0,
                        G_N_ELEMENTS(tag_refusals));
    tcase_add_test(tcase, a_missing_image_is_refiled_only_on_request);
    tcase_add_test(tcase, images_stay_while_a_snapshot_that_remains_cannot_be_read);
    tcase_add_test(tcase, a_store_that_is_not_in_order_keeps_all_images);
    tcase_add_test(tcase, what_lies_beside_the_disks_is_named);
    tcase_add_loop_test(tcase, memory_goes_when_it_is_nothing_else, 0, G_N_ELEMENTS(memories));
    tcase_add_test(tcase, memory_of_several_goes_once_and_with_the_last);
    tcase_add_test(tcase, what_libvirt_has_not_finished_is_not_forgotten);
    tcase_add_test(tcase, what_is_said_of_a_chain_goes_when_it_changes);
    tcase_add_loop_test(tcase, a_strategy_that_is_asked_for_is_followed_or_refused, 0,
                        G_N_ELEMENTS(strategies));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
