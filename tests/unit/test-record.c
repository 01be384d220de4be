/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/record.h"

#include "unit/planner-tree.h"

#define DISK PLANNER_DISK("vda", "qcow2", "/d/a.qcow2")
#define STAGE(name) "/d/.vm.snapshots." name ".xml.offshot-TOKEN"
#define STAGED(name) "prepare 1 stage-file " STAGE(name) "\n"
#define REPLACED(name) "apply 3 replace /d/vm.snapshots/" name ".xml <- " STAGE(name) "\n"

static struct planner planner;
static GHashTable *moved;
static GHashTable *removed;
static GHashTable *parents;

/* root - mid (current, with revert disks) - leaf, and beside them lone. */
static void
setup(void)
{
    static const char revert_disks[] =
        "<revertDisks><disk name='vda' snapshot='external' type='file'><driver type='qcow2'/>"
        "<source file='/d/a.1'/></disk></revertDisks><active>";
    struct snapshot_tree *tree;
    struct snapshot_def *mid;
    struct snapshot_def *parsed;
    g_autofree char *text = NULL;

    planner_init(&planner, DISK);
    planner_store(&planner, "root", NULL, "shutoff", false, DISK);
    planner_store(&planner, "mid", "root", "shutoff", true, DISK);
    planner_store(&planner, "leaf", "mid", "shutoff", false, PLANNER_DISK("vda", "qcow2", "/d/b"));
    planner_store(&planner, "lone", NULL, "shutoff", false, PLANNER_DISK("vda", "raw", "/d/c"));
    tree = planner.state.snapshots->tree;
    mid = (struct snapshot_def *)snapshot_tree_find(tree, "mid");
    text = unit_replace(mid->document, "<active>", revert_disks);
    parsed = snapshot_def_parse(text, strlen(text), "mid", SNAPSHOT_DEF_STORED, NULL);
    ck_assert_ptr_nonnull(parsed);
    g_free(mid->document);
    mid->document = g_steal_pointer(&parsed->document);
    g_ptr_array_add(mid->revert_disks, snapshot_disk_copy(parsed->revert_disks->pdata[0]));
    snapshot_def_free(parsed);
    planner_link(&planner);
    moved = g_hash_table_new(g_str_hash, g_str_equal);
    removed = g_hash_table_new(g_str_hash, g_str_equal);
    parents = g_hash_table_new(g_str_hash, g_str_equal);
}

static void
teardown(void)
{
    g_hash_table_unref(moved);
    g_hash_table_unref(removed);
    g_hash_table_unref(parents);
    planner_clear(&planner);
}

static const struct snapshot_def *
stored(const char *name)
{
    return snapshot_tree_find(planner.state.snapshots->tree, name);
}

/* The plan for RECORD; its steps must be STEPS. */
static struct plan *
plan_of(const struct record *record, const char *steps)
{
    struct plan *plan = plan_new("test", "vm", NULL);
    GError *error = NULL;
    g_autofree char *made = NULL;

    unit_assert_ok(record_snapshots(plan, &planner.state, record, &error), error);
    made = planner_steps(plan);
    ck_assert_str_eq(made, steps);
    return plan;
}

/* What PLAN writes for stored snapshot NAME. */
static const char *
text_of(const struct plan *plan, const char *name)
{
    g_autofree char *path = g_strdup_printf("/d/vm.snapshots/%s.xml", name);

    return planner_step(plan, planner_step(plan, path)->source)->content;
}

START_TEST(nothing_is_written_when_nothing_changes)
{
    static const struct record_place place = {.path = "/d/new"};
    const struct record records[] = {
        {0},
        {.set_current = true, .current = "mid"},
        {.moved = moved, .removed = removed, .parents = parents},
        {.def = stored("mid"), .replace = true},
    };

    g_hash_table_insert(moved, (char *)"/d/nothing", (gpointer)&place);
    g_hash_table_insert(parents, (char *)"mid", (char *)"root");
    g_hash_table_insert(parents, (char *)"lone", NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(records); i++) {
        scoped(plan) plan = plan_of(&records[i], "");
        g_autofree char *checks = planner_checks(plan);

        ck_assert_str_eq(checks, "install /d/vm.snapshots\n");
    }
}
END_TEST

START_TEST(another_becomes_current_and_the_old_one_loses_its_revert_disks)
{
    const struct record record = {.set_current = true, .current = "leaf"};
    scoped(plan) plan = plan_of(&record, STAGED("leaf") STAGED("mid") //
                                REPLACED("leaf") REPLACED("mid"));
    g_autofree char *expected =
        unit_replace(stored("leaf")->document, "<active>0</active>", "<active>1</active>");

    ck_assert_str_eq(text_of(plan, "leaf"), expected);
    ck_assert_ptr_nonnull(strstr(text_of(plan, "mid"), "<active>0</active>"));
    ck_assert_ptr_null(strstr(text_of(plan, "mid"), "revertDisks"));
    ck_assert_ptr_nonnull(strstr(text_of(plan, "mid"), "<source file='/d/a.qcow2'/>"));
}
END_TEST

START_TEST(it_can_be_that_none_is_current)
{
    static const struct record record = {.set_current = true};
    scoped(plan) plan = plan_of(&record, STAGED("mid") REPLACED("mid"));

    ck_assert_ptr_nonnull(strstr(text_of(plan, "mid"), "<active>0</active>"));
}
END_TEST

START_TEST(removed_snapshots_go_after_their_children_have_another_parent)
{
    struct record record = {
        .set_current = true, .current = "root", .removed = removed, .parents = parents};
    scoped(plan) plan = NULL;
    g_autofree char *checks = NULL;
    const struct step *step;

    g_hash_table_add(removed, (char *)"mid");
    g_hash_table_insert(parents, (char *)"leaf", (char *)"root");
    plan = plan_of(&record, STAGED("leaf") STAGED("root") REPLACED("leaf")
                                REPLACED("root") "apply 3 unlink /d/vm.snapshots/mid.xml\n");
    checks = planner_checks(plan);
    ck_assert_str_eq(checks, "install /d/vm.snapshots\nunchanged /d/vm.snapshots/leaf.xml\n"
                             "unchanged /d/vm.snapshots/root.xml\n"
                             "unchanged /d/vm.snapshots/mid.xml\n");
    step = planner_step(plan, "/d/vm.snapshots/mid.xml");
    ck_assert(step->yields);
    ck_assert_uint_eq(step->old.inode, 300);
    ck_assert_ptr_nonnull(strstr(text_of(plan, "leaf"), "<parent><name>root</name></parent>"));
    ck_assert_ptr_nonnull(strstr(text_of(plan, "root"), "<active>1</active>"));
}
END_TEST

START_TEST(a_child_can_become_a_root)
{
    const struct record record = {.parents = parents};
    scoped(plan) plan = NULL;

    g_hash_table_insert(parents, (char *)"leaf", NULL);
    plan = plan_of(&record, STAGED("leaf") REPLACED("leaf"));
    ck_assert_ptr_null(strstr(text_of(plan, "leaf"), "parent"));
}
END_TEST

START_TEST(snapshots_follow_images_that_move)
{
    static const struct record_place swapped = {.path = "/d/b", .format = "raw"};
    static const struct record_place device = {"/dev/vg/b", "qcow2", true, DISK_TYPE_BLOCK};
    const struct record record = {.moved = moved};
    scoped(plan) plan = NULL;

    g_hash_table_insert(moved, (char *)"/d/a.qcow2", (gpointer)&swapped);
    g_hash_table_insert(moved, (char *)"/d/b", (gpointer)&device);
    plan = plan_of(&record, STAGED("leaf") STAGED("mid") STAGED("root") //
                   REPLACED("leaf") REPLACED("mid") REPLACED("root"));
    ck_assert_ptr_nonnull(strstr(text_of(plan, "root"), "type='raw'/><source file='/d/b'/>"));
    ck_assert_ptr_nonnull(strstr(
        text_of(plan, "leaf"), "<disk type='block' device='disk'><driver name='qemu' type='qcow2'/>"
                               "<source dev='/dev/vg/b'/>"));
}
END_TEST

START_TEST(a_copy_of_a_stored_snapshot_changes_only_what_was_changed_in_it)
{
    scoped(snapshot_def) def = snapshot_def_copy(stored("root"));
    const struct record record = {.def = def, .replace = true};
    scoped(plan) plan = NULL;
    struct snapshot_disk *disk = snapshot_disk_new("vda");
    g_autofree char *with =
        unit_replace(def->document, "<domain ",
                     "<revertDisks>\n    <disk name='vda' snapshot='external' type='file'>\n"
                     "      <source file='/d/new'/>\n    </disk>\n  </revertDisks><domain ");
    g_autofree char *expected = unit_replace(with, "<active>0", "<active>1");

    disk->snapshot = SNAPSHOT_LOCATION_EXTERNAL;
    disk->source = g_strdup("/d/new");
    disk->has_source = true;
    g_ptr_array_add(def->revert_disks, disk);
    def->active = true;
    plan = plan_of(&record, STAGED("mid") STAGED("root") REPLACED("mid") REPLACED("root"));
    ck_assert_str_eq(text_of(plan, "root"), expected);
    ck_assert_ptr_null(strstr(text_of(plan, "mid"), "revertDisks"));
}
END_TEST

START_TEST(a_new_snapshot_can_be_recorded_together_with_a_change_of_another)
{
    scoped(snapshot_def) saved = snapshot_def_copy(stored("root"));
    const struct record first = {.def = saved};
    const struct record second = {.set_current = true, .current = "root"};
    scoped(plan) plan = plan_new("test", "vm", NULL);
    GError *error = NULL;

    planner_drop_store(&planner);
    g_free(saved->name);
    saved->name = g_strdup("saved");
    unit_assert_ok(record_snapshots(plan, &planner.state, &first, &error), error);
    unit_assert_ok(record_snapshots(plan, &planner.state, &first, &error), error);
    ck_assert_uint_eq(plan->prepare->len, 3); /* the directory is made once */
    unit_assert_ok(record_snapshots(plan, &planner.state, &second, &error), error);
    ck_assert_ptr_nonnull(strstr(text_of(plan, "root"), "<active>1</active>"));
    ck_assert_ptr_nonnull(strstr(text_of(plan, "saved"), "<name>saved</name>"));
    ck_assert_int_eq(planner_step(plan, "/d/vm.snapshots/saved.xml")->kind, STEP_INSTALL);
}
END_TEST

START_TEST(a_document_of_the_users_replaces_the_stored_one_as_a_whole)
{
    scoped(snapshot_def) def = snapshot_def_copy(stored("lone"));
    const struct record record = {.def = def, .replace = true};
    scoped(plan) plan = NULL;

    g_free(def->document);
    def->document = NULL;
    def->description = g_strdup("mine");
    plan = plan_of(&record, STAGED("lone") REPLACED("lone"));
    ck_assert_ptr_nonnull(strstr(text_of(plan, "lone"), "<description>mine</description>"));
}
END_TEST

START_TEST(what_cannot_be_written_is_refused)
{
    static const struct record_place place = {.path = "/d/\x01"};
    const struct record record = {.moved = moved};
    scoped(plan) plan = plan_new("test", "vm", NULL);
    GError *error = NULL;

    g_hash_table_insert(moved, (char *)"/d/b", (gpointer)&place);
    ck_assert(!record_snapshots(plan, &planner.state, &record, &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "cannot be written in XML");
}
END_TEST

START_TEST(what_was_flattened_stays_noted)
{
    g_autoptr(GPtrArray) layers = g_ptr_array_new();
    g_autoptr(GPtrArray) flattened = g_ptr_array_new();
    scoped(plan) plan = plan_new("test", "vm", NULL);
    const char *text;

    planner_init_tree(&planner);
    g_hash_table_add(planner.state.flattened, planner_image(&planner, "/d/w", "qcow2", NULL));
    g_ptr_array_add(flattened, planner_image(&planner, "/d/x", "qcow2", NULL));
    g_ptr_array_add(layers, planner_image(&planner, "/d/y", "qcow2", NULL));
    record_layers(plan, &planner.state, layers, flattened, NULL);
    text = ((const struct step *)g_ptr_array_index(plan->prepare, 0))->content;
    ck_assert(g_str_has_suffix(text, "/d/x flattened\n"));
    ck_assert_ptr_nonnull(strstr(text, "/d/w flattened\n"));
    ck_assert_ptr_nonnull(strstr(text, "/d/y\n"));
    planner_clear_tree(&planner);
}
END_TEST

START_TEST(list_of_layers_is_made_sorted_and_goes_with_the_last_of_them)
{
    g_autoptr(GPtrArray) layers = g_ptr_array_new();
    scoped(plan) made = plan_new("test", "vm", NULL);
    scoped(plan) gone = plan_new("test", "vm", NULL);
    scoped(plan) nothing = plan_new("test", "vm", NULL);
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;
    const char *text;

    g_ptr_array_add(layers, planner_image(&planner, "/d/z", "qcow2", NULL));
    g_ptr_array_add(layers, planner_image(&planner, "/d/y", "qcow2", NULL));
    record_layers(made, &planner.state, layers, NULL, NULL);
    steps = planner_steps(made);
    checks = planner_checks(made);
    ck_assert_str_eq(steps, "prepare 1 stage-file /d/.vm.offshot/.layers.offshot-TOKEN\n"
                            "apply 3 install /d/.vm.offshot/layers <- "
                            "/d/.vm.offshot/.layers.offshot-TOKEN\n");
    ck_assert_str_eq(checks, "");
    text = ((const struct step *)g_ptr_array_index(made->prepare, 0))->content;
    ck_assert_ptr_nonnull(strstr(text, " /d/y\n"));
    ck_assert(strstr(text, " /d/y\n") < strstr(text, " /d/z\n"));

    g_ptr_array_set_size(layers, 0);
    record_layers(nothing, &planner.state, layers, NULL, NULL);
    ck_assert_uint_eq(nothing->apply->len, 0);
    planner.state.layers_identity.inode = 5;
    record_layers(gone, &planner.state, layers, NULL, NULL);
    ck_assert_int_eq(planner_step(gone, "/d/.vm.offshot/layers")->kind, STEP_UNLINK);
}
END_TEST

int
main(void)
{
    const TTest *const tests[] = {
        nothing_is_written_when_nothing_changes,
        another_becomes_current_and_the_old_one_loses_its_revert_disks,
        it_can_be_that_none_is_current,
        removed_snapshots_go_after_their_children_have_another_parent,
        a_child_can_become_a_root,
        snapshots_follow_images_that_move,
        a_copy_of_a_stored_snapshot_changes_only_what_was_changed_in_it,
        a_new_snapshot_can_be_recorded_together_with_a_change_of_another,
        a_document_of_the_users_replaces_the_stored_one_as_a_whole,
        what_cannot_be_written_is_refused,
        what_was_flattened_stays_noted,
        list_of_layers_is_made_sorted_and_goes_with_the_last_of_them,
    };
    Suite *suite = suite_create("record");
    TCase *cases = tcase_create("record");

    tcase_add_checked_fixture(cases, setup, teardown);
    for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
        tcase_add_test(cases, tests[i]);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
