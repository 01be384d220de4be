/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "unit/image-step.h"
#include "util/file.h"

/* Images merged down, taken over and linked anew, from every state in which a crash, a failing
 * qemu-img or a guest may have left them.
 */

/* A chain base (raw) <- a <- b <- c, each with its own 64 KiB: 1, 2, 3, 4 at 0, 512, 1024, 1536
 * KiB; b lies in a directory of its own and links to a, and a to base, by relative names.
 */
static void
make_chain(void)
{
    scratch_do("mkdir sub; truncate -s 4M base; qemu-io -f raw -c 'write -P 1 0 64k' base "
               ">/dev/null;"
               "qemu-img create -q -f qcow2 -b base -F raw a;"
               "qemu-img create -q -f qcow2 -b ../a -F qcow2 sub/b;"
               "qemu-img create -q -f qcow2 -b sub/b -F qcow2 c");
    write_pattern("a", 2, 512);
    write_pattern("sub/b", 3, 1024);
    write_pattern("c", 4, 1536);
}

/* The image shows what the active one did. */
static void
assert_content(const char *name)
{
    for (int i = 0; i < 4; i++)
        assert_pattern(name, i + 1, i * 512);
    assert_pattern(name, 0, 2048);
    assert_clean(name);
}

static void
assert_link(const char *name, const char *backing)
{
    g_autofree char *script = g_strdup_printf(
        "\"$REAL_QEMU_IMG\" info -U -f qcow2 '%s' | sed -n 's/^backing file: //p' | "
        "sed 's/ (actual path.*//'",
        name);
    g_autofree char *out = g_strchomp(scratch_run(script));

    ck_assert_str_eq(out, backing);
}

static void
run(struct step *step)
{
    g_autoptr(GError) error = NULL;

    unit_assert_ok(step_run(step, false, NULL, &error), error);
}

static void
run_fails(struct step *step, bool recovering, int code, const char *fragment)
{
    g_autoptr(GError) error = NULL;

    ck_assert(!step_run(step, recovering, NULL, &error));
    unit_assert_error(error, code, fragment);
}

/* Recover; whether the program was needed. */
static bool
recover(struct step *step)
{
    g_autoptr(GError) error = NULL;
    bool needed;

    unit_assert_ok(step_run(step, true, &needed, &error), error);
    return needed;
}

static void
abandon(const struct step *step)
{
    const struct step_context context = context_of(true);
    g_autoptr(GError) error = NULL;

    unit_assert_ok(step_image_abandon(step, &context, &error), error);
}

static const struct failure {
    const char *when;
    int code;
    const char *message;
} failures[] = {
    {"before", OFFSHOT_ERROR_FAILED, "exit status 1"},
    {"after", OFFSHOT_ERROR_FAILED, "exit status 1"},
    {"complain", OFFSHOT_ERROR_NO_SPACE, "No space left"},
    {"die", OFFSHOT_ERROR_FAILED, "signal 9"},
};

/* --- commit --- */

/* c goes down into a; made as the executor sets it. */
static struct step *
add_commit(void)
{
    g_autofree char *top = scratch_path("c");
    g_autofree char *base = scratch_path("a");
    const struct step_image_spec image = {.path = top, .format = "qcow2"};
    struct step *step = plan_add_commit(plan, 2, &image, base, 2);
    struct stat st;

    ck_assert_int_eq(stat(top, &st), 0);
    file_identity_set(&step->made, &st);
    file_identity_add_birth(&step->made, -1, top);
    return step;
}

static void
make_committable(void)
{
    make_chain();
    hold("a");
    hold("sub/b");
    hold("c");
}

static void
assert_committed(void)
{
    assert_content("c");
    assert_content("a");
    assert_link("a", "base");
    assert_link("c", "sub/b");
}

START_TEST(layers_are_merged_down_at_once)
{
    struct step *commit;
    struct file_identity before;

    make_committable();
    commit = add_commit();
    before = commit->made;
    run(commit);
    assert_committed();
    ck_assert(recover(commit));
    assert_committed();
    /* nobody wrote to the top */
    ck_assert_int_eq(before.mtime, add_commit()->made.mtime);
}
END_TEST

START_TEST(a_failed_commit_is_done_by_recovery)
{
    struct step *commit;

    make_committable();
    commit = add_commit();
    fake_mode(failures[_i].when, " commit ");
    run_fails(commit, false, failures[_i].code, failures[_i].message);
    ck_assert(fake_done());
    assert_content("c");
    for (int i = 0; i < 2; i++) {
        ck_assert(recover(commit));
        assert_committed();
    }
}
END_TEST

START_TEST(a_commit_that_was_done_is_repeated_only_for_a_guest)
{
    struct step *commit;

    make_committable();
    commit = add_commit();
    run(commit);
    plan->applied = 3;
    ck_assert(!recover(commit));
    release();
    write_pattern("c", 9, 2048);
    ck_assert(recover(commit));
    assert_pattern("a", 9, 2048);
    /* the domain has been pointed at the base already */
    scratch_do("echo new >vm.xml");
    {
        g_autofree char *xml = scratch_path("vm.xml");
        g_autofree char *staged = scratch_path("vm.new");
        struct stat st;
        struct step *replace = plan_add_replace(plan, 4, staged, xml, &(struct file_identity){0});

        ck_assert_int_eq(stat(xml, &st), 0);
        file_identity_set(&replace->made, &st);
        file_identity_add_birth(&replace->made, -1, xml);
    }
    write_pattern("c", 8, 2048);
    ck_assert(!recover(commit));
    assert_pattern("a", 9, 2048);
}
END_TEST

START_TEST(a_commit_that_was_done_needs_no_images)
{
    struct step *commit;

    make_committable();
    commit = add_commit();
    run(commit);
    plan->applied = 3;
    /* the base was renamed over the top, as where names are kept */
    scratch_do("mv a c");
    ck_assert(!recover(commit));
    scratch_do("rm c");
    ck_assert(!recover(commit));
    plan->applied = 0;
    run_fails(commit, true, OFFSHOT_ERROR_INTERRUPTED, "vanished");
}
END_TEST

START_TEST(a_commit_goes_only_where_the_plan_said)
{
    struct step *commit;

    make_committable();
    commit = add_commit();
    fake_mode("always-die", " commit ");
    commit->depth = 1;
    run_fails(commit, false, OFFSHOT_ERROR_INCONSISTENT, "1 links below");
    commit->depth = 4;
    run_fails(commit, false, OFFSHOT_ERROR_INCONSISTENT, "4 links below");
    commit->depth = 2;
    scratch_do("cp a copy; mv copy a");
    run_fails(commit, false, OFFSHOT_ERROR_INCONSISTENT, "2 links below");
}
END_TEST

START_TEST(a_smaller_base_grows)
{
    struct step *commit;

    make_chain();
    scratch_do("qemu-img resize -q c 8M");
    write_pattern("c", 5, 7168);
    hold("a");
    hold("sub/b");
    hold("c");
    commit = add_commit();
    fake_mode("lie", " commit ");
    run_fails(commit, false, OFFSHOT_ERROR_FAILED, "as large as");
    run(commit);
    assert_committed();
    assert_pattern("a", 5, 7168);
}
END_TEST

/* A program that claims to have done it: nothing of the base has changed. */
START_TEST(a_commit_that_did_nothing_is_noticed)
{
    struct step *commit;

    make_committable();
    commit = add_commit();
    fake_mode(_i ? "always-lie" : "lie", _i ? " " : " commit ");
    run_fails(commit, false, OFFSHOT_ERROR_FAILED, "did not get the data");
    ck_assert_int_eq(fake_done(), !_i);
    assert_content("c");
    fake_mode("lie", " commit ");
    run_fails(commit, true, OFFSHOT_ERROR_FAILED, "did not get the data");
    ck_assert(recover(commit));
    assert_committed();
}
END_TEST

/* … and one that had nothing to do; also when it never wrote to the base at all. */
START_TEST(a_commit_of_nothing_is_done)
{
    struct step *commit;

    make_chain();
    scratch_do("qemu-img create -q -f qcow2 -b ../c -F qcow2 sub/d");
    for (int i = 0; i < 4; i++)
        hold(((const char *[]){"a", "sub/b", "c", "sub/d"})[i]);
    commit = add_commit();
    g_free(commit->path);
    g_free(commit->source);
    commit->path = scratch_path("sub/d");
    commit->source = scratch_path("c");
    commit->depth = 1;
    run(commit);
    if (_i)
        fake_mode("lie", " commit ");
    run(commit);
    assert_content("c");
}
END_TEST

/* What lies below the base is held as well; links are relative or absolute. */
START_TEST(a_commit_reads_past_what_the_plan_holds_below)
{
    struct step *commit;

    make_chain();
    if (_i)
        scratch_do("qemu-img rebase -u -f qcow2 -F raw -b $PWD/base a;"
                   "qemu-img rebase -u -f qcow2 -F qcow2 -b $PWD/a sub/b;"
                   "qemu-img rebase -u -f qcow2 -F qcow2 -b $PWD/sub/b c");
    for (int i = 0; i < 4; i++)
        hold(((const char *[]){"base", "a", "sub/b", "c"})[i]);
    commit = add_commit();
    run(commit);
    assert_content("a");
    assert_content("c");
    g_free(commit->source);
    commit->source = scratch_path("sub/b");
    commit->depth = 1;
    run(commit);
    assert_content("sub/b");
    g_free(commit->source);
    commit->source = scratch_path("base");
    commit->depth = 3;
    run(commit);
    scratch_do("mv base c; qemu-io -r -f raw -c 'read -P 4 1536k 64k' c | grep -q 'read 65536'");
}
END_TEST

/* --- rebase --- */

/* c takes over what lies between it and a, or everything. */
static struct step *
add_rebase(bool flatten)
{
    g_autofree char *path = scratch_path("c");
    g_autofree char *base = scratch_path("a");
    const struct step_image_spec image = {.path = path, .format = "qcow2"};
    const struct step_link old = {(char *)"sub/b", (char *)"qcow2"};
    const struct step_link link = {(char *)"a", (char *)"qcow2"};

    return plan_add_rebase(plan, 2, &image, flatten ? &(struct step_link){0} : &link,
                           flatten ? NULL : base, &old);
}

/* The layers that c took over are gone, for good. */
static void
assert_rebased(bool flatten)
{
    assert_link("c", flatten ? "" : "a");
    scratch_do("mv sub gone; %s", flatten ? "mv a base gone" : "true");
    assert_content("c");
    scratch_do("mv gone sub; %s", flatten ? "mv sub/a sub/base ." : "true");
}

/* Where _i has its lowest bit: flatten. */
START_TEST(layers_are_taken_over)
{
    struct step *rebase;

    make_chain();
    hold("c");
    rebase = add_rebase(_i);
    run(rebase);
    ck_assert_int_eq(rebase->fd, -1);
    for (int i = 0; i < 3; i++) {
        assert_rebased(_i);
        ck_assert(i == 2 || !recover(rebase));
    }
    /* only what differs was copied: 2 of 4 writes, or all */
    if (!_i)
        scratch_do(
            "test $(\"$REAL_QEMU_IMG\" map -U --output=json c | grep -c '\"depth\": 0') = 2");
    for (int i = 0; i < 2; i++) {
        abandon(rebase);
        assert_link("c", "sub/b");
        assert_content("c");
    }
}
END_TEST

START_TEST(a_failed_rebase_is_abandoned)
{
    const struct failure *failure = &failures[_i / 2];
    struct step *rebase;

    make_chain();
    hold("c");
    rebase = add_rebase(_i % 2);
    fake_mode(failure->when, " rebase ");
    run_fails(rebase, false, failure->code, failure->message);
    ck_assert(fake_done());
    for (int i = 0; i < 2; i++) {
        abandon(rebase);
        assert_link("c", "sub/b");
        assert_content("c");
    }
}
END_TEST

START_TEST(a_failed_rebase_is_done_by_recovery)
{
    const struct failure *failure = &failures[_i / 2];
    struct step *rebase;

    make_chain();
    hold("c");
    rebase = add_rebase(_i % 2);
    fake_mode(failure->when, " rebase ");
    run_fails(rebase, false, failure->code, failure->message);
    ck_assert(recover(rebase));
    assert_rebased(_i % 2);
    ck_assert(!recover(rebase));
    assert_rebased(_i % 2);
}
END_TEST

/* The program has run; what comes after it fails at the first call, the setting of the link. */
START_TEST(setting_the_link_can_fail)
{
    struct step *rebase;

    make_chain();
    hold("c");
    rebase = add_rebase(_i % 2);
    fake_mode(failures[_i / 2].when, " -u ");
    run_fails(rebase, false, failures[_i / 2].code, failures[_i / 2].message);
    ck_assert(fake_done());
    recover(rebase);
    assert_rebased(_i % 2);
}
END_TEST

START_TEST(an_image_does_not_start_before_its_data_is_there)
{
    struct step *rebase;
    const struct step_context context = context_of(false);
    g_autoptr(GError) error = NULL;
    bool needed;

    make_chain();
    hold("c");
    rebase = add_rebase(_i);
    unit_assert_ok(step_image_begin(rebase, &context, &needed, &error), error);
    unit_assert_ok(step_program_run(rebase, &error), error);
    scratch_do("qemu-img info -U -f qcow2 c | grep -q 'backing file: /proc/[1-9]'");
    step_image_close(rebase);
    scratch_do("! qemu-io -r -U -f qcow2 -c quit c 2>/dev/null");
    ck_assert(recover(rebase));
    assert_rebased(_i);
}
END_TEST

/* The link is there and the data is not: what a kill in its last writes, or a full disk, leaves. */
START_TEST(a_link_without_data_is_set_back_first)
{
    static const char *const links[] = {"-F qcow2 -b /proc/1/fd/99999/a",
                                        "-F raw -b /proc/1/fd/99999"};
    struct step *rebase;

    make_chain();
    scratch_do("qemu-img rebase -u -f qcow2 %s c", links[_i / 2]);
    hold("c");
    rebase = add_rebase(_i % 2);
    ck_assert(recover(rebase));
    assert_rebased(_i % 2);
    release();
    scratch_do("qemu-img rebase -u -f qcow2 -F qcow2 -b sub/b c; qemu-img rebase -u -f qcow2 %s c",
               links[_i / 2]);
    abandon(rebase);
    assert_link("c", "sub/b");
    assert_content("c");
}
END_TEST

/* How many writes are tried. */
#define KILLS 12

/* A chain whose image takes up enough for its L2 tables to be written several times. */
static void
make_busy_chain(void)
{
    make_chain();
    scratch_do("rm c; qemu-img create -q -f qcow2 -o cluster_size=512 -b sub/b -F qcow2 c");
    write_pattern("c", 4, 1536);
    hold("c");
}

START_TEST(a_rebase_killed_at_any_write_is_finished)
{
    g_autofree char *when = g_strdup_printf("kill-%d", 1 + _i % KILLS);
    struct step *rebase;

    make_busy_chain();
    rebase = add_rebase(_i / KILLS);
    fake_mode(when, " rebase ");
    if (!step_run(rebase, false, NULL, NULL))
        ck_assert(recover(rebase));
    ck_assert(fake_done());
    assert_rebased(_i / KILLS);
}
END_TEST

START_TEST(a_rebase_killed_at_any_write_is_abandoned)
{
    g_autofree char *when = g_strdup_printf("kill-%d", 1 + _i % KILLS);
    struct step *rebase;

    make_busy_chain();
    rebase = add_rebase(_i / KILLS);
    fake_mode(when, " rebase ");
    step_run(rebase, false, NULL, NULL);
    ck_assert(fake_done());
    abandon(rebase);
    assert_link("c", "sub/b");
    assert_content("c");
}
END_TEST

START_TEST(a_commit_killed_at_any_write_is_finished)
{
    g_autofree char *when = g_strdup_printf("kill-%d", 1 + _i);
    struct step *commit;

    make_committable();
    commit = add_commit();
    fake_mode(when, " commit ");
    if (!step_run(commit, false, NULL, NULL)) {
        assert_content("c");
        recover(commit);
    }
    ck_assert(fake_done());
    assert_committed();
}
END_TEST

/* A link that nobody here has set. */
START_TEST(a_foreign_link_is_left_alone)
{
    struct step *rebase;
    const struct step_context context = context_of(true);
    g_autoptr(GError) error = NULL;

    make_chain();
    scratch_do("cp a other; qemu-img rebase -u -f qcow2 -F qcow2 -b other c");
    hold("c");
    scratch_do("cp c copy");
    rebase = add_rebase(_i);
    run_fails(rebase, false, OFFSHOT_ERROR_INTERRUPTED, "another backing image");
    run_fails(rebase, true, OFFSHOT_ERROR_INTERRUPTED, "another backing image");
    ck_assert(!step_image_abandon(rebase, &context, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "another backing image");
    scratch_do("cmp c copy");
}
END_TEST

START_TEST(images_that_the_plan_holds_are_read_all_the_same)
{
    struct step *rebase;

    make_chain();
    hold("c");
    /* b: the old chain; a: the new base; base: below both */
    if (_i & 1)
        hold("sub/b");
    if (_i & 2)
        hold("a");
    if (_i & 4)
        hold("base");
    rebase = add_rebase(_i & 8);
    run(rebase);
    assert_rebased(_i & 8);
}
END_TEST

START_TEST(an_image_is_put_on_another_chain)
{
    struct step *rebase;

    make_chain();
    scratch_do("cp base other; qemu-img create -q -f qcow2 -F raw -b other new");
    hold("c");
    if (_i)
        hold("other");
    rebase = add_rebase(false);
    g_free(rebase->base);
    rebase->base = scratch_path("new");
    g_free(rebase->link.backing);
    rebase->link.backing = g_strdup("./new");
    run(rebase);
    scratch_do("rm -r sub a base");
    assert_link("c", "./new");
    assert_content("c");
}
END_TEST

START_TEST(only_a_merge_upwards_can_be_abandoned)
{
    const struct step_context context = context_of(true);
    g_autoptr(GError) error = NULL;

    make_committable();
    ck_assert(!step_image_abandon(add_commit(), &context, &error));
    ck_assert_ptr_null(error);
}
END_TEST

/* --- relink --- */

static struct step *
add_relink(void)
{
    g_autofree char *path = scratch_path("c");
    const struct step_image_spec image = {.path = path, .format = "qcow2"};
    const struct step_link old = {(char *)"sub/b", (char *)"qcow2"};
    const struct step_link link = {(char *)"./moved,b", (char *)"qcow2"};

    return plan_add_relink(plan, 3, &image, &link, &old);
}

START_TEST(a_link_is_changed_and_changed_back)
{
    struct step *relink;

    make_chain();
    hold("c");
    relink = add_relink();
    run(relink);
    scratch_do("mv sub/b moved,b; qemu-img rebase -u -f qcow2 -F qcow2 -b a moved,b");
    assert_link("c", "./moved,b");
    assert_content("c");
    ck_assert(!recover(relink));
    abandon(relink);
    assert_link("c", "sub/b");
    abandon(relink);
    ck_assert(recover(relink));
    assert_content("c");
}
END_TEST

START_TEST(a_failed_relink_is_done_by_recovery)
{
    const struct step_context context = context_of(true);
    g_autoptr(GError) error = NULL;
    struct step *relink;

    make_chain();
    hold("c");
    relink = add_relink();
    fake_mode(failures[_i].when, " rebase ");
    run_fails(relink, false, failures[_i].code, failures[_i].message);
    recover(relink);
    assert_link("c", "./moved,b");
    fake_mode("lie", " rebase ");
    ck_assert(!step_image_abandon(relink, &context, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "did not set the backing link");
    ck_assert(fake_done());
    abandon(relink);
    assert_link("c", "sub/b");
}
END_TEST

/* File names that qemu-img may not misread, for the image and for what it stands on. */
static const char *const names[] = {"a b", "a,b", "-x", "json:{}", "\377", "a\"b", "nbd:x", "\n"};

START_TEST(names_may_be_of_any_bytes)
{
    g_autofree char *top = scratch_path(names[_i]);
    g_autofree char *quoted = g_shell_quote(names[_i]);
    g_autofree char *directory = g_strdup_printf("%s.d", names[_i]);
    g_autofree char *base = g_strdup_printf("%s/%s/%s", scratch_directory, directory, names[_i]);
    g_autofree char *in = g_shell_quote(base);
    const struct step_image_spec image = {.path = top, .format = "qcow2"};
    const struct step_link link = {base, (char *)"qcow2"};
    const struct step_link old = {g_strdup_printf("%s/m", scratch_directory), (char *)"qcow2"};

    scratch_do("mkdir -- %s.d; qemu-img create -q -f qcow2 -- %s 1M;"
               "qemu-img create -q -f qcow2 -F qcow2 -b %s m;"
               "qemu-img create -q -f qcow2 -F qcow2 -b %s ./t; mv t ./%s",
               quoted, in, in, old.backing, quoted);
    write_pattern("m", 2, 64);
    hold(names[_i]);
    run(plan_add_rebase(plan, 2, &image, &link, base, &old));
    scratch_do(
        "mv m n; qemu-io -r -U -f qcow2 -c 'read -P 2 64k 64k' -- ./%s | grep -q 'read 65536'",
        quoted);
    run(plan_add_relink(plan, 2, &image, &old, &link));
    scratch_do("mv n m");
    hold("m");
    run(plan_add_commit(plan, 3, &image, old.backing, 1));
    g_free(old.backing);
}
END_TEST

static void
add_rebase_tests(TCase *cases)
{
    int both = 2 * G_N_ELEMENTS(failures);

    tcase_add_loop_test(cases, layers_are_taken_over, 0, 2);
    tcase_add_loop_test(cases, a_failed_rebase_is_abandoned, 0, both);
    tcase_add_loop_test(cases, a_failed_rebase_is_done_by_recovery, 0, both);
    tcase_add_loop_test(cases, setting_the_link_can_fail, 0, both);
    tcase_add_loop_test(cases, an_image_does_not_start_before_its_data_is_there, 0, 2);
    tcase_add_loop_test(cases, a_link_without_data_is_set_back_first, 0, 4);
    tcase_add_loop_test(cases, a_foreign_link_is_left_alone, 0, 2);
    tcase_add_loop_test(cases, an_image_is_put_on_another_chain, 0, 2);
    tcase_add_loop_test(cases, images_that_the_plan_holds_are_read_all_the_same, 0, 16);
}

int
main(void)
{
    Suite *suite = suite_create("step-merge");
    TCase *cases = tcase_create("step-merge");

    if (!scratch_has("qemu-img") || !scratch_has("qemu-io"))
        return 77;
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, image_step_setup, image_step_teardown);
    tcase_add_test(cases, layers_are_merged_down_at_once);
    tcase_add_loop_test(cases, a_failed_commit_is_done_by_recovery, 0, G_N_ELEMENTS(failures));
    tcase_add_test(cases, a_commit_that_was_done_is_repeated_only_for_a_guest);
    tcase_add_test(cases, a_commit_that_was_done_needs_no_images);
    tcase_add_test(cases, a_commit_goes_only_where_the_plan_said);
    tcase_add_test(cases, a_smaller_base_grows);
    tcase_add_loop_test(cases, a_commit_that_did_nothing_is_noticed, 0, 2);
    tcase_add_loop_test(cases, a_commit_of_nothing_is_done, 0, 2);
    tcase_add_loop_test(cases, a_commit_reads_past_what_the_plan_holds_below, 0, 2);
    add_rebase_tests(cases);
    if (scratch_has("strace")) {
        tcase_add_loop_test(cases, a_rebase_killed_at_any_write_is_finished, 0, 2 * KILLS);
        tcase_add_loop_test(cases, a_rebase_killed_at_any_write_is_abandoned, 0, 2 * KILLS);
        tcase_add_loop_test(cases, a_commit_killed_at_any_write_is_finished, 0, KILLS);
    }
    tcase_add_test(cases, only_a_merge_upwards_can_be_abandoned);
    tcase_add_test(cases, a_link_is_changed_and_changed_back);
    tcase_add_loop_test(cases, a_failed_relink_is_done_by_recovery, 0, G_N_ELEMENTS(failures));
    tcase_add_loop_test(cases, names_may_be_of_any_bytes, 0, G_N_ELEMENTS(names));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
