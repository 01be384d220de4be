/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-tree.h"
#include "unit/unit.h"

/* One snapshot of a table: name, parent, and what decides who is current. */
struct row {
    const char *name;
    const char *parent;
    int64_t time;
    bool active;
};

static struct snapshot_def *
make_def(const struct row *row)
{
    struct snapshot_def *def = snapshot_def_new();

    def->name = g_strdup(row->name);
    def->parent = g_strdup(row->parent);
    def->creation_time = row->time;
    def->active = row->active;
    return def;
}

/* A linked tree of ROWS (up to one without a name), with what was found wrong in PROBLEMS. */
static struct snapshot_tree *
make_tree(const struct row *rows, GPtrArray *problems)
{
    struct snapshot_tree *tree = snapshot_tree_new();

    for (; rows->name; rows++)
        ck_assert(snapshot_tree_add(tree, make_def(rows), NULL));
    snapshot_tree_link(tree, problems);
    return tree;
}

/* The names in DEFS, which is freed, with blanks between them. */
static char *
join_names(GPtrArray *defs)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 0; i < defs->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(defs, i);

        g_string_append_printf(text, "%s%s", i > 0 ? " " : "", def->name);
    }
    g_ptr_array_unref(defs);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
check_names(GPtrArray *defs, const char *expected)
{
    g_autofree char *names = join_names(defs);

    ck_assert_str_eq(names, expected);
}

static void
check_parent(const struct snapshot_tree *tree, const char *name, const char *expected)
{
    const struct snapshot_def *parent = snapshot_tree_parent(tree, name);

    ck_assert_msg(g_strcmp0(parent ? parent->name : NULL, expected) == 0, "parent of %s is %s",
                  name, parent ? parent->name : "nobody");
}

static GPtrArray *
new_problems(void)
{
    return g_ptr_array_new_with_free_func(g_free);
}

static const struct row family[] = {
    {"b", "a", 2, false}, {"a", NULL, 1, false}, {"d", "b", 4, true},   {"c", "a", 3, false},
    {"Z", "a", 5, false}, {"e", NULL, 6, false}, {"c2", "c", 7, false}, {0},
};

START_TEST(a_tree_is_walked_in_the_order_of_names)
{
    g_autoptr(GPtrArray) problems = new_problems();
    scoped(snapshot_tree) tree = make_tree(family, problems);

    ck_assert_uint_eq(problems->len, 0);
    ck_assert_uint_eq(snapshot_tree_count(tree), 7);
    check_names(snapshot_tree_all(tree), "Z a b c c2 d e");
    check_names(snapshot_tree_children(tree, NULL), "a e");
    check_names(snapshot_tree_children(tree, "a"), "Z b c");
    check_names(snapshot_tree_children(tree, "e"), "");
    check_names(snapshot_tree_children(tree, "nobody"), "");
    check_names(snapshot_tree_descendants(tree, NULL), "a Z b d c c2 e");
    check_names(snapshot_tree_descendants(tree, "a"), "Z b d c c2");
    check_parent(tree, "d", "b");
    check_parent(tree, "a", NULL);
    check_parent(tree, "nobody", NULL);
    ck_assert_str_eq(snapshot_tree_current(tree)->name, "d");
}
END_TEST

START_TEST(an_empty_tree_has_nothing)
{
    g_autoptr(GPtrArray) problems = new_problems();
    scoped(snapshot_tree) tree = snapshot_tree_new();

    snapshot_tree_link(tree, problems);
    ck_assert_uint_eq(problems->len, 0);
    ck_assert_uint_eq(snapshot_tree_count(tree), 0);
    ck_assert_ptr_null(snapshot_tree_current(tree));
    check_names(snapshot_tree_all(tree), "");
    check_names(snapshot_tree_descendants(tree, NULL), "");
}
END_TEST

START_TEST(find_may_give_nothing_and_get_says_so)
{
    scoped(snapshot_tree) tree = make_tree(family, NULL);
    GError *error = NULL;

    ck_assert_str_eq(snapshot_tree_find(tree, "c")->name, "c");
    ck_assert_ptr_null(snapshot_tree_find(tree, "C"));
    ck_assert_ptr_eq(snapshot_tree_get(tree, "c", NULL), snapshot_tree_find(tree, "c"));
    ck_assert_ptr_null(snapshot_tree_get(tree, "C", &error));
    unit_assert_error(error, OFFSHOT_ERROR_NOT_FOUND, "no snapshot named 'C'");
}
END_TEST

START_TEST(a_second_snapshot_of_one_name_is_refused)
{
    scoped(snapshot_tree) tree = make_tree(family, NULL);
    GError *error = NULL;

    ck_assert(!snapshot_tree_add(tree, make_def(&family[0]), &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, "more than one snapshot 'b'");
    ck_assert_uint_eq(snapshot_tree_count(tree), 7);
}
END_TEST

START_TEST(missing_parent_becomes_a_root)
{
    static const struct row rows[] = {{"a", "gone", 0, false}, {"b", "a", 0, false}, {0}};
    g_autoptr(GPtrArray) problems = new_problems();
    scoped(snapshot_tree) tree = make_tree(rows, problems);

    ck_assert_uint_eq(problems->len, 1);
    ck_assert_str_eq(g_ptr_array_index(problems, 0),
                     "snapshot 'a' has a parent 'gone' that does not exist");
    check_names(snapshot_tree_children(tree, NULL), "a");
    check_parent(tree, "b", "a");
}
END_TEST

START_TEST(a_cycle_is_cut_once_and_nobody_is_lost)
{
    static const struct {
        struct row rows[6];
        const char *roots;
        const char *everybody;
    } cases[] = {
        {{{"a", "a", 0, false}}, "a", "a"},
        {{{"a", "b", 0, false}, {"b", "a", 0, false}}, "b", "b a"},
        {{{"a", "c", 0, false}, {"b", "a", 0, false}, {"c", "b", 0, false}}, "b", "b c a"},
        {{{"a", "b", 0, false}, {"b", "c", 0, false}, {"c", "b", 0, false}, {"r", NULL, 0, false}},
         "c r",
         "c b a r"},
        {{{"t", "u", 0, false}, {"u", "t", 0, false}, {"a", "u", 0, false}, {"z", "t", 0, false}},
         "t",
         "t u a z"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GPtrArray) problems = new_problems();
        scoped(snapshot_tree) tree = make_tree(cases[i].rows, problems);

        ck_assert_uint_eq(problems->len, 1);
        ck_assert_ptr_nonnull(strstr(g_ptr_array_index(problems, 0), "among its ancestors"));
        check_names(snapshot_tree_children(tree, NULL), cases[i].roots);
        check_names(snapshot_tree_descendants(tree, NULL), cases[i].everybody);
    }
}
END_TEST

START_TEST(of_several_active_snapshots_the_newest_is_current)
{
    static const struct row rows[] = {
        {"a", NULL, 5, true}, {"b", "a", 9, true}, {"c", "a", 7, true}, {"d", "a", 10, false}, {0},
    };
    g_autoptr(GPtrArray) problems = new_problems();
    scoped(snapshot_tree) tree = make_tree(rows, problems);

    ck_assert_str_eq(snapshot_tree_current(tree)->name, "b");
    ck_assert_uint_eq(problems->len, 2);
    ck_assert_str_eq(g_ptr_array_index(problems, 0),
                     "snapshot 'a' claims to be the current one, but 'b' is newer");
}
END_TEST

START_TEST(a_deep_tree_needs_no_stack_and_little_time)
{
    scoped(snapshot_tree) tree = snapshot_tree_new();
    g_autoptr(GPtrArray) all = NULL;

    for (int i = 0; i < 50000; i++) {
        g_autofree char *name = g_strdup_printf("s%d", i);
        g_autofree char *parent = i > 0 ? g_strdup_printf("s%d", i - 1) : NULL;
        struct row row = {name, parent, i, false};

        ck_assert(snapshot_tree_add(tree, make_def(&row), NULL));
    }
    snapshot_tree_link(tree, NULL);
    all = snapshot_tree_descendants(tree, NULL);
    ck_assert_uint_eq(all->len, 50000);
    ck_assert_str_eq(((struct snapshot_def *)g_ptr_array_index(all, 49999))->name, "s49999");
}
END_TEST

START_TEST(insertion_is_refused_when_it_would_break_the_tree)
{
    static const struct {
        struct row row;
        enum offshot_error code;
        const char *message;
    } cases[] = {
        {{"n", "gone", 0, false},
         OFFSHOT_ERROR_NOT_FOUND,
         "parent 'gone' of snapshot 'n' does not exist"},
        {{"n", "n", 0, false}, OFFSHOT_ERROR_REFUSED, "snapshot 'n' cannot be its own parent"},
        {{"a", "a", 0, false}, OFFSHOT_ERROR_REFUSED, "snapshot 'a' cannot be its own parent"},
        {{"a", "b", 0, false},
         OFFSHOT_ERROR_REFUSED,
         "parent 'b' of snapshot 'a' is one of its descendants"},
        {{"a", "c2", 0, false},
         OFFSHOT_ERROR_REFUSED,
         "parent 'c2' of snapshot 'a' is one of its descendants"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        scoped(snapshot_tree) tree = make_tree(family, NULL);
        scoped(snapshot_def) def = make_def(&cases[i].row);
        GError *error = NULL;

        ck_assert(!snapshot_tree_check_parent(tree, def->name, def->parent, &error));
        unit_assert_error(error, cases[i].code, cases[i].message);
        ck_assert(!snapshot_tree_insert(tree, def, &error));
        unit_assert_error(error, cases[i].code, cases[i].message);
        check_names(snapshot_tree_descendants(tree, NULL), "a Z b d c c2 e");
        ck_assert_str_eq(snapshot_tree_current(tree)->name, "d");
    }
}
END_TEST

START_TEST(an_inserted_snapshot_takes_its_place)
{
    static const struct {
        struct row row;
        const char *everybody;
        const char *current;
    } cases[] = {
        {{"n", NULL, 0, false}, "a Z b d c c2 e n", "d"},
        {{"n", "d", 0, true}, "a Z b d n c c2 e", "n"},
        {{"b", "e", 0, false}, "a Z c c2 e b d", "d"}, /* replaced, with its children */
        {{"a", "e", 0, false}, "e a Z b d c c2", "d"},
        {{"d", "b", 0, false}, "a Z b d c c2 e", NULL}, /* no longer the current one */
        {{"Z", NULL, 0, true}, "Z a b d c c2 e", "Z"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        scoped(snapshot_tree) tree = make_tree(family, NULL);
        struct snapshot_def *def = make_def(&cases[i].row);
        const struct snapshot_def *current;
        GError *error = NULL;

        unit_assert_ok(snapshot_tree_insert(tree, def, &error), error);
        check_names(snapshot_tree_descendants(tree, NULL), cases[i].everybody);
        current = snapshot_tree_current(tree);
        ck_assert_msg(g_strcmp0(current ? current->name : NULL, cases[i].current) == 0, "case %zu",
                      i);
    }
}
END_TEST

START_TEST(an_inserted_parent_is_found_by_its_children_but_not_below_them)
{
    static const struct row rows[] = {{"a", "gone", 0, false}, {"b", "a", 0, false}, {0}};
    static const struct row good = {"gone", NULL, 0, false};
    static const struct row bad = {"gone", "b", 0, false};
    scoped(snapshot_tree) tree = make_tree(rows, NULL);
    scoped(snapshot_def) cycle = make_def(&bad);
    GError *error = NULL;

    ck_assert(!snapshot_tree_insert(tree, cycle, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "is one of its descendants");
    unit_assert_ok(snapshot_tree_insert(tree, make_def(&good), &error), error);
    check_names(snapshot_tree_descendants(tree, NULL), "gone a b");
}
END_TEST

UNIT_MAIN("snapshot-tree", a_tree_is_walked_in_the_order_of_names, an_empty_tree_has_nothing,
          find_may_give_nothing_and_get_says_so, a_second_snapshot_of_one_name_is_refused,
          missing_parent_becomes_a_root, a_cycle_is_cut_once_and_nobody_is_lost,
          of_several_active_snapshots_the_newest_is_current,
          a_deep_tree_needs_no_stack_and_little_time,
          insertion_is_refused_when_it_would_break_the_tree, an_inserted_snapshot_takes_its_place,
          an_inserted_parent_is_found_by_its_children_but_not_below_them)
