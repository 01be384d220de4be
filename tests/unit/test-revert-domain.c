/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "unit/revert-case.h"

/* What a revert does to the domain XML, and --save-as to disks that come and go. */

static void
set_domain(struct domain_def **def, const char *from, const char *to)
{
    g_autofree char *text = unit_replace((*def)->document, from, to);
    g_autoptr(GError) error = NULL;
    struct domain_def *changed = domain_def_parse(text, strlen(text), "vm.xml", &error);

    unit_assert_ok(changed != NULL, error);
    domain_def_free(*def);
    *def = changed;
}

START_TEST(whole_definition_comes_back)
{
    scoped(plan) plan = NULL;
    const char *text;

    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s1*:vda=a>a.s1");
    set_domain(&revert_find("s1")->domain, "<devices>", "<memory>64</memory><devices>");
    plan = reverted("s1", NULL);
    text = staged(plan, "/d/vm.xml");
    ck_assert_ptr_nonnull(strstr(text, "<memory>64</memory>"));
    ck_assert_ptr_nonnull(strstr(text, "<source file='/d/a.s1'/>"));
    /* the image keeps its name all the same */
    ck_assert_int_eq(planner_step(plan, "/d/a.s1")->kind, STEP_REPLACE);
}
END_TEST

START_TEST(definition_of_a_running_domain_is_the_inactive_one)
{
    scoped(plan) plan = NULL;
    struct snapshot_def *def;
    g_autofree char *element = NULL;

    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s1*:vda=a>a.s1");
    def = revert_find("s1");
    element = domain_def_element(def->domain);
    def->inactive_domain = domain_def_parse(element, strlen(element), "s1", NULL);
    set_domain(&def->domain, "<devices>", "<memory>1</memory><devices>");
    set_domain(&def->inactive_domain, "<devices>", "<memory>2</memory><devices>");
    plan = reverted("s1", NULL);
    ck_assert_ptr_nonnull(strstr(staged(plan, "/d/vm.xml"), "<memory>2</memory>"));
}
END_TEST

/* One disk that gets an overlay, one that goes back to a tag, one that the snapshot does not cover.
 */
START_TEST(definition_comes_back_without_what_it_says_of_chains)
{
    scoped(plan) plan = NULL;
    const char *text;

    forest_init(&forest, "vda=a.s1 vdb=b vdc=c", "a a.s1<a b c", "s1*:vda=a>a.s1,vdb=b!,vdc=c");
    planner_tag(&forest.planner, forest_image(&forest, "b"), "1", "s1");
    ((struct snapshot_disk *)snapshot_def_find_disk(revert_find("s1"), "vdc"))->snapshot =
        SNAPSHOT_LOCATION_NO;
    set_domain(&revert_find("s1")->domain, "<devices>", "<memory>64</memory><devices>");
    set_domain(&revert_find("s1")->domain, "<target",
               "<backingStore type='file'><format type='raw'/><source file='/d/old'/>"
               "</backingStore><target");
    for (guint i = 0; i < forest.planner.state.frozen->len; i++) {
        struct state_frozen *frozen = g_ptr_array_index(forest.planner.state.frozen, i);

        frozen->path = snapshot_def_frozen_path(frozen->def, frozen->disk->name);
    }
    plan = reverted("s1", NULL);
    text = staged(plan, "/d/vm.xml");
    ck_assert_ptr_null(strstr(text, "backingStore"));
    ck_assert_ptr_nonnull(strstr(text, "<source file='/d/c'/>"));
}
END_TEST

START_TEST(disk_that_the_definition_lacks_gets_no_overlay)
{
    scoped(plan) plan = NULL;
    struct snapshot_def *def;
    g_autofree char *element = NULL;

    forest_init(&forest, "vda=a.s1 vdb=b.s1", "a a.s1<a b b.s1<b", "s1*:vda=a>a.s1,vdb=b>b.s1");
    def = revert_find("s1");
    element = domain_def_element(def->domain);
    def->inactive_domain = domain_def_parse(element, strlen(element), "s1", NULL);
    set_domain(&def->inactive_domain,
               "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
               "<source file='/d/b'/><target dev='vdb'/></disk>",
               "");
    plan = reverted("s1", NULL);
    ck_assert(!touches(plan, "/d/b.s1"));
    forest_assert_note(&forest, "disk 'vdb' of snapshot 's1' is not in the definition");
    ck_assert_ptr_null(strstr(staged(plan, "/d/vm.xml"), "vdb"));
}
END_TEST

START_TEST(disk_attached_since_goes_and_its_image_stays)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1 vdb=b", "a a.s1<a b", "s1*:vda=a>a.s1");
    plan = reverted("s1", NULL);
    ck_assert_ptr_null(strstr(staged(plan, "/d/vm.xml"), "vdb"));
    ck_assert(!touches(plan, "/d/b"));
    forest_assert_note(&forest, "its image '/d/b' is kept");
}
END_TEST

START_TEST(disk_detached_since_comes_back)
{
    scoped(plan) plan = NULL;
    const char *text;

    forest_init(&forest, "vda=a.s1", "a a.s1<a b b.s1<b", "s1*:vda=a>a.s1,vdb=b>b.s1");
    plan = reverted("s1", NULL);
    text = staged(plan, "/d/vm.xml");
    ck_assert_ptr_nonnull(strstr(text, "<source file='/d/b.1795378938'/>"));
    forest_assert_note(&forest, "disk 'vdb' was detached after the snapshot and is part");
    ck_assert(!touches(plan, "/d/b.s1"));
}
END_TEST

/* vdb is in the definition of s1, which does not cover it. */
static void
make_uncovered(const char *disks, const char *images, const char *snapshots)
{
    forest_init(&forest, disks, images, snapshots);
    set_domain(&revert_find("s1")->domain, "</devices>",
               PLANNER_DISK("vdb", "qcow2", "/d/b") "</devices>");
}

START_TEST(disk_that_is_not_covered_goes_on_with_its_image)
{
    scoped(plan) plan = NULL;

    make_uncovered("vda=a.s1 vdb=b.s2", "a a.s1<a b b.s2<b", "s1*:vda=a>a.s1");
    plan = reverted("s1", NULL);
    ck_assert(!touches(plan, "/d/vm.xml"));
    ck_assert(!touches(plan, "/d/b.s2"));
}
END_TEST

/* What the domain says of vdb now is written as FROM became TO in what the snapshot says. */
static void
make_other(const char *from, const char *to)
{
    make_uncovered("vda=a.s1 vdb=b", "a a.s1<a b", "s1*:vda=a>a.s1");
    set_domain(&revert_find("s1")->domain, from, to);
}

START_TEST(disk_that_is_not_covered_keeps_its_format)
{
    scoped(plan) plan = NULL;
    const char *text;

    make_other("type='qcow2'/><source file='/d/b'", "type='raw'/><source file='/d/b'");
    set_domain(&revert_find("s1")->domain, "<devices>", "<memory>64</memory><devices>");
    plan = reverted("s1", NULL);
    text = staged(plan, "/d/vm.xml");
    ck_assert_ptr_nonnull(strstr(text, "type='qcow2'/><source file='/d/b'"));
    ck_assert_ptr_nonnull(strstr(text, "<memory>64"));
}
END_TEST

START_TEST(read_only_disk_with_the_same_image_keeps_its_format)
{
    scoped(plan) plan = NULL;

    make_other("type='qcow2'/><source file='/d/b'", "type='raw'/><source file='/d/b'");
    set_domain(&revert_find("s1")->domain, "<target dev='vdb'/>", "<target dev='vdb'/><readonly/>");
    plan = reverted("s1", NULL);
    ck_assert_ptr_nonnull(strstr(staged(plan, "/d/vm.xml"), "type='qcow2'/><source file='/d/b'"));
}
END_TEST

START_TEST(disk_that_is_not_covered_cannot_change_its_encryption)
{
    static const char *const elements[] = {
        "<source file='/d/b'><encryption format='luks'/></source>",
        "<source file='/d/b'><slices><slice type='storage' offset='0' size='1'/></slices></source>",
    };

    make_other("<source file='/d/b'/>", elements[_i]);
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED,
                   "disk 'vdb' goes on as it is, but has <encryption> or <slices>");
}
END_TEST

START_TEST(detached_disk_does_not_come_back_on_a_frozen_image)
{
    make_uncovered("vda=a.s2", "a a.s2<a b b.x<b", "s1*:vda=a>a.s2 s2^s1:vdb=b>b.x");
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED,
                   "disk 'vdb' was detached since and would come back with image '/d/b', on which "
                   "snapshot 's2' depends now");
}
END_TEST

/* vdb comes back with /d/b, which is not as it was, or not alone. */
static void
b_looks_otherwise(void)
{
    struct image *image = forest_image(&forest, "b");

    image->format = image_format_find_qemu("raw");
    image->looks_like = "qcow2";
}

static void
b_is_a_disk_elsewhere(void)
{
    planner_depend(&forest.planner, forest_image(&forest, "b"), "/d/b of domain 'other'");
}

static const struct returning {
    const char *disks;
    const char *images;
    const char *save_as;
    void (*make)(void);
    enum offshot_error code;
    const char *fragment; /* NULL: it comes back */
} returning[] = {
    {"vda=a.s1", "a a.s1<a b", NULL, NULL, OFFSHOT_ERROR_REFUSED, NULL},
    {"vda=a.s1", "a a.s1<a", NULL, NULL, OFFSHOT_ERROR_INCONSISTENT,
     "disk 'vdb' was detached since and cannot come back as it was, attach it as it is now first: "
     "image '/d/b' does not exist"},
    {"vda=a.s1", "a a.s1<a b", NULL, b_looks_otherwise, OFFSHOT_ERROR_REFUSED,
     "with image '/d/b' as raw, which looks like qcow2"},
    {"vda=a.s1", "a a.s1<a b", NULL, b_is_a_disk_elsewhere, OFFSHOT_ERROR_REFUSED,
     "on which '/d/b of domain 'other'' depends now"},
    {"vda=a.s1 vdc=x", "a a.s1<a b x<b", NULL, NULL, OFFSHOT_ERROR_REFUSED,
     "on which '/d/x' depends now"},
    /* under another target, which leaves */
    {"vda=a.s1 vdc=b", "a a.s1<a b", NULL, NULL, OFFSHOT_ERROR_REFUSED, NULL},
    {"vda=b", "a b", NULL, NULL, OFFSHOT_ERROR_REFUSED, NULL},
    {"vda=b", "a b", "s2", NULL, OFFSHOT_ERROR_REFUSED, "on which snapshot 's2' depends now"},
};

START_TEST(disk_comes_back_when_its_image_is_what_it_was)
{
    const struct returning *wanted = &returning[_i];
    scoped(plan) plan = NULL;

    make_uncovered(wanted->disks, wanted->images, "s1*:vda=a>a.s1");
    if (wanted->make)
        wanted->make();
    if (wanted->fragment) {
        assert_refused("s1", wanted->save_as, wanted->code, wanted->fragment);
        return;
    }
    plan = reverted("s1", wanted->save_as);
    ck_assert_ptr_nonnull(strstr(staged(plan, "/d/vm.xml"), "<source file='/d/b'/>"));
    ck_assert(!touches(plan, "/d/b"));
}
END_TEST

/* vdc stays, or comes back as well; what s1 holds is vda alone. */
static const struct together {
    const char *disks;
    const char *images;
    const char *other; /* what the definition has as vdc */
    const char *flags; /* of both disks */
    bool refused;
} together[] = {
    {"vda=a.s1 vdc=b", "a a.s1<a b", "/d/c", "", true},
    {"vda=a.s1 vdc=c", "a a.s1<a c b<c", "/d/c", "", true},
    {"vda=a.s1", "a a.s1<a c b<c", "/d/c", "", true},
    {"vda=a.s1", "a a.s1<a b", "/d/b", "", true},
    {"vda=a.s1 vdc=c", "a a.s1<a b c", "/d/c", "", false},
    {"vda=a.s1 vdc=c", "a a.s1<a t b<t c<t", "/d/c", "<readonly/>", false},
    {"vda=a.s1", "a a.s1<a b", "/d/b", "<readonly/>", false},
    {"vda=a.s1", "a a.s1<a b", "/d/b", "<shareable/>", false},
    /* how it is now is not our business */
    {"vda=a.s1 vdb=b vdc=b", "a a.s1<a b", "/d/b", "", false},
};

START_TEST(no_two_disks_come_to_one_image)
{
    const struct together *wanted = &together[_i];
    g_autofree char *vdb = g_strdup_printf("<target dev='vdb'/>%s", wanted->flags);
    g_autofree char *vdc = g_strdup_printf(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='%s'/>"
        "<target dev='vdc'/>%s</disk></devices>",
        wanted->other, wanted->flags);
    scoped(plan) plan = NULL;

    make_uncovered(wanted->disks, wanted->images, "s1*:vda=a>a.s1");
    set_domain(&revert_find("s1")->domain, "<target dev='vdb'/>", vdb);
    set_domain(&revert_find("s1")->domain, "</devices>", vdc);
    if (wanted->refused)
        assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "would come back with image '/d/");
    else
        plan = reverted("s1", NULL);
}
END_TEST

START_TEST(disk_under_another_target_is_not_taken_for_that_target)
{
    static const char *const disks[] = {"vda=b vdb=a.s1", "vdb=a.s1"};

    make_uncovered(disks[_i], "a a.s1<a b", "s1*:vda=a>a.s1");
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED,
                   "disk 'vdb' of the domain has image '/d/a.s1' of the disk that snapshot 's1' "
                   "holds as 'vda'");
    forest_clear(&forest);
    make_uncovered("vda=a.s1 vdb=clone", "a a.s1<a b clone<a", "s1*:vda=a>a.s1");
    plan_free(reverted("s1", NULL));
}
END_TEST

START_TEST(read_only_disk_has_the_medium_of_then)
{
    scoped(plan) plan = NULL;
    const char *text;

    make_uncovered("vda=a.s1 vdb=other", "a a.s1<a other", "s1*:vda=a>a.s1");
    set_domain(&revert_find("s1")->domain, "<target dev='vdb'/>", "<target dev='vdb'/><readonly/>");
    plan = reverted("s1", NULL);
    text = staged(plan, "/d/vm.xml");
    ck_assert_ptr_nonnull(strstr(text, "<source file='/d/b'/>"));
}
END_TEST

START_TEST(header_comment_is_kept)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s1*:vda=a>a.s1");
    set_domain(&forest.planner.state.domain, "<domain ", "<!-- mine --><domain ");
    for (guint i = 0; i < forest.planner.state.disks->len; i++)
        g_array_index(forest.planner.state.disks, struct state_disk, i).def =
            g_ptr_array_index(forest.planner.state.domain->disks, i);
    set_domain(&revert_find("s1")->domain, "<devices>", "<memory>64</memory><devices>");
    plan = reverted("s1", NULL);
    ck_assert(g_str_has_prefix(staged(plan, "/d/vm.xml"), "<!-- mine --><domain "));
}
END_TEST

START_TEST(facts_of_a_snapshot_do_not_get_into_the_domain)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s1*:vda=a>a.s1");
    revert_keep_names("s1");
    set_domain(&revert_find("s1")->domain, "<devices>", "<memory>64</memory><devices>");
    plan = reverted("s1", NULL);
    ck_assert_ptr_null(strstr(staged(plan, "/d/vm.xml"), "metadata"));
}
END_TEST

START_TEST(saved_snapshot_follows_the_current_one)
{
    scoped(plan) plan = NULL;
    const char *saved;

    forest_init(&forest, "vda=a.s2", "a a.s1<a a.s2<a.s1", "s1:vda=a>a.s1 s2^s1*:vda=a.s1>a.s2");
    plan = reverted("s1", "s3");
    saved = staged(plan, "/d/vm.snapshots/s3.xml");
    ck_assert_ptr_nonnull(strstr(saved, "<name>s2</name>"));
    ck_assert_ptr_nonnull(strstr(saved, "<active>0</active>"));
    ck_assert_ptr_nonnull(strstr(saved, "<source file='/d/a.s3'/>"));
    ck_assert_ptr_nonnull(strstr(saved, "<source file='/d/a.s2'/>"));
    ck_assert(!touches(plan, "/d/a.s2"));
    ck_assert_uint_eq(report.discarded, 0);
    ck_assert_uint_eq(forest.notes->len, 0);
}
END_TEST

START_TEST(overlay_of_the_current_one_is_listed_apart_when_its_state_is_saved)
{
    scoped(plan) plan = NULL;
    const char *text;

    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s1*:vda=a>a.s1");
    plan = reverted("s1", "s2");
    text = strstr(staged(plan, "/d/vm.snapshots/s1.xml"), "<revertDisks>");
    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "'/d/a.1795378938'"));
}
END_TEST

START_TEST(saved_snapshot_has_the_disks_attached_since)
{
    scoped(plan) plan = NULL;
    const char *saved;

    forest_init(&forest, "vda=a.s1 vdb=b", "a a.s1<a b", "s1*:vda=a>a.s1");
    plan = reverted("s1", "s2");
    saved = staged(plan, "/d/vm.snapshots/s2.xml");
    ck_assert_ptr_nonnull(strstr(saved, "name='vdb' snapshot='external'"));
}
END_TEST

START_TEST(saved_snapshot_does_not_freeze_what_goes_on)
{
    scoped(plan) plan = NULL;
    const char *saved;

    make_uncovered("vda=a.s1 vdb=b", "a a.s1<a b", "s1*:vda=a>a.s1");
    plan = reverted("s1", "s2");
    saved = staged(plan, "/d/vm.snapshots/s2.xml");
    ck_assert_ptr_nonnull(strstr(saved, "name='vdb' snapshot='no'"));
}
END_TEST

START_TEST(saved_snapshot_needs_a_name_of_its_own)
{
    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s1*:vda=a>a.s1");
    assert_refused("s1", "s1", OFFSHOT_ERROR_REFUSED, "has a snapshot 's1' already");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("revert-domain");
    TCase *tests = tcase_create("revert-domain");

    tcase_add_checked_fixture(tests, NULL, revert_teardown);
    tcase_add_test(tests, whole_definition_comes_back);
    tcase_add_test(tests, definition_of_a_running_domain_is_the_inactive_one);
    tcase_add_test(tests, definition_comes_back_without_what_it_says_of_chains);
    tcase_add_test(tests, disk_that_the_definition_lacks_gets_no_overlay);
    tcase_add_test(tests, disk_attached_since_goes_and_its_image_stays);
    tcase_add_test(tests, disk_detached_since_comes_back);
    tcase_add_test(tests, disk_that_is_not_covered_goes_on_with_its_image);
    tcase_add_test(tests, disk_that_is_not_covered_keeps_its_format);
    tcase_add_test(tests, read_only_disk_with_the_same_image_keeps_its_format);
    tcase_add_loop_test(tests, disk_that_is_not_covered_cannot_change_its_encryption, 0, 2);
    tcase_add_test(tests, detached_disk_does_not_come_back_on_a_frozen_image);
    tcase_add_loop_test(tests, disk_comes_back_when_its_image_is_what_it_was, 0,
                        G_N_ELEMENTS(returning));
    tcase_add_loop_test(tests, no_two_disks_come_to_one_image, 0, G_N_ELEMENTS(together));
    tcase_add_loop_test(tests, disk_under_another_target_is_not_taken_for_that_target, 0, 2);
    tcase_add_test(tests, read_only_disk_has_the_medium_of_then);
    tcase_add_test(tests, header_comment_is_kept);
    tcase_add_test(tests, facts_of_a_snapshot_do_not_get_into_the_domain);
    tcase_add_test(tests, saved_snapshot_follows_the_current_one);
    tcase_add_test(tests, overlay_of_the_current_one_is_listed_apart_when_its_state_is_saved);
    tcase_add_test(tests, saved_snapshot_has_the_disks_attached_since);
    tcase_add_test(tests, saved_snapshot_does_not_freeze_what_goes_on);
    tcase_add_test(tests, saved_snapshot_needs_a_name_of_its_own);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
