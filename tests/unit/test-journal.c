/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/journal.h"

#include "unit/scratch.h"
#include "unit/unit.h"

#define BOOT "11111111-2222-3333-4444-555555555555"

/* Names that a file may have and that could disturb a text file. */
static const char *const nasty[] = {
    "/a b/c,d=e:f~g",  "/%41%zz%",       "/[group]\n[lock 0]\npath=x", "/tab\tcr\rlf\n",
    " leading/blank ", "/\\s\\n\\t\\\\", "/latin1-\xe9-\xff\xfe",      "/\x01\x02\x7f",
    "/#;comment",      "/ümlaut-日本",   "/\"quotes\"'`$(id)",         "/a=b=c",
};

/* A plan with each kind of step, whose names come from NAME. */
static struct plan *
plan_of(const char *name)
{
    const struct file_identity old = {UINT64_MAX, 2, 3, G_MININT64, 11};
    const struct file_identity image = {7, 8, 9, 1795378938000000000, 11};
    char *argv[] = {(char *)"program", NULL};
    struct plan *plan = plan_new("create", name, name);

    plan_check_absent(plan, "/absent");
    plan_check_lock(plan, name, &image);
    plan_check_space(plan, "/space", 5);
    plan_check_lock(plan, "/second", &old);
    plan_watch_directory(plan, "/first");
    plan_watch_directory(plan, name);
    plan_know_file(plan, &old);
    plan_know_file(plan, &image);
    plan->definition = g_strdup(name);
    plan_add_make_directory(plan, 0, name);
    plan_add_stage_file(plan, 1, name, "content", name);
    plan_add_create_overlay(plan, 1, name, argv, name);
    plan_add_fill_device(plan, 2, name, "/dev/x");
    plan_add_link(plan, 2, name, "/link");
    plan_add_replace(plan, 0, name, "/replaced", &old)->made = image;
    plan_add_replace(plan, 0, name, "/replaced", &old)->yields = true;
    plan_add_install(plan, 1, "/staged", name);
    plan_add_unlink(plan, 4000000000, name)->made = old;
    return plan;
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
        ck_assert_int_eq(one->yields, two->yields);
        ck_assert_str_eq(one->path, two->path);
        ck_assert_int_eq(g_strcmp0(one->source, two->source), 0);
        ck_assert(file_identity_is_unchanged(&one->old, &two->old));
        ck_assert(file_identity_is_unchanged(&one->made, &two->made));
        ck_assert_ptr_null(one->argv);
        ck_assert_ptr_null(one->content);
    }
}

START_TEST(what_is_written_is_read_again)
{
    enum plan_phase phase = _i % 2 == 0 ? PLAN_PREPARE : PLAN_APPLY;
    const char *name = nasty[_i / 2];
    scoped(plan) plan = plan_of(name);
    g_autofree char *text = journal_format(plan, phase, BOOT);
    g_autoptr(GError) error = NULL;
    scoped(journal) journal = journal_parse(text, strlen(text), BOOT, &error);
    const struct plan_check *lock;

    unit_assert_ok(journal != NULL, error);
    ck_assert_int_eq(journal->phase, phase);
    ck_assert(journal->same_boot);
    ck_assert_str_eq(journal->plan->operation, "create");
    ck_assert_str_eq(journal->plan->domain, name);
    ck_assert_str_eq(journal->plan->snapshot, name);
    assert_same_steps(journal->plan->prepare, plan->prepare);
    assert_same_steps(journal->plan->apply, plan->apply);
    ck_assert_uint_eq(journal->plan->checks->len, 2);
    lock = g_ptr_array_index(journal->plan->checks, 0);
    ck_assert_int_eq(lock->kind, PLAN_CHECK_LOCK);
    ck_assert_str_eq(lock->path, name);
    ck_assert_uint_eq(lock->identity.inode, 8);
    ck_assert_uint_eq(journal->plan->directories->len, 2);
    ck_assert_str_eq(g_ptr_array_index(journal->plan->directories, 1), name);
    ck_assert_str_eq(journal->plan->definition, name);
    ck_assert_uint_eq(journal->plan->known->len, 2);
    ck_assert_uint_eq(g_array_index(journal->plan->known, struct file_identity, 1).inode, 8);
    ck_assert_int_eq(lock->identity.mtime, 1795378938000000000);
}
END_TEST

START_TEST(plan_without_snapshot_and_steps_is_read_again)
{
    scoped(plan) plan = plan_new("create", "vm", NULL);
    g_autofree char *text = journal_format(plan, PLAN_PREPARE, BOOT);
    scoped(journal) journal = journal_parse(text, strlen(text), BOOT, NULL);

    ck_assert_ptr_nonnull(journal);
    ck_assert_ptr_null(journal->plan->snapshot);
    ck_assert_ptr_null(journal->plan->definition);
    ck_assert_uint_eq(journal->plan->prepare->len + journal->plan->apply->len, 0);
}
END_TEST

START_TEST(many_steps_keep_their_order)
{
    scoped(plan) plan = plan_new("create", "vm", "s1");
    g_autofree char *text = NULL;
    scoped(journal) journal = NULL;

    for (unsigned i = 0; i < 250; i++) {
        g_autofree char *path = g_strdup_printf("/%u", i);

        plan_add_make_directory(plan, 0, path);
    }
    text = journal_format(plan, PLAN_PREPARE, BOOT);
    journal = journal_parse(text, strlen(text), BOOT, NULL);
    ck_assert_ptr_nonnull(journal);
    assert_same_steps(journal->plan->prepare, plan->prepare);
}
END_TEST

START_TEST(device_numbers_count_only_in_the_boot_that_wrote_them)
{
    static const struct {
        const char *written;
        const char *now;
        bool same;
    } boots[] = {{BOOT, BOOT, true}, {BOOT, "another", false}, {"", "", false}, {BOOT, "", false}};

    for (size_t i = 0; i < G_N_ELEMENTS(boots); i++) {
        scoped(plan) plan = plan_of("/x");
        g_autofree char *text = journal_format(plan, PLAN_PREPARE, boots[i].written);
        scoped(journal) journal = journal_parse(text, strlen(text), boots[i].now, NULL);

        ck_assert_ptr_nonnull(journal);
        ck_assert_int_eq(journal->same_boot, boots[i].same);
    }
}
END_TEST

static void
assert_refused(const char *text, size_t length, const char *what, size_t where)
{
    g_autoptr(GError) error = NULL;
    struct journal *journal = journal_parse(text, length, BOOT, &error);

    ck_assert_msg(journal == NULL, "accepted: %s %zu", what, where);
    ck_assert_msg(error != NULL && error->domain == OFFSHOT_ERROR &&
                      error->code == OFFSHOT_ERROR_INTERRUPTED,
                  "%s %zu: wrong error", what, where);
}

START_TEST(journal_cut_short_is_refused)
{
    scoped(plan) plan = plan_of("/x y");
    g_autofree char *text = journal_format(plan, PLAN_APPLY, BOOT);
    size_t length = strlen(text);

    for (size_t cut = 0; cut < length; cut++) {
        /* A copy of the exact size, so that a sanitizer sees a read past the end. */
        g_autofree char *part = g_malloc(cut + 1);

        memcpy(part, text, cut);
        part[cut] = '\0';
        assert_refused(part, cut, "cut at", cut);
    }
}
END_TEST

START_TEST(journal_with_any_bit_flipped_is_refused)
{
    scoped(plan) plan = plan_of("/x y");
    g_autofree char *text = journal_format(plan, PLAN_APPLY, BOOT);
    size_t length = strlen(text);

    for (size_t at = 0; at < length; at++) {
        text[at] ^= (char)(1 << _i);
        assert_refused(text, length, "bit flipped in byte", at);
        text[at] ^= (char)(1 << _i);
    }
}
END_TEST

START_TEST(journal_with_more_behind_it_is_refused)
{
    scoped(plan) plan = plan_of("/x");
    g_autofree char *text = journal_format(plan, PLAN_APPLY, BOOT);
    g_autofree char *more = g_strconcat(text, "\n", NULL);

    assert_refused(more, strlen(more), "more", 0);
    assert_refused(text, strlen(text) + 1, "NUL", 0);
}
END_TEST

/* TEXT with a first line that fits it. */
static char *
seal(const char *body)
{
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, body, -1);

    return g_strdup_printf("offshot-journal 1 %s\n%s", sum, body);
}

#define HEAD                                                                                       \
    "[journal]\nphase=committed\noperation=create\ndomain=vm\nsnapshot=s1\nboot=" BOOT "\n\n"
#define STEP                                                                                       \
    "[apply 0]\nkind=replace\nrank=0\npath=/p\nsource=/s\nold=1 2 3 4 5\nmade=1 2 3 4 5\n\n"

/* Journals whose checksum is right and whose content is not. */
static const char *const damaged[] = {
    "",
    "[journal]\n",
    "no key file",
    "[journal]\noperation=create\ndomain=vm\nboot=" BOOT "\n",
    "[journal]\nphase=preparing\ndomain=vm\nboot=" BOOT "\n",
    "[journal]\nphase=preparing\noperation=create\nboot=" BOOT "\n",
    "[journal]\nphase=preparing\noperation=create\ndomain=vm\n",
    "[journal]\nphase=done\noperation=create\ndomain=vm\nboot=" BOOT "\n",
    "[journal]\nphase=preparing\noperation=create\ndomain=%zz\nboot=" BOOT "\n",
    "[journal]\nphase=preparing\noperation=create\ndomain=a%00b\nboot=" BOOT "\n",
    HEAD "[apply 0]\n",
    HEAD "[apply 0]\nkind=rebase\nrank=0\npath=/p\n",
    HEAD "[apply 0]\nkind=link\nrank=0\npath=/p\nsource=/s\n",
    HEAD "[prepare 0]\nkind=unlink\nrank=0\npath=/p\n",
    HEAD "[apply 0]\nkind=unlink\nrank=0\n",
    HEAD "[apply 0]\nkind=replace\nrank=0\npath=/p\n",
    HEAD "[apply 0]\nkind=install\nrank=0\npath=/p\n",
    HEAD "[prepare 0]\nkind=link\nrank=0\npath=/p\n",
    HEAD "[prepare 0]\nkind=fill-device\nrank=0\npath=/p\n",
    HEAD "[apply 0]\nkind=unlink\nrank=0\npath=/p\nmade=1 2 3\n",
    HEAD "[apply 0]\nkind=unlink\nrank=0\npath=/p\nmade=1 2 3 4 5 6\n",
    HEAD "[apply 0]\nkind=unlink\nrank=0\npath=/p\nold=one 2 3 4 5\n",
    HEAD STEP "[lock 0]\nold=1 2 3 4 5\n",
    HEAD STEP "[lock 0]\npath=/p\nold=1\n",
};

START_TEST(journal_that_says_nonsense_is_refused)
{
    g_autofree char *text = seal(damaged[_i]);

    assert_refused(text, strlen(text), damaged[_i], (size_t)_i);
}
END_TEST

START_TEST(sealed_journal_is_accepted)
{
    g_autofree char *text = seal(HEAD STEP);
    g_autoptr(GError) error = NULL;
    scoped(journal) journal = journal_parse(text, strlen(text), BOOT, &error);

    unit_assert_ok(journal != NULL, error);
    ck_assert_uint_eq(journal->plan->apply->len, 1);
}
END_TEST

START_TEST(journal_of_another_format_is_refused)
{
    static const struct {
        const char *first;
        const char *fragment;
    } others[] = {
        {"offshot-journal 3 0000", "newer offshot"},
        {"offshot-journal 3", "newer offshot"},
        {"offshot-journal 999999999 x y z", "newer offshot"},
        {"offshot-journal 2 0000", "damaged"},
        {"offshot-journal 0 0000", "damaged"},
        {"offshot-journal -1 0000", ""},
        {"offshot-journal", "damaged"},
        {"another-journal 1 0000", "damaged"},
        {"", "damaged"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
        g_autofree char *text = g_strconcat(others[i].first, "\n" HEAD STEP, NULL);
        g_autoptr(GError) error = NULL;

        ck_assert_ptr_null(journal_parse(text, strlen(text), BOOT, &error));
        unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, others[i].fragment);
    }
}
END_TEST

START_TEST(journal_without_a_checksum_is_refused)
{
    assert_refused("offshot-journal 1\n" HEAD, strlen("offshot-journal 1\n" HEAD), "no sum", 0);
}
END_TEST

/* --- on disk --- */

START_TEST(saved_journal_is_loaded_and_removed)
{
    scoped(plan) plan = plan_of("vm");
    g_autoptr(GError) error = NULL;
    scoped(journal) first = NULL;
    scoped(journal) second = NULL;

    scratch_setup();
    ck_assert(!journal_exists(scratch_directory));
    first = journal_load(scratch_directory, "vm", false, &error);
    ck_assert_ptr_null(first);
    ck_assert_ptr_null(error);
    unit_assert_ok(journal_save(scratch_directory, plan, PLAN_PREPARE, &error), error);
    ck_assert(journal_exists(scratch_directory));
    unit_assert_ok(journal_save(scratch_directory, plan, PLAN_APPLY, &error), error);
    second = journal_load(scratch_directory, "vm", false, &error);
    unit_assert_ok(second != NULL, error);
    ck_assert_int_eq(second->phase, PLAN_APPLY);
    ck_assert(second->same_boot);
    scratch_do("test $(stat -c %%a journal) = 600; test $(ls -A | wc -l) = 1");
    unit_assert_ok(journal_remove(scratch_directory, &error), error);
    unit_assert_ok(journal_remove(scratch_directory, &error), error);
    ck_assert(!journal_exists(scratch_directory));
    scratch_teardown();
}
END_TEST

START_TEST(journal_of_another_domain_is_refused)
{
    scoped(plan) plan = plan_of("vm");
    g_autoptr(GError) error = NULL;
    scoped(journal) any = NULL;

    scratch_setup();
    unit_assert_ok(journal_save(scratch_directory, plan, PLAN_PREPARE, &error), error);
    ck_assert_ptr_null(journal_load(scratch_directory, "other", false, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "of domain 'vm', not of 'other'");
    any = journal_load(scratch_directory, NULL, false, &error);
    unit_assert_ok(any != NULL, error);
    scratch_teardown();
}
END_TEST

/* Change the journal that is found "there", and its checksum with it. */
#define FORGE(edit)                                                                                \
    "sed -Ei '1d; " edit "' there/journal; sum=$(sha256sum <there/journal); "                      \
    "sed -i \"1i offshot-journal 2 ${sum%% *}\" there/journal"

/* What becomes of a directory with a journal, and whether its journal may be used afterwards. */
static const struct {
    const char *script; /* "there" is where it is looked for */
    bool usable;
    bool asked_usable;   /* when the user asks for it */
    const char *message; /* when not usable */
} moves[] = {
    {"cp -a here there", false, false, "mere copy"},
    {"cp -a here there; rm -r here", false, false, "mere copy"},
    {"cp -a here there; rm here/journal", false, false, "mere copy"},
    {"mv here there", true, true, NULL},
    {"mv here there; mkdir here", true, true, NULL},
    {"ln -s here there", true, true, NULL},
    {"mkdir sub; mv here sub; ln -s sub/here there", true, true, NULL},
    /* the same name is the same place, but anybody may have made it */
    {"cp -a here copy; rm -r here; mv copy here; ln -s here there", false, true,
     "run `offshot recover`"},
    /* what is made up names no place, or one whose birth nobody can know beforehand */
    {"cp -a here there; " FORGE("/^place/d"), false, false, "put it aside"},
    {"ln -s here there; " FORGE("/^place-identity/d"), false, true, "run `offshot recover`"},
    {"ln -s here there; " FORGE("s/^(place-identity=.*) [0-9]+$/\\1 0/"), false, true,
     "run `offshot recover`"},
};

START_TEST(journal_counts_only_in_its_place)
{
    scoped(plan) plan = plan_of("vm");
    scoped(journal) journal = NULL;
    scoped(journal) asked = NULL;
    g_autofree char *here = NULL;
    g_autofree char *there = NULL;
    g_autoptr(GError) error = NULL;

    scratch_setup();
    here = scratch_path("here");
    there = scratch_path("there");
    scratch_do("mkdir here");
    unit_assert_ok(journal_save(here, plan, PLAN_APPLY, &error), error);
    scratch_do("grep -q '^place=.*/here$' here/journal");
    scratch_do("%s", moves[_i].script);
    journal = journal_load(there, "vm", false, &error);
    ck_assert_int_eq(journal != NULL, moves[_i].usable);
    if (!journal)
        unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, moves[_i].message);
    asked = journal_load(there, "vm", true, NULL);
    ck_assert_int_eq(asked != NULL, moves[_i].asked_usable);
    scratch_teardown();
}
END_TEST

START_TEST(journal_that_cannot_be_read_is_no_missing_one)
{
    g_autoptr(GError) error = NULL;

    scratch_setup();
    scratch_do("mkdir journal");
    ck_assert(journal_exists(scratch_directory));
    ck_assert_ptr_null(journal_load(scratch_directory, "vm", false, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "journal");
    scratch_do("rmdir journal; mkfifo journal");
    ck_assert_ptr_null(journal_load(scratch_directory, "vm", false, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "journal");
    scratch_do("rm journal; : >journal");
    ck_assert_ptr_null(journal_load(scratch_directory, "vm", false, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "damaged");
    scratch_teardown();
}
END_TEST

START_TEST(sweep_removes_half_written_journals_only)
{
    scratch_setup();
    scratch_do("touch journal journal.AAAAAA journal.BBBBBB lock .vda.offshot-x journals other");
    journal_sweep(scratch_directory);
    scratch_do("test \"$(ls -A | LC_ALL=C sort | tr '\\n' ' ')\" = "
               "'.vda.offshot-x journal journals lock other '");
    scratch_teardown();
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("journal");
    TCase *cases = tcase_create("journal");

    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, what_is_written_is_read_again, 0, 2 * G_N_ELEMENTS(nasty));
    tcase_add_test(cases, plan_without_snapshot_and_steps_is_read_again);
    tcase_add_test(cases, many_steps_keep_their_order);
    tcase_add_test(cases, device_numbers_count_only_in_the_boot_that_wrote_them);
    tcase_add_test(cases, journal_cut_short_is_refused);
    tcase_add_loop_test(cases, journal_with_any_bit_flipped_is_refused, 0, 8);
    tcase_add_test(cases, journal_with_more_behind_it_is_refused);
    tcase_add_loop_test(cases, journal_that_says_nonsense_is_refused, 0, G_N_ELEMENTS(damaged));
    tcase_add_test(cases, sealed_journal_is_accepted);
    tcase_add_test(cases, journal_of_another_format_is_refused);
    tcase_add_test(cases, journal_without_a_checksum_is_refused);
    tcase_add_test(cases, saved_journal_is_loaded_and_removed);
    tcase_add_test(cases, journal_of_another_domain_is_refused);
    tcase_add_loop_test(cases, journal_counts_only_in_its_place, 0, G_N_ELEMENTS(moves));
    tcase_add_test(cases, journal_that_cannot_be_read_is_no_missing_one);
    tcase_add_test(cases, sweep_removes_half_written_journals_only);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
