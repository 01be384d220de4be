/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <inttypes.h>
#include <sys/stat.h>

#include "unit/tree-case.h"

/* base <- kept <- top (active); "lone" stands on base, "old" on lone, and neither is in a chain of
 * the domain.
 */
static void
make_images(void)
{
    scratch_do("qemu-img create -q -f raw base 1M;"
               "qemu-img create -q -f qcow2 -b base -F raw kept;"
               "qemu-img create -q -f qcow2 -b kept -F qcow2 top;"
               "qemu-img create -q -f qcow2 -b base -F raw lone;"
               "qemu-img create -q -f qcow2 -b lone -F qcow2 old");
    tree_save_domain("vm.xml", "vm", "vda=qcow2:top");
}

static void
save_list(const char *lines)
{
    g_autofree char *text = g_strconcat("offshot layers 1\n", lines, NULL);

    tree_save(".vm.offshot/layers", text);
}

/* A line for file NAME of the scratch directory, said to be at PATH. Free with g_free(). */
static char *
line_for(const char *name, bool with_birth, const char *path)
{
    g_autofree char *real = scratch_path(name);
    g_autofree char *said = scratch_path(path);
    struct file_identity identity;
    struct stat st;

    ck_assert_int_eq(stat(real, &st), 0);
    file_identity_set(&identity, &st);
    if (with_birth)
        file_identity_add_birth(&identity, -1, real);
    return g_strdup_printf("%" PRIu64 " %" PRId64 " qcow2 %s\n", identity.inode, identity.birth,
                           said);
}

START_TEST(there_may_be_no_list)
{
    struct tree_case tree;

    make_images();
    tree_load(&tree);
    ck_assert_uint_eq(tree.state->layers_identity.inode, 0);
    ck_assert(!state_is_layer(tree.state, tree_image(&tree, "kept")));
    ck_assert_ptr_null(tree_find(&tree, "old"));
    tree_clear(&tree);
}
END_TEST

/* The list of LAYERS alone. Free with g_free(). */
static char *
format(const struct state *state, const GPtrArray *layers)
{
    g_autoptr(GPtrArray) none = g_ptr_array_new();

    return state_layers_format(state, layers, none, none);
}

START_TEST(what_was_written_is_read)
{
    struct tree_case tree;
    g_autoptr(GPtrArray) layers = g_ptr_array_new();
    g_autofree char *text = NULL;
    g_autofree char *path = NULL;
    g_autofree char *expected = scratch_path(".vm.offshot/layers");
    struct stat st;

    make_images();
    scratch_do("mkdir .vm.offshot; printf 'a %%%%\\n\\377' >name; n=$(cat name; echo x); n=${n%%x};"
               "qemu-img create -q -f qcow2 -b $PWD/base -F raw \"$n\";"
               "qemu-img rebase -u -f qcow2 -b \"$n\" -F qcow2 kept");
    tree_load(&tree);
    path = state_layers_path(tree.state);
    ck_assert_str_eq(path, expected);
    g_ptr_array_add(layers, (void *)tree_image(&tree, "kept"));
    g_ptr_array_add(layers, (void *)tree_image(&tree, "a %\n\377"));
    text = format(tree.state, layers);
    tree_clear(&tree);

    tree_save(".vm.offshot/layers", text);
    tree_load(&tree);
    ck_assert_uint_eq(g_hash_table_size(tree.state->layers), 2);
    ck_assert(state_is_layer(tree.state, tree_image(&tree, "kept")));
    ck_assert(state_is_layer(tree.state, tree_image(&tree, "a %\n\377")));
    ck_assert(!state_is_layer(tree.state, tree_image(&tree, "top")));
    ck_assert(!state_is_layer(tree.state, tree_image(&tree, "base")));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(tree.state->layers_identity.inode, st.st_ino);
    tree_clear(&tree);
}
END_TEST

/* What was flattened is known where it is met, and is no layer. */
START_TEST(flattened_images_are_read)
{
    struct tree_case tree;
    g_autoptr(GPtrArray) layers = g_ptr_array_new();
    g_autoptr(GPtrArray) flattened = g_ptr_array_new();
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autofree char *text = NULL;

    make_images();
    scratch_do("mkdir .vm.offshot");
    tree_load(&tree);
    g_ptr_array_add(layers, (void *)tree_image(&tree, "kept"));
    g_ptr_array_add(flattened, (void *)tree_image(&tree, "top"));
    text = state_layers_format(tree.state, layers, flattened, none);
    tree_clear(&tree);

    tree_save(".vm.offshot/layers", text);
    tree_load(&tree);
    ck_assert(state_was_flattened(tree.state, tree_image(&tree, "top")));
    ck_assert(!state_was_flattened(tree.state, tree_image(&tree, "kept")));
    ck_assert(!state_is_layer(tree.state, tree_image(&tree, "top")));
    ck_assert(state_is_layer(tree.state, tree_image(&tree, "kept")));
    tree_clear(&tree);
}
END_TEST

/* What was kept is known while it is there, and what it stands on has a dependent. */
START_TEST(kept_images_are_read)
{
    struct tree_case tree;
    g_autoptr(GPtrArray) none = g_ptr_array_new();
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    g_autofree char *first = NULL;
    g_autofree char *second = NULL;

    make_images();
    scratch_do("mkdir .vm.offshot e; qemu-img create -q -f qcow2 -b $PWD/kept -F qcow2 e/x");
    tree_load(&tree);
    ck_assert_ptr_null(state_find_dependents(tree.state, tree_image(&tree, "kept")));
    tree_clear(&tree);

    tree_save_domain("vm.xml", "vm", "vda=qcow2:e/x");
    tree_load(&tree);
    g_ptr_array_add(kept, (void *)tree_image(&tree, "e/x"));
    first = state_layers_format(tree.state, none, none, kept);
    tree_clear(&tree);

    tree_save(".vm.offshot/layers", first);
    tree_save_domain("vm.xml", "vm", "vda=qcow2:top");
    tree_load(&tree);
    ck_assert_uint_eq(tree.state->kept->len, 1);
    ck_assert_uint_eq(state_find_dependents(tree.state, tree_image(&tree, "kept"))->len, 1);
    ck_assert_uint_eq(g_hash_table_size(tree.state->layers), 0);
    second = state_layers_format(tree.state, none, none, none);
    ck_assert_str_eq(second, first);
    tree_clear(&tree);

    scratch_do("mv e/x e/y; cp e/y e/x");
    tree_load(&tree);
    ck_assert_ptr_null(tree.state->kept);
    tree_clear(&tree);
}
END_TEST

START_TEST(list_of_nothing_can_be_written)
{
    struct tree_case tree;
    g_autoptr(GPtrArray) layers = g_ptr_array_new();
    g_autofree char *text = NULL;

    make_images();
    scratch_do("mkdir .vm.offshot");
    tree_load(&tree);
    text = format(tree.state, layers);
    tree_clear(&tree);
    tree_save(".vm.offshot/layers", text);
    tree_load(&tree);
    ck_assert_uint_eq(g_hash_table_size(tree.state->layers), 0);
    ck_assert_uint_ne(tree.state->layers_identity.inode, 0);
    tree_clear(&tree);
}
END_TEST

START_TEST(list_belongs_to_its_directory)
{
    struct tree_case tree;
    g_autoptr(GPtrArray) layers = g_ptr_array_new();
    g_autofree char *text = NULL;

    make_images();
    scratch_do("mkdir .vm.offshot");
    tree_load(&tree);
    g_ptr_array_add(layers, (void *)tree_image(&tree, "kept"));
    text = format(tree.state, layers);
    tree_clear(&tree);

    tree_save(".vm.offshot/layers", text);
    scratch_do("mv .vm.offshot away; cp -a away .vm.offshot");
    tree_load(&tree);
    ck_assert_uint_eq(g_hash_table_size(tree.state->layers), 0);
    ck_assert_uint_ne(tree.state->layers_identity.inode, 0);
    tree_clear(&tree);
    scratch_do("rm -r .vm.offshot; mv away .vm.offshot");
    tree_load(&tree);
    ck_assert(state_is_layer(tree.state, tree_image(&tree, "kept")));
    tree_clear(&tree);
}
END_TEST

START_TEST(layer_that_nothing_stands_on_comes_into_the_graph)
{
    struct tree_case tree;
    g_autofree char *line = NULL;

    make_images();
    line = line_for("old", true, "old");
    save_list(line);
    tree_load(&tree);
    ck_assert(state_is_layer(tree.state, tree_image(&tree, "old")));
    ck_assert(!state_is_layer(tree.state, tree_image(&tree, "lone")));
    ck_assert_ptr_eq(tree_image(&tree, "lone")->backing, tree_image(&tree, "base"));
    tree_clear(&tree);
}
END_TEST

START_TEST(another_file_of_the_name_is_no_layer)
{
    struct tree_case tree;
    g_autofree char *lone = NULL;
    g_autofree char *kept = NULL;
    g_autofree char *lines = NULL;

    make_images();
    lone = line_for("top", true, "lone");
    kept = line_for("old", false, "kept");
    lines = g_strconcat(lone, kept, NULL);
    save_list(lines);
    scratch_do("rm old");
    tree_load(&tree);
    ck_assert(!state_is_layer(tree.state, tree_image(&tree, "kept")));
    ck_assert_ptr_null(tree_find(&tree, "lone"));
    tree_clear(&tree);
}
END_TEST

START_TEST(inode_used_again_is_no_layer)
{
    struct tree_case tree;
    g_autofree char *line = NULL;
    g_autofree char *path = scratch_path("kept");
    struct stat st;

    make_images();
    ck_assert_int_eq(stat(path, &st), 0);
    line = g_strdup_printf("%" PRIu64 " 77 qcow2 %s\n", (uint64_t)st.st_ino, path);
    save_list(line);
    tree_load(&tree);
    /* where births are not known, inode and path have to do */
    ck_assert_int_eq(state_is_layer(tree.state, tree_image(&tree, "kept")),
                     tree_image(&tree, "kept")->identity.birth == 0);
    tree_clear(&tree);
}
END_TEST

START_TEST(birth_that_is_not_known_leaves_inode_and_path)
{
    struct tree_case tree;
    g_autofree char *kept = NULL;
    g_autofree char *other = NULL;
    g_autofree char *lines = NULL;

    make_images();
    kept = line_for("kept", false, "kept");
    other = line_for("top", false, "elsewhere");
    lines = g_strconcat(kept, other, NULL);
    save_list(lines);
    tree_load(&tree);
    ck_assert(state_is_layer(tree.state, tree_image(&tree, "kept")));
    ck_assert(!state_is_layer(tree.state, tree_image(&tree, "top")));
    tree_clear(&tree);
}
END_TEST

START_TEST(layer_is_known_by_its_birth_under_another_path)
{
    struct tree_case tree;
    g_autofree char *line = NULL;

    make_images();
    line = line_for("kept", true, "moved/since/kept");
    save_list(line);
    tree_load(&tree);
    ck_assert_int_eq(state_is_layer(tree.state, tree_image(&tree, "kept")),
                     tree_image(&tree, "kept")->identity.birth != 0);
    tree_clear(&tree);
}
END_TEST

START_TEST(layer_with_a_broken_chain_is_passed_over)
{
    struct tree_case tree;
    g_autofree char *lines = NULL;

    make_images();
    lines = line_for("old", true, "old");
    save_list(lines);
    scratch_do("rm lone");
    tree_load(&tree);
    ck_assert_uint_eq(g_hash_table_size(tree.state->layers), 0);
    ck_assert_ptr_null(tree_find(&tree, "old"));
    tree_clear(&tree);
}
END_TEST

static const char *const damaged[] = {
    "",
    "offshot layers 2\n",
    "offshot layers 2\n1 2\n",
    "offshot layers 2\n1 2 a\n",
    "offshot layers 2\n1 2 qcow2 /a\n",
    "offshot layers 2\n1 2 /a\n1 2 /b\n",
    "offshot layers 3\n1 2 /a\n",
    "offshot layers 1\n12 34 qcow2 /a",
    "offshot layers 1\n\n",
    "offshot layers 1\n12 34 qcow2\n",
    "offshot layers 1\n12 34 qcow2 /a b\n",
    "offshot layers 1\n0 34 qcow2 /a\n",
    "offshot layers 1\n012 34 qcow2 /a\n",
    "offshot layers 1\n-1 34 qcow2 /a\n",
    "offshot layers 1\n12 99999999999999999999 qcow2 /a\n",
    "offshot layers 1\n12 34 luks /a\n",
    "offshot layers 1\n12 34 qcow2 a\n",
    "offshot layers 1\n12 34 qcow2 /a%2\n",
    "offshot layers 1\n12 34 qcow2 /a%00\n",
    "offshot layers 1\n12 34 - /a\n",
    "offshot layers 1\n12 34 - /a flattened\n",
    "offshot layers 1\n12 34 qcow2 /a kept\n",
    "offshot layers 1\n12 34 - /a kept kept\n",
};

START_TEST(damaged_list_is_an_error)
{
    struct tree_case tree;
    g_autoptr(GError) error = NULL;

    make_images();
    tree_save(".vm.offshot/layers", damaged[_i]);
    ck_assert_msg(!tree_try(&tree, &error), "taken: %s", damaged[_i]);
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, ".vm.offshot/layers' is damaged");
    domain_location_free(tree.location);
}
END_TEST

START_TEST(list_with_a_nul_is_damaged)
{
    struct tree_case tree;
    g_autoptr(GError) error = NULL;

    make_images();
    scratch_do("mkdir .vm.offshot; printf 'offshot layers 1\\n\\0\\n' >.vm.offshot/layers");
    ck_assert(!tree_try(&tree, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, "is damaged");
    domain_location_free(tree.location);
}
END_TEST

START_TEST(list_must_be_a_file)
{
    struct tree_case tree;
    g_autoptr(GError) error = NULL;

    make_images();
    scratch_do("mkdir .vm.offshot; mkfifo .vm.offshot/layers");
    ck_assert(!tree_try(&tree, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, ".vm.offshot/layers'");
    domain_location_free(tree.location);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("layers");
    TCase *cases = tcase_create("layers");

    if (!scratch_has("qemu-img"))
        return 77;
    tcase_add_checked_fixture(cases, scratch_setup, scratch_teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, there_may_be_no_list);
    tcase_add_test(cases, what_was_written_is_read);
    tcase_add_test(cases, flattened_images_are_read);
    tcase_add_test(cases, kept_images_are_read);
    tcase_add_test(cases, list_of_nothing_can_be_written);
    tcase_add_test(cases, list_belongs_to_its_directory);
    tcase_add_test(cases, layer_that_nothing_stands_on_comes_into_the_graph);
    tcase_add_test(cases, another_file_of_the_name_is_no_layer);
    tcase_add_test(cases, inode_used_again_is_no_layer);
    tcase_add_test(cases, birth_that_is_not_known_leaves_inode_and_path);
    tcase_add_test(cases, layer_is_known_by_its_birth_under_another_path);
    tcase_add_test(cases, layer_with_a_broken_chain_is_passed_over);
    tcase_add_loop_test(cases, damaged_list_is_an_error, 0, G_N_ELEMENTS(damaged));
    tcase_add_test(cases, list_with_a_nul_is_damaged);
    tcase_add_test(cases, list_must_be_a_file);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
