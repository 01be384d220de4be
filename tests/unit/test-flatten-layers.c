/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/flatten.h"

#include <glib/gstdio.h>

#include "unit/planner.h"
#include "unit/tree-case.h"

/* Layers without a name that nobody needs when what stood on them stands on nothing. */

/* base <- low <- high <- top (active), of which LAYERS (names) are unnamed layers. */
static void
make_tree(struct tree_case *tree, const char *const *layers)
{
    g_autoptr(GPtrArray) images = g_ptr_array_new();
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autofree char *text = NULL;

    scratch_do("qemu-img create -q -f raw base 1M;"
               "qemu-img create -q -f qcow2 -b base -F raw low;"
               "qemu-img create -q -f qcow2 -b low -F qcow2 high;"
               "qemu-img create -q -f qcow2 -b high -F qcow2 top");
    tree_save_domain("vm.xml", "vm", "vda=qcow2:top");
    scratch_do("mkdir .vm.offshot");
    tree_load(tree);
    for (; *layers; layers++)
        g_ptr_array_add(images, (void *)tree_image(tree, *layers));
    text = state_layers_format(tree->state, images, none, none);
    tree_clear(tree);
    tree_save(".vm.offshot/layers", text);
}

/* The plan for all disks. */
static struct plan *
plan_of(struct tree_case *tree, GPtrArray *notes)
{
    GError *error = NULL;
    struct plan *plan;

    tree_load(tree);
    plan = flatten_plan(tree->state, NULL, notes, &error);
    unit_assert_ok(plan != NULL, error);
    return plan;
}

/* The apply steps of PLAN, names only. Free with g_free(). */
static char *
apply_steps(const struct plan *plan)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(plan->apply, i);
        g_autofree char *name = g_path_get_basename(step->path);

        g_string_append_printf(text, "%s %s%s\n", step_kind_name(step->kind), name,
                               step->guarded ? " guarded" : "");
    }
    return g_string_free(text, FALSE);
}

static const struct layers {
    const char *layers[4];
    const char *script; /* what else there is, or NULL */
    const char *steps;
    const char *left; /* in the list, or NULL */
} cases[] = {
    {{"low", "high"},
     NULL,
     "rebase top\nunlink layers\nunlink high guarded\nunlink low guarded\n",
     NULL},
    {{"high"}, NULL, "rebase top\nunlink layers\nunlink high guarded\n", NULL},
    /* the one above it is somebody's */
    {{"low"}, NULL, "rebase top\n", NULL},
    {{NULL}, NULL, "rebase top\n", NULL},
    /* others stand on it */
    {{"low", "high"},
     "qemu-img create -q -f qcow2 -b low -F qcow2 clone",
     "rebase top\nreplace layers\nunlink high guarded\n",
     "/low\n"},
    {{"low", "high"}, "qemu-img create -q -f qcow2 -b high -F qcow2 clone", "rebase top\n", NULL},
    /* it has other names, or holds what is of use */
    {{"low", "high"}, "ln low name", "rebase top\nreplace layers\nunlink high guarded\n", "/low\n"},
    {{"low", "high"}, "qemu-img snapshot -c tag high", "rebase top\n", NULL},
    /* the active image is no layer that could go, also where the list has it */
    {{"high", "top"}, NULL, "rebase top\nreplace layers\nunlink high guarded\n", "/top\n"},
};

START_TEST(layers_go_that_nobody_needs)
{
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    struct tree_case tree;
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;

    make_tree(&tree, cases[_i].layers);
    if (cases[_i].script)
        scratch_do("%s", cases[_i].script);
    plan = plan_of(&tree, notes);
    steps = apply_steps(plan);
    ck_assert_str_eq(steps, cases[_i].steps);
    if (cases[_i].left) {
        const struct step *stage = g_ptr_array_index(plan->prepare, 0);

        ck_assert_ptr_nonnull(strstr(stage->content, cases[_i].left));
        ck_assert_ptr_null(strstr(stage->content, "/high\n"));
    }
    tree_clear(&tree);
}
END_TEST

START_TEST(layer_that_a_snapshot_needs_stays)
{
    static const char *const layers[] = {"low", "high", NULL};
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    struct tree_case tree;
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;

    make_tree(&tree, layers);
    tree_save_snapshot("s", NULL, "external", "vda=qcow2:low");
    plan = plan_of(&tree, notes);
    steps = apply_steps(plan);
    ck_assert_str_eq(steps, "rebase top\nreplace layers\nunlink high guarded\n");
    ck_assert_uint_eq(notes->len, 1);
    ck_assert_ptr_nonnull(strstr(g_ptr_array_index(notes, 0), "/high' is removed"));
    tree_clear(&tree);
}
END_TEST

START_TEST(layer_that_stays_without_use_is_named)
{
    static const char *const layers[] = {"low", "high", NULL};
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    struct tree_case tree;
    scoped(plan) plan = NULL;

    make_tree(&tree, layers);
    scratch_do("qemu-img snapshot -c tag high");
    plan = plan_of(&tree, notes);
    ck_assert_uint_eq(notes->len, 1);
    ck_assert(
        g_str_has_suffix(g_ptr_array_index(notes, 0), "/high' stays: it holds internal snapshots"));
    tree_clear(&tree);
}
END_TEST

/* The list says that it is ours, once it stands no longer on what a snapshot froze. */
START_TEST(flattened_image_that_was_ours_is_remembered)
{
    static const char *const none[] = {NULL};
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    struct tree_case tree;
    scoped(plan) plan = NULL;
    const struct step *stage;

    make_tree(&tree, none);
    tree_save_snapshot("s", NULL, "external", "vda=qcow2:high");
    plan = plan_of(&tree, notes);
    ck_assert_uint_eq(plan->prepare->len, 1);
    stage = g_ptr_array_index(plan->prepare, 0);
    ck_assert(g_str_has_suffix(stage->content, "/top flattened\n"));
    tree_clear(&tree);
}
END_TEST

START_TEST(what_is_removed_is_locked_and_as_it_was)
{
    static const char *const layers[] = {"high", NULL};
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    struct tree_case tree;
    scoped(plan) plan = NULL;
    g_autofree char *checks = NULL;
    g_autofree char *short_checks = NULL;
    g_autofree char *prefix = NULL;
    const struct step *step;

    make_tree(&tree, layers);
    plan = plan_of(&tree, notes);
    checks = planner_checks(plan);
    prefix = g_strconcat(scratch_directory, "/", NULL);
    short_checks = unit_replace(checks, prefix, "");
    ck_assert_ptr_nonnull(strstr(short_checks, "exclusive top\nlock high\nunwritten low\n"));
    ck_assert_ptr_nonnull(strstr(short_checks, "unchanged high\nunchanged .vm.offshot/layers\n"));
    step = g_ptr_array_index(plan->apply, 2);
    ck_assert_uint_eq(step->old.inode, tree_image(&tree, "high")->identity.inode);
    tree_clear(&tree);
}
END_TEST

int
main(void)
{
    Suite *suite;
    TCase *tests;

    if (!scratch_has("qemu-img"))
        return 77;
    suite = suite_create("flatten-layers");
    tests = tcase_create("flatten-layers");
    tcase_add_checked_fixture(tests, scratch_setup, scratch_teardown);
    tcase_add_loop_test(tests, layers_go_that_nobody_needs, 0, G_N_ELEMENTS(cases));
    tcase_add_test(tests, layer_that_a_snapshot_needs_stays);
    tcase_add_test(tests, layer_that_stays_without_use_is_named);
    tcase_add_test(tests, flattened_image_that_was_ours_is_remembered);
    tcase_add_test(tests, what_is_removed_is_locked_and_as_it_was);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
