/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/publish.h"

#include "unit/planner.h"

#define DISK PLANNER_DISK("vda", "qcow2", "/d/a.qcow2")
#define OLD_DISK PLANNER_DISK("vda", "qcow2", "/d/old.qcow2")
#define VIRSH "virsh -c qemu:///x "
#define DEFINE VIRSH "define /d/vm.xml\n"
#define REDEFINE(name) VIRSH "snapshot-create vm /d/vm.snapshots/" name ".xml --redefine"
#define FORGET(name) VIRSH "snapshot-delete vm --snapshotname " name " --metadata\n"

static struct planner planner;

/* b - a (current), b - c: the order of names is not that of the tree. */
static void
setup(void)
{
    planner_init(&planner, DISK);
    planner_store(&planner, "a", "b", "shutoff", true, DISK);
    planner_store(&planner, "b", NULL, "shutoff", false, DISK);
    planner_store(&planner, "c", "b", "shutoff", false, DISK);
    planner_link(&planner);
}

static void
teardown(void)
{
    planner_clear(&planner);
}

/* The commands, one a line. Free with g_free(). */
static char *
format(const GPtrArray *commands)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < commands->len; i++) {
        g_autofree char *line = g_strjoinv(" ", g_ptr_array_index(commands, i));

        g_string_append_printf(text, "%s\n", line);
    }
    return g_string_free(text, FALSE);
}

static void
assert_commands(const struct publish_known *known, bool prune, const char *want)
{
    const struct publish_request request = {"qemu:///x", known, prune};
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) commands = publish_commands(&planner.state, &request, &error);
    g_autofree char *have = NULL;

    unit_assert_ok(commands != NULL, error);
    have = format(commands);
    ck_assert_str_eq(have, want);
}

START_TEST(a_daemon_that_is_not_asked_is_told_everything_parents_first)
{
    assert_commands(NULL, false,
                    DEFINE REDEFINE("b") "\n" REDEFINE("a") " --current\n" REDEFINE("c") "\n");
}
END_TEST

/* What a daemon knows: its domain has DISKS (NULL: it knows none), and the snapshots whose names
 * SAME lists as they are here, those in OTHER with another parent, those in NAMES by name only.
 */
static const struct knows {
    const char *disks;
    const char *same;
    const char *other;
    const char *names;
    bool same_current;
    bool prune;
    const char *commands;
} knows[] = {
    {NULL, "", "", "", false, false,
     DEFINE REDEFINE("b") "\n" REDEFINE("a") " --current\n" REDEFINE("c") "\n"},
    {DISK, "a b c", "", "", true, false, ""},
    {DISK, "a b c", "", "", true, true, ""},
    {DISK, "a b c", "", "", false, false, REDEFINE("a") " --current\n"},
    {OLD_DISK, "a b c", "", "", true, false, DEFINE},
    {DISK, "a b", "c", "", true, false, REDEFINE("c") "\n"},
    {DISK, "a b", "", "", true, false, REDEFINE("c") "\n"},
    /* by a definition that cannot be read */
    {DISK, "a b", "", "c", true, false, REDEFINE("c") "\n"},
    {DISK, "a c", "", "", true, false, REDEFINE("b") "\n"},
    {DISK, "a b c", "", "y x", true, true, FORGET("x") FORGET("y")},
    /* what hangs on one that goes has its own parent by then */
    {DISK, "b c", "a", "x", false, true, REDEFINE("a") " --current\n" FORGET("x")},
};

static void
know(struct publish_known *known, const char *names, const char *parent)
{
    g_auto(GStrv) list = g_strsplit(names, " ", -1);

    for (size_t i = 0; list[i] && list[i][0]; i++) {
        const struct snapshot_def *ours =
            snapshot_tree_get(planner.state.snapshots->tree, list[i], NULL);
        const struct snapshot_def_change change = {.active = -1,
                                                   .set_parent = parent != NULL,
                                                   .parent = parent};
        g_autofree char *text = snapshot_def_rewrite(ours, &change, NULL);

        g_hash_table_insert(known->snapshots, g_strdup(list[i]),
                            snapshot_def_parse(text, strlen(text), "x", SNAPSHOT_DEF_STORED, NULL));
    }
}

START_TEST(a_daemon_is_told_what_it_does_not_know)
{
    const struct knows *row = &knows[_i];
    scoped(publish_known) known = publish_known_new();
    g_auto(GStrv) names = g_strsplit(row->names, " ", -1);

    if (row->disks) {
        g_autofree char *text =
            g_strdup_printf("<domain type='qemu'><uuid>" PLANNER_UUID
                            "</uuid><name>vm</name><devices>%s</devices></domain>",
                            row->disks);

        known->domain = domain_def_parse(text, strlen(text), "theirs", NULL);
    }
    know(known, row->same, NULL);
    know(known, row->other, "x");
    for (size_t i = 0; names[i] && names[i][0]; i++)
        g_hash_table_insert(known->snapshots, g_strdup(names[i]), NULL);
    known->same_current = row->same_current;
    assert_commands(known, row->prune, row->commands);
}
END_TEST

/* virsh takes a number for an ID, and looks for a UUID before a name. */
START_TEST(domain_is_named_so_that_virsh_takes_it_for_no_other)
{
    static const struct {
        const char *name;
        bool by_name;
    } cases[] = {
        {"vm", true},  {"vm 1", true},  {"1a", true}, {"a-1", true},         {"17", false},
        {"-x", false}, {"a\nb", false}, {"", false},  {PLANNER_UUID, false}, {"a\x7f", false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_free(planner.state.domain->name);
        planner.state.domain->name = g_strdup(cases[i].name);
        ck_assert_str_eq(publish_domain_word(&planner.state),
                         cases[i].by_name ? cases[i].name : PLANNER_UUID);
    }
}
END_TEST

static void
assert_refused(const struct publish_known *known, int code, const char *text)
{
    const struct publish_request request = {"qemu:///x", known, known != NULL};
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(publish_commands(&planner.state, &request, &error));
    unit_assert_error(error, code, text);
}

START_TEST(a_domain_that_libvirt_would_complete_by_chance_is_refused)
{
    planner.state.domain->lacks_mac = true;
    assert_refused(NULL, OFFSHOT_ERROR_REFUSED, "<mac>");
    g_clear_pointer(&planner.state.domain->uuid, g_free);
    assert_refused(NULL, OFFSHOT_ERROR_REFUSED, "<uuid>");
}
END_TEST

START_TEST(a_snapshot_without_its_parent_is_refused)
{
    planner_store(&planner, "d", "gone", "shutoff", false, DISK);
    snapshot_tree_link(planner.state.snapshots->tree, planner.state.snapshots->problems);
    assert_refused(NULL, OFFSHOT_ERROR_INCONSISTENT, "'gone'");
}
END_TEST

START_TEST(a_daemon_that_may_know_more_is_told_nothing)
{
    scoped(publish_known) known = publish_known_new();
    const struct publish_request request = {"qemu:///x", known, false};
    g_autoptr(GError) error = NULL;

    g_hash_table_insert(known->snapshots, g_strdup("newer"), NULL);
    ck_assert_ptr_null(publish_commands(&planner.state, &request, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "'newer', which is not here");
}
END_TEST

START_TEST(nothing_is_forgotten_when_a_file_cannot_be_read)
{
    scoped(publish_known) known = publish_known_new();

    g_ptr_array_add(planner.state.snapshots->problems, g_strdup("'x.xml' is damaged"));
    g_hash_table_insert(known->snapshots, g_strdup("a"), NULL);
    assert_commands(known, true,
                    DEFINE REDEFINE("b") "\n" REDEFINE("a") " --current\n" REDEFINE("c") "\n");
    g_hash_table_insert(known->snapshots, g_strdup("x"), NULL);
    assert_refused(known, OFFSHOT_ERROR_INCONSISTENT, "not every snapshot");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("publish");
    TCase *cases = tcase_create("publish");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, a_daemon_that_is_not_asked_is_told_everything_parents_first);
    tcase_add_loop_test(cases, a_daemon_is_told_what_it_does_not_know, 0, G_N_ELEMENTS(knows));
    tcase_add_test(cases, domain_is_named_so_that_virsh_takes_it_for_no_other);
    tcase_add_test(cases, a_domain_that_libvirt_would_complete_by_chance_is_refused);
    tcase_add_test(cases, a_snapshot_without_its_parent_is_refused);
    tcase_add_test(cases, a_daemon_that_may_know_more_is_told_nothing);
    tcase_add_test(cases, nothing_is_forgotten_when_a_file_cannot_be_read);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
