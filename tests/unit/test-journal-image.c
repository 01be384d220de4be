/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/journal.h"
#include "txn/run.h"

#include "unit/scratch.h"
#include "unit/unit.h"

/* What version 2 of the journal keeps: steps that change images, and how far they are. */

#define BOOT "11111111-2222-3333-4444-555555555555"

/* A plan of all steps that change images, whose texts come from NAME. */
static struct plan *
plan_of(const char *name)
{
    const struct file_identity old = {7, 8, 9, 1795378938000000000, 11};
    const struct step_image_spec file = {name, "qcow2", false};
    const struct step_image_spec device = {name, "qcow2", true};
    const struct step_link link = {(char *)name, (char *)"raw"};
    const struct step_link none = {NULL, NULL};
    char *argv[] = {(char *)"program", NULL};
    struct plan *plan = plan_new("delete", "vm", "s1");
    struct step *step;

    plan_check_lock(plan, "/read", &old);
    plan_check_exclusive(plan, name, &old);
    plan_add_convert(plan, 1, name, argv, name);
    plan_add_take_tag(plan, 1, &file, name);
    plan_add_apply_tag(plan, 3, &device, name, "undo")->begun = true;
    plan_add_commit(plan, 0, &file, name, 200)->made = old;
    plan_add_rebase(plan, 0, &device, &link, name, &none);
    plan_add_rebase(plan, 0, &file, &none, NULL, &link);
    plan_add_relink(plan, 1, &file, &link, &link);
    plan_add_replace(plan, 1, name, "/replaced", &old)->discards = true;
    plan_add_replace(plan, 2, name, "/vm.xml", &old)->digest = g_strdup("0123456789abcdef");
    plan_add_unlink(plan, 4, name)->guarded = true;
    plan_add_unlink(plan, 4, name)->yields = true;
    step = plan_add_delete_tag(plan, 4, &file, name);
    step->tag_id = g_strdup(name);
    step->tag_date = 1795378938123456789;
    plan->applied = 3;
    return plan;
}

static void
assert_same_text(const char *one, const char *two)
{
    ck_assert_int_eq(g_strcmp0(one, two), 0);
}

static void
assert_same_link(const struct step_link *one, const struct step_link *two)
{
    assert_same_text(one->backing, two->backing);
    assert_same_text(one->format, two->format);
}

static void
assert_same_steps(const GPtrArray *have, const GPtrArray *want)
{
    ck_assert_uint_eq(have->len, want->len);
    for (guint i = 0; i < have->len; i++) {
        const struct step *one = g_ptr_array_index(have, i);
        const struct step *two = g_ptr_array_index(want, i);

        ck_assert_int_eq(one->kind, two->kind);
        ck_assert_uint_eq(one->rank, two->rank);
        assert_same_text(one->path, two->path);
        assert_same_text(one->source, two->source);
        assert_same_text(one->format, two->format);
        assert_same_text(one->tag, two->tag);
        assert_same_text(one->tag_id, two->tag_id);
        ck_assert_int_eq(one->tag_date, two->tag_date);
        assert_same_text(one->undo, two->undo);
        assert_same_text(one->base, two->base);
        assert_same_text(one->digest, two->digest);
        assert_same_link(&one->link, &two->link);
        assert_same_link(&one->old_link, &two->old_link);
        ck_assert_uint_eq(one->depth, two->depth);
        ck_assert_int_eq(one->block, two->block);
        ck_assert_int_eq(one->guarded, two->guarded);
        ck_assert_int_eq(one->discards, two->discards);
        ck_assert_int_eq(one->yields, two->yields);
        ck_assert(file_identity_is_unchanged(&one->made, &two->made));
        ck_assert_ptr_null(one->argv);
    }
}

static struct journal *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct journal *journal = journal_parse(text, strlen(text), BOOT, &error);

    unit_assert_ok(journal != NULL, error);
    return journal;
}

static const char *const names[] = {"/image", "/a b,c=d%41\n[x]\n", "/latin1-\xe9\xff", "/ümlaut"};

START_TEST(image_steps_are_read_again)
{
    scoped(plan) plan = plan_of(names[_i]);
    g_autofree char *text = journal_format(plan, PLAN_APPLY, BOOT);
    scoped(journal) journal = parse(text);

    ck_assert(g_str_has_prefix(text, "offshot-journal 2 "));
    assert_same_steps(journal->plan->prepare, plan->prepare);
    assert_same_steps(journal->plan->apply, plan->apply);
    ck_assert_uint_eq(journal->plan->applied, 3);
}
END_TEST

START_TEST(locks_stay_as_strict_as_they_were)
{
    scoped(plan) plan = plan_of("/image");
    g_autofree char *text = journal_format(plan, PLAN_APPLY, BOOT);
    scoped(journal) journal = parse(text);
    const struct plan_check *shared;
    const struct plan_check *exclusive;

    ck_assert_uint_eq(journal->plan->checks->len, 2);
    shared = g_ptr_array_index(journal->plan->checks, 0);
    exclusive = g_ptr_array_index(journal->plan->checks, 1);
    ck_assert_int_eq(shared->kind, PLAN_CHECK_LOCK);
    ck_assert_str_eq(shared->path, "/read");
    ck_assert_int_eq(exclusive->kind, PLAN_CHECK_EXCLUSIVE);
    ck_assert_str_eq(exclusive->path, "/image");
    ck_assert_uint_eq(exclusive->identity.inode, 8);
}
END_TEST

START_TEST(prepare_step_is_begun_when_the_journal_says_so_and_apply_step_always)
{
    scoped(plan) plan = plan_of("/image");
    g_autofree char *text = journal_format(plan, PLAN_APPLY, BOOT);
    scoped(journal) journal = parse(text);

    for (guint i = 0; i < journal->plan->prepare->len; i++) {
        const struct step *step = g_ptr_array_index(journal->plan->prepare, i);

        ck_assert_int_eq(step->begun, step->kind == STEP_APPLY_TAG);
    }
    for (guint i = 0; i < journal->plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(journal->plan->apply, i);

        ck_assert_int_eq(step->begun, step->kind != STEP_REPLACE && step->kind != STEP_UNLINK);
    }
}
END_TEST

/* The boot of a journal stays the one in which its identities were taken, whoever writes it again.
 */
START_TEST(journal_of_another_boot_is_written_again_as_such)
{
    scoped(plan) plan = plan_of("/image");
    g_autofree char *text = journal_format(plan, PLAN_APPLY, BOOT);
    g_autoptr(GError) error = NULL;
    scoped(journal) journal = parse(text);
    scoped(journal) again = NULL;

    scratch_setup();
    unit_assert_ok(journal_save(scratch_directory, journal->plan, PLAN_APPLY, &error), error);
    again = journal_load(scratch_directory, "vm", false, &error);
    unit_assert_ok(again != NULL, error);
    ck_assert(!again->same_boot);
    ck_assert_str_eq(again->plan->boot, BOOT);
    scratch_teardown();
}
END_TEST

static char *
seal(unsigned version, const char *body)
{
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, body, -1);

    return g_strdup_printf("offshot-journal %u %s\n%s", version, sum, body);
}

#define HEAD(phase) "[journal]\nphase=" phase "\noperation=x\ndomain=vm\nboot=" BOOT "\n\n"
#define PREPARE(kind) HEAD("preparing") "[prepare 0]\nkind=" kind "\nrank=0\npath=/p\n"
#define APPLY(kind) HEAD("committed") "[apply 0]\nkind=" kind "\nrank=0\npath=/p\n"

/* Steps, and whether they have all that their recipes need. */
static const struct {
    const char *body;
    bool complete;
} bodies[] = {
    {PREPARE("take-tag") "format=qcow2\ntag=t\n", true},
    {PREPARE("take-tag") "format=qcow2\n", false},
    {PREPARE("take-tag") "tag=t\n", false},
    {PREPARE("apply-tag") "format=qcow2\ntag=t\nundo=u\n", true},
    {PREPARE("apply-tag") "format=qcow2\ntag=t\n", false},
    {PREPARE("apply-tag") "format=qcow2\nundo=u\n", false},
    {PREPARE("convert"), true},
    {PREPARE("commit") "format=qcow2\nsource=/b\ndepth=1\n", false},
    {APPLY("commit") "format=qcow2\nsource=/b\ndepth=1\n", true},
    {APPLY("commit") "format=qcow2\nsource=/b\n", false},
    {APPLY("commit") "format=qcow2\nsource=/b\ndepth=x\n", false},
    {APPLY("commit") "format=qcow2\ndepth=1\n", false},
    {APPLY("commit") "source=/b\ndepth=1\n", false},
    {APPLY("rebase") "format=qcow2\n", true},
    {APPLY("rebase") "format=qcow2\nlink=%zz\n", false},
    {APPLY("rebase"), false},
    {APPLY("relink") "format=qcow2\nlink=b\nlink-format=raw\n", true},
    {APPLY("relink") "link=b\n", false},
    {APPLY("delete-tag") "format=qcow2\ntag=t\n", true},
    {APPLY("delete-tag") "format=qcow2\n", false},
    {APPLY("take-tag") "format=qcow2\ntag=t\n", false},
};

START_TEST(image_step_without_its_recipe_is_refused)
{
    g_autofree char *text = seal(2, bodies[_i].body);
    g_autoptr(GError) error = NULL;
    scoped(journal) journal = journal_parse(text, strlen(text), BOOT, &error);

    ck_assert_msg((journal != NULL) == bodies[_i].complete, "%s", text);
    if (!journal)
        unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "damaged");
}
END_TEST

START_TEST(first_version_is_read_still)
{
    static const char body[] =
        APPLY("replace") "source=/s\nold=1 2 3 4 5\nmade=1 2 3 4 5\n\n[lock 0]\npath=/p\n";
    g_autofree char *text = seal(1, body);
    scoped(journal) journal = parse(text);
    const struct plan_check *lock = g_ptr_array_index(journal->plan->checks, 0);

    ck_assert_uint_eq(journal->plan->apply->len, 1);
    ck_assert_uint_eq(journal->plan->applied, 0);
    ck_assert_int_eq(lock->kind, PLAN_CHECK_LOCK);
}
END_TEST

/* Whether recovering from a journal of PLAN in PHASE is quick. */
static bool
is_quick(const struct plan *plan, enum plan_phase phase)
{
    g_autoptr(GError) error = NULL;

    unit_assert_ok(journal_save(scratch_directory, plan, phase, &error), error);
    return txn_recovery_is_quick(scratch_directory);
}

START_TEST(recovery_is_quick_without_images_to_change)
{
    const struct step_image_spec image = {"/image", "qcow2", false};
    scoped(plan) renames = plan_new("create", "vm", NULL);
    scoped(plan) tags = plan_new("create", "vm", NULL);
    scoped(plan) merge = plan_new("delete", "vm", NULL);

    scratch_setup();
    plan_add_link(renames, 0, "/a", "/b");
    plan_add_unlink(renames, 0, "/a");
    plan_add_take_tag(tags, 0, &image, "t");
    plan_add_stage_file(merge, 0, "/a", "text", NULL);
    plan_add_commit(merge, 0, &image, "/b", 1);
    ck_assert(txn_recovery_is_quick(scratch_directory));
    ck_assert(is_quick(renames, PLAN_PREPARE));
    ck_assert(is_quick(renames, PLAN_APPLY));
    ck_assert(!is_quick(tags, PLAN_PREPARE));
    ck_assert(is_quick(tags, PLAN_APPLY));
    ck_assert(is_quick(merge, PLAN_PREPARE));
    ck_assert(!is_quick(merge, PLAN_APPLY));
    scratch_teardown();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("journal-image");
    TCase *cases = tcase_create("journal-image");

    tcase_add_loop_test(cases, image_steps_are_read_again, 0, G_N_ELEMENTS(names));
    tcase_add_test(cases, locks_stay_as_strict_as_they_were);
    tcase_add_test(cases, prepare_step_is_begun_when_the_journal_says_so_and_apply_step_always);
    tcase_add_test(cases, journal_of_another_boot_is_written_again_as_such);
    tcase_add_loop_test(cases, image_step_without_its_recipe_is_refused, 0, G_N_ELEMENTS(bodies));
    tcase_add_test(cases, first_version_is_read_still);
    tcase_add_test(cases, recovery_is_quick_without_images_to_change);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
