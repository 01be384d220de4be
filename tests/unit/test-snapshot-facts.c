/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-facts.h"

#include "unit/unit.h"

#define OPEN "<offshot:snapshot xmlns:offshot=\"urn:offshot:snapshot:1\">"
#define CLOSE "</offshot:snapshot>"
#define VDA "<offshot:frozen disk=\"vda\" inode=\"12\" size=\"197120\" mtime=\"-5\"/>"
#define VDB                                                                                        \
    "<offshot:frozen disk=\"v&amp;&lt;&quot;b\" inode=\"18446744073709551615\" size=\"0\" "        \
    "mtime=\"1795378938000000001\"/>"

static const struct frozen_image images[] = {
    {"vda", {7, 12, 197120, -5, 0}},
    {"v&<\"b", {7, UINT64_MAX, 0, 1795378938000000001, 0}},
};

static const struct change {
    const char *element;
    size_t count;
    unsigned flags;
    const char *result;
} changes[] = {
    {"<domain><name>vm</name></domain>", 1, 0,
     "<domain><name>vm</name><metadata>" OPEN VDA CLOSE "</metadata></domain>"},
    {"<domain><name>vm</name></domain>", 2, 0,
     "<domain><name>vm</name><metadata>" OPEN VDA VDB CLOSE "</metadata></domain>"},
    {"<domain><name>vm</name></domain>", 0, 0,
     "<domain><name>vm</name><metadata>" OPEN CLOSE "</metadata></domain>"},
    {"<domain><name>vm</name></domain>", 0, SNAPSHOT_FACTS_KEEP_FILENAME,
     "<domain><name>vm</name><metadata><offshot:snapshot "
     "xmlns:offshot=\"urn:offshot:snapshot:1\" keep-filename=\"yes\">" CLOSE
     "</metadata></domain>"},
    {"<domain><name>vm</name></domain>", 0, SNAPSHOT_FACTS_KEEP_FILENAME | SNAPSHOT_FACTS_ADOPTED,
     "<domain><name>vm</name><metadata><offshot:snapshot "
     "xmlns:offshot=\"urn:offshot:snapshot:1\" keep-filename=\"yes\" adopted=\"yes\">" CLOSE
     "</metadata></domain>"},
    /* what others keep there stays */
    {"<domain><metadata><a:x xmlns:a='urn:a' q=\"&#65;\"> t </a:x></metadata><name>vm</name></domain>",
     1, 0,
     "<domain><metadata><a:x xmlns:a='urn:a' q=\"&#65;\"> t </a:x>" OPEN VDA CLOSE
     "</metadata><name>vm</name></domain>"},
    /* what we put there before does not, whatever its prefix */
    {"<domain><metadata>" OPEN VDB CLOSE "</metadata><name>vm</name></domain>", 1, 0,
     "<domain><metadata>" OPEN VDA CLOSE "</metadata><name>vm</name></domain>"},
    {"<domain><metadata><o:snapshot xmlns:o='urn:offshot:snapshot:1'/><a:x xmlns:a='urn:a'/>"
     "</metadata><name>vm</name></domain>",
     1, 0,
     "<domain><metadata><a:x xmlns:a='urn:a'/>" OPEN VDA CLOSE
     "</metadata><name>vm</name></domain>"},
    /* a prefix of ours that means something else */
    {"<domain><metadata><offshot:x xmlns:offshot='urn:other'/></metadata><name>vm</name></domain>",
     1, 0,
     "<domain><metadata><offshot:x xmlns:offshot='urn:other'/>" OPEN VDA CLOSE
     "</metadata><name>vm</name></domain>"},
    {"<domain><metadata/><name>vm</name></domain>", 1, 0,
     "<domain><metadata>" OPEN VDA CLOSE "</metadata><name>vm</name></domain>"},
};

START_TEST(facts_are_set_and_every_other_byte_is_kept)
{
    const struct change *change = &changes[_i];
    g_autoptr(GError) error = NULL;
    g_autofree char *result =
        snapshot_facts_set(change->element, images, change->count, change->flags, &error);
    g_autofree char *again = NULL;

    unit_assert_ok(result != NULL, error);
    ck_assert_str_eq(result, change->result);
    again = snapshot_facts_set(result, images, change->count, change->flags, &error);
    unit_assert_ok(again != NULL, error);
    ck_assert_str_eq(again, result);
}
END_TEST

START_TEST(facts_that_were_set_are_found)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *with = snapshot_facts_set("<domain/>", images, 2, false, &error);
    g_autoptr(GHashTable) facts = NULL;

    unit_assert_ok(with != NULL, error);
    facts = snapshot_facts_frozen(with);
    ck_assert_uint_eq(g_hash_table_size(facts), 2);
    for (size_t i = 0; i < G_N_ELEMENTS(images); i++) {
        const struct frozen_record *found = g_hash_table_lookup(facts, images[i].disk);

        ck_assert_ptr_nonnull(found);
        ck_assert_uint_eq(found->identity.inode, images[i].identity.inode);
        ck_assert_uint_eq(found->identity.size, images[i].identity.size);
        ck_assert_int_eq(found->identity.mtime, images[i].identity.mtime);
        ck_assert_uint_eq(found->directory, 0);
    }
}
END_TEST

START_TEST(facts_that_cannot_be_understood_are_left_out)
{
    static const char *const elements[] = {
        "<domain/>",
        "<domain>",
        "<domain><metadata/></domain>",
        "<domain><metadata>" OPEN "<offshot:frozen disk='a' inode='1' size='2'/>" CLOSE
        "</metadata></domain>",
        "<domain><metadata>" OPEN "<offshot:frozen disk='a' inode='x' size='2' mtime='3'/>" CLOSE
        "</metadata></domain>",
        "<domain><metadata>" OPEN "<frozen disk='a' inode='1' size='2' mtime='3'/>" CLOSE
        "</metadata></domain>",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        g_autoptr(GHashTable) facts = snapshot_facts_frozen(elements[i]);

        ck_assert_uint_eq(g_hash_table_size(facts), 0);
    }
}
END_TEST

static const struct no_domain {
    const char *text;
    const char *fragment;
} no_domains[] = {
    {"", "the domain"},
    {"text", "the domain"},
    {"<domain>", "the domain"},
    {"<domainsnapshot/>", "the domain"},
    {"<!DOCTYPE domain []><domain/>", "DOCTYPE"},
};

START_TEST(what_is_no_domain_is_refused)
{
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(snapshot_facts_set(no_domains[_i].text, images, 1, 0, &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, no_domains[_i].fragment);
    ck_assert_ptr_null(snapshot_facts_clear(no_domains[_i].text, &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, no_domains[_i].fragment);
}
END_TEST

START_TEST(facts_that_are_cleared_leave_what_was_there_before)
{
    static const char *const elements[] = {
        "<domain><name>vm</name></domain>",
        "<domain>\n  <name>vm</name>\n</domain>",
        "<domain>\n  <name>vm</name>\n  <metadata>\n    <a:x xmlns:a='urn:a'/>\n  </metadata>\n"
        "</domain>",
        "<domain><metadata><offshot:x xmlns:offshot='urn:other'/></metadata><name>vm</name></domain>",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *with = snapshot_facts_set(elements[i], images, 2, 0, &error);
        g_autofree char *cleared = with ? snapshot_facts_clear(with, &error) : NULL;

        unit_assert_ok(cleared != NULL, error);
        ck_assert_str_eq(cleared, elements[i]);
    }
}
END_TEST

static const struct clearing {
    const char *element;
    const char *result;
} clearings[] = {
    {"<domain><name>vm</name></domain>", "<domain><name>vm</name></domain>"},
    {"<domain><metadata/><name>vm</name></domain>", "<domain><metadata/><name>vm</name></domain>"},
    {"<domain><metadata> " OPEN CLOSE OPEN VDA CLOSE " </metadata></domain>", "<domain></domain>"},
    {"<domain><metadata x='1'>" OPEN CLOSE "</metadata></domain>",
     "<domain><metadata x='1'></metadata></domain>"},
    {"<domain><metadata><!-- c -->" OPEN CLOSE "</metadata></domain>",
     "<domain><metadata><!-- c --></metadata></domain>"},
    {"<domain><metadata>" OPEN CLOSE "<a/>" OPEN CLOSE "</metadata></domain>",
     "<domain><metadata><a/></metadata></domain>"},
    /* only what is in the domain's own <metadata> */
    {"<domain><x><metadata>" OPEN CLOSE "</metadata></x></domain>",
     "<domain><x><metadata>" OPEN CLOSE "</metadata></x></domain>"},
};

START_TEST(clearing_takes_nothing_that_is_not_ours)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *cleared = snapshot_facts_clear(clearings[_i].element, &error);

    unit_assert_ok(cleared != NULL, error);
    ck_assert_str_eq(cleared, clearings[_i].result);
}
END_TEST

START_TEST(kept_file_names_are_remembered)
{
    static const char domain[] = "<domain><name>vm</name></domain>";
    g_autofree char *kept =
        snapshot_facts_set(domain, images, 1, SNAPSHOT_FACTS_KEEP_FILENAME, NULL);
    g_autofree char *adopted = snapshot_facts_set(domain, images, 1, SNAPSHOT_FACTS_ADOPTED, NULL);
    g_autofree char *not_kept = snapshot_facts_set(kept, images, 1, 0, NULL);

    ck_assert(snapshot_facts_keep_filename(kept));
    ck_assert(!snapshot_facts_keep_filename(not_kept));
    ck_assert(!snapshot_facts_keep_filename(domain));
    ck_assert(!snapshot_facts_keep_filename("no domain"));
    ck_assert(!snapshot_facts_adopted(kept));
    ck_assert(snapshot_facts_adopted(adopted));
    ck_assert(!snapshot_facts_keep_filename(adopted));
    ck_assert(!snapshot_facts_keep_filename(
        "<domain><metadata><snapshot keep-filename='yes'/></metadata></domain>"));
    ck_assert(!snapshot_facts_keep_filename(
        "<domain><metadata><o:snapshot xmlns:o='urn:offshot:snapshot:1' "
        "keep-filename='no'/></metadata></domain>"));
}
END_TEST

static const struct match {
    struct file_identity then;
    struct file_identity now;
    bool expected;
} matches[] = {
    {{1, 12, 5, 7, 0}, {2, 12, 5, 7, 9}, true},
    /* written, or copied */
    {{1, 12, 5, 7, 0}, {2, 12, 6, 8, 9}, true},
    {{1, 12, 5, 7, 0}, {2, 13, 5, 7, 9}, true},
    {{1, 12, 5, 7, 0}, {2, 13, 6, 7, 9}, false},
    {{1, 12, 5, 7, 0}, {2, 13, 5, 8, 9}, false},
    /* where times are kept in units of 100 ns, microseconds, seconds */
    {{1, 12, 5, 1795378938123456789, 0}, {1, 13, 5, 1795378938123456700, 0}, true},
    {{1, 12, 5, 1795378938123456789, 0}, {1, 13, 5, 1795378938123456000, 0}, true},
    {{1, 12, 5, 1795378938123456789, 0}, {1, 13, 5, 1795378938000000000, 0}, true},
    {{1, 12, 5, 1795378938123456789, 0}, {1, 13, 6, 1795378938000000000, 0}, false},
    {{1, 12, 5, 1795378938123456789, 0}, {1, 13, 5, 1795378930000000000, 0}, false},
    {{1, 12, 5, 1795378938123456789, 0}, {1, 13, 5, 1795378939000000000, 0}, false},
    {{1, 12, 5, 1795378938000000000, 0}, {1, 13, 5, 1795378938123456789, 0}, false},
};

START_TEST(file_is_known_by_its_inode_or_as_a_copy)
{
    const struct frozen_record then = {matches[_i].then, 0};

    ck_assert(snapshot_facts_match(&then, &matches[_i].now) == matches[_i].expected);
    ck_assert(snapshot_facts_exclude(&then, 3));
}
END_TEST

START_TEST(what_is_known_in_its_place_only_may_have_been_copied_with_it)
{
    const char element[] =
        "<domain><metadata>" OPEN
        "<offshot:frozen disk=\"vda\" inode=\"12\" directory=\"34\"/>" CLOSE "</metadata></domain>";
    g_autoptr(GHashTable) facts = snapshot_facts_frozen(element);
    const struct frozen_record *then = g_hash_table_lookup(facts, "vda");

    ck_assert_ptr_nonnull(then);
    ck_assert(snapshot_facts_match(then, &(struct file_identity){.inode = 12, .size = 5}));
    ck_assert(!snapshot_facts_match(then, &(struct file_identity){.inode = 13}));
    ck_assert(snapshot_facts_exclude(then, 34));
    ck_assert(!snapshot_facts_exclude(then, 35));
    ck_assert(!snapshot_facts_exclude(&(struct frozen_record){{.inode = 12}, 0}, 0));
}
END_TEST

static const struct clearing forgettings[] = {
    {"<domain><metadata>" OPEN VDA VDB CLOSE "</metadata></domain>",
     "<domain><metadata>" OPEN VDB CLOSE "</metadata></domain>"},
    {"<domain><metadata>" OPEN VDA CLOSE "</metadata></domain>",
     "<domain><metadata>" OPEN CLOSE "</metadata></domain>"},
    {"<domain><metadata>" OPEN VDB CLOSE "</metadata></domain>",
     "<domain><metadata>" OPEN VDB CLOSE "</metadata></domain>"},
    {"<domain><metadata><a:x xmlns:a='urn:a'><a:frozen disk='vda'/></a:x></metadata></domain>",
     "<domain><metadata><a:x xmlns:a='urn:a'><a:frozen disk='vda'/></a:x></metadata></domain>"},
    {"<domain><name>vm</name></domain>", "<domain><name>vm</name></domain>"},
};

START_TEST(what_is_forgotten_of_a_disk_leaves_all_else)
{
    g_autoptr(GHashTable) disks = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    g_hash_table_add(disks, (gpointer) "vda");
    text = snapshot_facts_forget(forgettings[_i].element, disks, &error);
    unit_assert_ok(text != NULL, error);
    ck_assert_str_eq(text, forgettings[_i].result);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("snapshot-facts");
    TCase *cases = tcase_create("snapshot-facts");

    tcase_add_loop_test(cases, facts_are_set_and_every_other_byte_is_kept, 0,
                        G_N_ELEMENTS(changes));
    tcase_add_loop_test(cases, what_is_no_domain_is_refused, 0, G_N_ELEMENTS(no_domains));
    tcase_add_test(cases, facts_that_are_cleared_leave_what_was_there_before);
    tcase_add_loop_test(cases, clearing_takes_nothing_that_is_not_ours, 0, G_N_ELEMENTS(clearings));
    tcase_add_loop_test(cases, file_is_known_by_its_inode_or_as_a_copy, 0, G_N_ELEMENTS(matches));
    tcase_add_test(cases, what_is_known_in_its_place_only_may_have_been_copied_with_it);
    tcase_add_loop_test(cases, what_is_forgotten_of_a_disk_leaves_all_else, 0,
                        G_N_ELEMENTS(forgettings));
    tcase_add_test(cases, facts_that_were_set_are_found);
    tcase_add_test(cases, facts_that_cannot_be_understood_are_left_out);
    tcase_add_test(cases, kept_file_names_are_remembered);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
