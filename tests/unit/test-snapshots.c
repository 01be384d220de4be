/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "store/snapshots.h"

#include "unit/scratch.h"
#include "unit/unit.h"

static char *directory;

static void
setup(void)
{
    scratch_setup();
    directory = scratch_path("store");
    scratch_do("mkdir store");
}

static void
teardown(void)
{
    g_clear_pointer(&directory, g_free);
    scratch_teardown();
}

/* Store snapshot NAME in FILE; PARENT may be NULL. */
static void
store(const char *file, const char *name, const char *parent, bool active)
{
    g_autofree char *path = g_build_filename(directory, file, NULL);
    g_autofree char *link =
        parent ? g_strdup_printf("<parent><name>%s</name></parent>", parent) : g_strdup("");
    g_autofree char *text = g_strdup_printf(
        "<domainsnapshot><name>%s</name><state>shutoff</state>%s<creationTime>1</creationTime>"
        "<domain><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid></domain><active>%d</active>"
        "</domainsnapshot>\n",
        name, link, active);

    ck_assert(g_file_set_contents(path, text, -1, NULL));
}

static struct snapshot_store *
load(void)
{
    g_autoptr(GError) error = NULL;
    struct snapshot_store *loaded = snapshot_store_load(directory, &error);

    unit_assert_ok(loaded != NULL, error);
    return loaded;
}

static bool
has_problem(const struct snapshot_store *loaded, const char *fragment)
{
    for (guint i = 0; i < loaded->problems->len; i++) {
        if (strstr(g_ptr_array_index(loaded->problems, i), fragment))
            return true;
    }
    return false;
}

START_TEST(store_that_is_not_there_is_empty)
{
    scoped(snapshot_store) loaded = NULL;

    scratch_do("rmdir store");
    loaded = load();
    ck_assert(!loaded->exists);
    ck_assert_uint_eq(snapshot_tree_count(loaded->tree), 0);
    ck_assert_uint_eq(loaded->problems->len, 0);
    ck_assert_str_eq(loaded->directory, directory);
}
END_TEST

START_TEST(store_that_is_no_directory_is_an_error)
{
    g_autoptr(GError) error = NULL;

    scratch_do("rmdir store; touch store");
    ck_assert_ptr_null(snapshot_store_load(directory, &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "store");
}
END_TEST

START_TEST(snapshots_are_found_with_their_files)
{
    g_autofree char *path = g_build_filename(directory, "s2.xml", NULL);
    scoped(snapshot_store) loaded = NULL;
    const struct snapshot_file *file;
    struct stat st;

    store("s1.xml", "s1", NULL, false);
    store("s2.xml", "s2", "s1", true);
    loaded = load();
    ck_assert(loaded->exists);
    ck_assert_uint_eq(loaded->problems->len, 0);
    ck_assert_uint_eq(snapshot_tree_count(loaded->tree), 2);
    ck_assert_str_eq(snapshot_tree_current(loaded->tree)->name, "s2");
    ck_assert_str_eq(snapshot_tree_parent(loaded->tree, "s2")->name, "s1");
    file = snapshot_store_find_file(loaded, "s2");
    ck_assert_str_eq(file->path, path);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(file->identity.inode, st.st_ino);
    ck_assert_ptr_null(snapshot_store_find_file(loaded, "s3"));
}
END_TEST

START_TEST(name_of_a_file_is_that_of_its_snapshot)
{
    scoped(snapshot_store) loaded = load();
    g_autofree char *path = snapshot_store_path(loaded, "a b");
    g_autofree char *want = g_build_filename(directory, "a b.xml", NULL);

    ck_assert_str_eq(path, want);
}
END_TEST

/* What may lie among the snapshots; each is reported by its name, and the snapshot beside it is
 * found. */
static const struct damage {
    const char *script;
    const char *fragment;
} damages[] = {
    {"echo nonsense >store/x.xml", "x.xml"},
    {": >store/x.xml", "x.xml"},
    {"mkdir store/x.xml", "x.xml"},
    {"mkfifo store/x.xml", "x.xml"},
    {"ln -s nowhere store/x.xml", "x.xml"},
    {"ln -s /dev/zero store/x.xml", "x.xml"},
    {"echo mine >store/notes.txt", "notes.txt"},
    {"echo mine >store/.hidden", ".hidden"},
    {"head -c 1048577 /dev/zero >store/x.xml", "x.xml"},
    {"sed 's/<active>.*active>//' store/s1.xml >store/x.xml", "x.xml"},
    {"sed 's/<name>s1<.name>//' store/s1.xml >store/x.xml", "x.xml"},
    {"sed '1s/^/<!DOCTYPE x []>/' store/s1.xml >store/x.xml", "x.xml"},
    {"printf '\\377' | cat store/s1.xml - >store/x.xml", "x.xml"},
    {"cp store/s1.xml store/x.xml", "is not used"},
    {"sed 's/s1/other/; s/<active>1/<active>0/' store/s1.xml >store/x.xml",
     "should lie in 'other.xml'"},
};

START_TEST(damaged_entry_is_a_problem_and_no_failure)
{
    scoped(snapshot_store) loaded = NULL;

    store("s1.xml", "s1", NULL, true);
    scratch_do("%s", damages[_i].script);
    loaded = load();
    ck_assert_msg(has_problem(loaded, damages[_i].fragment), "no problem: %s", damages[_i].script);
    ck_assert_uint_eq(loaded->problems->len, 1);
    ck_assert_ptr_nonnull(snapshot_tree_find(loaded->tree, "s1"));
    ck_assert_ptr_nonnull(snapshot_tree_current(loaded->tree));
}
END_TEST

START_TEST(snapshot_in_a_file_of_another_name_is_found_by_its_own)
{
    scoped(snapshot_store) loaded = NULL;

    store("file.xml", "inside", NULL, false);
    loaded = load();
    ck_assert_ptr_nonnull(snapshot_tree_find(loaded->tree, "inside"));
    ck_assert_ptr_null(snapshot_tree_find(loaded->tree, "file"));
    ck_assert(g_str_has_suffix(snapshot_store_find_file(loaded, "inside")->path, "/file.xml"));
}
END_TEST

START_TEST(missing_parent_cycle_and_second_current_are_problems)
{
    scoped(snapshot_store) loaded = NULL;

    store("orphan.xml", "orphan", "gone", true);
    store("a.xml", "a", "b", true);
    store("b.xml", "b", "a", false);
    loaded = load();
    ck_assert_uint_eq(snapshot_tree_count(loaded->tree), 3);
    ck_assert(has_problem(loaded, "gone"));
    ck_assert_uint_eq(loaded->problems->len, 3);
    ck_assert_ptr_nonnull(snapshot_tree_current(loaded->tree));
}
END_TEST

#define ONE "c7a5fdbd-edaf-9455-926a-d65c16db1809"
#define TWO "d7a5fdbd-edaf-9455-926a-d65c16db1809"
#define DOMAIN(element, uuid)                                                                      \
    "<" element " type='kvm'><name>vm</name><uuid>" uuid "</uuid></" element ">"

static const struct {
    const char *held;
    const char *uuid; /* of the domain, NULL: it has none */
    bool fine;
} uuids[] = {
    {DOMAIN("domain", ONE), ONE, true},
    {DOMAIN("domain", ONE) DOMAIN("inactiveDomain", ONE), ONE, true},
    {DOMAIN("domain", ONE), NULL, true},
    {"<domain type='kvm'><name>vm</name></domain>", ONE, true},
    {"", ONE, true},
    {DOMAIN("domain", ONE), TWO, false},
    {DOMAIN("domain", ONE) DOMAIN("inactiveDomain", TWO), ONE, false},
};

START_TEST(snapshot_of_a_domain_with_another_uuid_is_a_problem)
{
    g_autofree char *path = g_build_filename(directory, "s.xml", NULL);
    g_autofree char *text =
        g_strdup_printf("<domainsnapshot><name>s</name><state>shutoff</state>"
                        "<creationTime>1</creationTime>%s<active>0</active></domainsnapshot>",
                        uuids[_i].held);
    const struct domain_def domain = {.name = (char *)"vm", .uuid = (char *)uuids[_i].uuid};
    scoped(snapshot_store) loaded = NULL;

    ck_assert(g_file_set_contents(path, text, -1, NULL));
    loaded = load();
    ck_assert_uint_eq(loaded->problems->len, 0);
    snapshot_store_check_domain(loaded, &domain);
    ck_assert_uint_eq(loaded->problems->len, uuids[_i].fine ? 0 : 1);
    ck_assert_int_eq(has_problem(loaded, "s.xml' holds a snapshot of a domain with another uuid"),
                     !uuids[_i].fine);
    ck_assert_ptr_nonnull(snapshot_tree_find(loaded->tree, "s"));
}
END_TEST

START_TEST(hundreds_of_snapshots_are_loaded)
{
    scoped(snapshot_store) loaded = NULL;

    for (int i = 0; i < 500; i++) {
        g_autofree char *name = g_strdup_printf("s%d", i);
        g_autofree char *file = g_strdup_printf("s%d.xml", i);
        g_autofree char *parent = i > 0 ? g_strdup_printf("s%d", i - 1) : NULL;

        store(file, name, parent, i == 499);
    }
    loaded = load();
    ck_assert_uint_eq(snapshot_tree_count(loaded->tree), 500);
    ck_assert_uint_eq(loaded->problems->len, 0);
    ck_assert_str_eq(snapshot_tree_current(loaded->tree)->name, "s499");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("snapshots");
    TCase *cases = tcase_create("snapshots");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, store_that_is_not_there_is_empty);
    tcase_add_test(cases, store_that_is_no_directory_is_an_error);
    tcase_add_test(cases, snapshots_are_found_with_their_files);
    tcase_add_test(cases, name_of_a_file_is_that_of_its_snapshot);
    tcase_add_loop_test(cases, damaged_entry_is_a_problem_and_no_failure, 0, G_N_ELEMENTS(damages));
    tcase_add_test(cases, snapshot_in_a_file_of_another_name_is_found_by_its_own);
    tcase_add_test(cases, missing_parent_cycle_and_second_current_are_problems);
    tcase_add_loop_test(cases, snapshot_of_a_domain_with_another_uuid_is_a_problem, 0,
                        G_N_ELEMENTS(uuids));
    tcase_add_test(cases, hundreds_of_snapshots_are_loaded);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
