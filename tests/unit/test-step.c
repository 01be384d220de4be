/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/step.h"

#include "unit/scratch.h"
#include "unit/unit.h"

/* Steps are done, undone and finished at each stage at which a crash may have left them: each case
 * is a shell script that makes the stage, and one that looks at what came of it.
 */

static GPtrArray *notes;

static void
setup(void)
{
    scratch_setup();
    notes = g_ptr_array_new_with_free_func(g_free);
}

static void
teardown(void)
{
    g_ptr_array_unref(notes);
    scratch_teardown();
}

static struct step *
step_at(enum step_kind kind, const char *path, const char *source)
{
    struct step *step = step_new(kind, 0, NULL);

    step->path = scratch_path(path);
    step->source = source ? scratch_path(source) : NULL;
    return step;
}

/* What NAME is now; nothing when it is not there. */
static struct file_identity
identity_of(const char *name)
{
    g_autofree char *path = scratch_path(name);
    struct file_identity identity = {0};
    struct stat st;

    if (lstat(path, &st) == 0)
        file_identity_set(&identity, &st);
    return identity;
}

static bool
undo(const struct step *step, GError **error)
{
    const struct step_context context = {.same_boot = true, .notes = notes};

    return step_undo(step, &context, error);
}

static bool
finish(const struct step *step, GError **error)
{
    const struct step_context context = {.same_boot = true, .notes = notes};

    return step_finish(step, &context, error);
}

/* --- prepare --- */

START_TEST(stage_file_makes_a_new_file_and_takes_it_back)
{
    scoped(step) step = step_at(STEP_STAGE_FILE, "new", NULL);
    g_autoptr(GError) error = NULL;

    step->content = g_strdup("content\n");
    unit_assert_ok(step_begin(step, &error), error);
    unit_assert_ok(step_end(step, &error), error);
    scratch_do("test \"$(cat new)\" = content; test $(stat -c %%a new) = 600");
    for (int i = 0; i < 3; i++) {
        unit_assert_ok(undo(step, &error), error);
        scratch_do("test -z \"$(ls -A)\"");
    }
}
END_TEST

START_TEST(stage_file_takes_the_attributes_of_another)
{
    scoped(step) step = step_at(STEP_STAGE_FILE, "new", NULL);
    g_autoptr(GError) error = NULL;

    scratch_do("touch like; chmod 640 like");
    step->content = g_strdup("");
    step->like = scratch_path("like");
    unit_assert_ok(step_begin(step, &error), error);
    scratch_do("test $(stat -c %%a new) = 640; test ! -s new");
}
END_TEST

START_TEST(stage_file_without_its_model_leaves_nothing)
{
    scoped(step) step = step_at(STEP_STAGE_FILE, "new", NULL);
    g_autoptr(GError) error = NULL;

    step->content = g_strdup("content");
    step->like = scratch_path("like");
    ck_assert(!step_begin(step, &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "like");
    scratch_do("test -z \"$(ls -A)\"");
}
END_TEST

static const enum step_kind makers[] = {STEP_STAGE_FILE, STEP_CREATE_OVERLAY};

START_TEST(new_file_never_takes_the_place_of_another)
{
    static const char *const places[] = {"echo mine >new", "mkdir new", "ln -s elsewhere new",
                                         "mkfifo new"};
    scoped(step) step = step_at(makers[_i], "new", NULL);
    g_autoptr(GError) error = NULL;

    step->content = g_strdup("content");
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autofree char *before = NULL;
        g_autofree char *after = NULL;

        scratch_do("rm -rf new; %s", places[i]);
        before = scratch_run("ls -il new; ls -A");
        ck_assert_msg(!step_begin(step, &error), "%s", places[i]);
        unit_assert_error(error, OFFSHOT_ERROR_FAILED, "new");
        after = scratch_run("ls -il new; ls -A");
        ck_assert_str_eq(after, before);
    }
}
END_TEST

START_TEST(what_is_no_file_is_not_removed_as_a_new_file)
{
    static const char *const places[] = {"mkdir new", "mkfifo new"};
    scoped(step) step = step_at(makers[_i], "new", NULL);
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(places); i++) {
        scratch_do("rm -rf new; %s", places[i]);
        ck_assert_msg(!undo(step, &error), "%s", places[i]);
        unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "left alone");
        scratch_do("test -e new");
    }
}
END_TEST

START_TEST(link_in_the_place_of_a_new_file_is_removed_and_not_followed)
{
    scoped(step) step = step_at(makers[_i], "new", NULL);
    g_autoptr(GError) error = NULL;

    scratch_do("echo mine >elsewhere; ln -s elsewhere new");
    unit_assert_ok(undo(step, &error), error);
    scratch_do("test \"$(ls -A)\" = elsewhere; test \"$(cat elsewhere)\" = mine");
}
END_TEST

START_TEST(overlay_begins_as_an_empty_private_file)
{
    scoped(step) step = step_at(STEP_CREATE_OVERLAY, "new", NULL);
    g_autoptr(GError) error = NULL;

    unit_assert_ok(step_begin(step, &error), error);
    scratch_do("test ! -s new; test $(stat -c %%a new) = 600");
    unit_assert_ok(undo(step, &error), error);
    scratch_do("test -z \"$(ls -A)\"");
}
END_TEST

/* What qemu-img could have left under the name of the overlay, and whether it is what was asked
 * for. */
static const struct made {
    const char *script;
    const char *fragment; /* of the error; NULL: accepted */
} made[] = {
    {"$create -b base -F raw new 1M", NULL},
    {":", "new"},
    {"rm new", "new"},
    {"echo rubbish >new", "new"},
    {"$create -b base -F raw new 2M", "size and backing link"},
    {"$create -b other -F raw new 1M", "size and backing link"},
    {"$create -b ./base -F raw new 1M", "size and backing link"},
    {"$create -b base -F qcow2 new 1M", "size and backing link"},
    {"qemu-img create -q -f qcow2 new 1M", "size and backing link"},
    {"qemu-img create -q -f raw new 1M", "new"},
    {"$create -b base -F raw new 1M; truncate -s 60 new", "new"},
    {"$create -b base -F raw new 1M; rm base; mv other base", "size and backing link"},
    {"$create -b base -F raw x 1M; rm new; ln -s x new", "new"},
};

START_TEST(overlay_is_read_back)
{
    const struct made *image = &made[_i];
    scoped(step) step = step_at(STEP_CREATE_OVERLAY, "new", NULL);
    g_autofree char *base = scratch_path("elsewhere");
    const struct step_overlay overlay = {(char *)"qcow2", (char *)"base", (char *)"raw", base,
                                         1024 * 1024};
    g_autoptr(GError) error = NULL;

    scratch_do("truncate -s 1M base other; chmod 604 base; ln base elsewhere");
    step->like = scratch_path("elsewhere");
    step_expect_overlay(step, &overlay);
    unit_assert_ok(step_begin(step, &error), error);
    scratch_do("create='qemu-img create -q -u -f qcow2'; %s", image->script);
    if (!image->fragment) {
        unit_assert_ok(step_end(step, &error), error);
        scratch_do("test $(stat -c %%a new) = 604");
        return;
    }
    ck_assert_msg(!step_end(step, &error), "accepted: %s", image->script);
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, image->fragment);
}
END_TEST

START_TEST(directory_is_made_and_taken_back)
{
    scoped(step) step = step_at(STEP_MAKE_DIRECTORY, "new", NULL);
    g_autoptr(GError) error = NULL;

    unit_assert_ok(step_begin(step, &error), error);
    scratch_do("test $(stat -c %%a new) = 700");
    unit_assert_ok(step_begin(step, &error), error);
    unit_assert_ok(undo(step, &error), error);
    unit_assert_ok(undo(step, &error), error);
    scratch_do("test -z \"$(ls -A)\"");
}
END_TEST

START_TEST(directory_that_somebody_uses_stays)
{
    scoped(step) step = step_at(STEP_MAKE_DIRECTORY, "new", NULL);
    g_autoptr(GError) error = NULL;

    unit_assert_ok(step_begin(step, &error), error);
    scratch_do("echo mine >new/file");
    unit_assert_ok(undo(step, &error), error);
    scratch_do("test \"$(cat new/file)\" = mine");
}
END_TEST

START_TEST(link_is_made_and_taken_back)
{
    scoped(step) step = step_at(STEP_LINK, "new", "source");
    g_autoptr(GError) error = NULL;

    scratch_do("echo content >source");
    unit_assert_ok(step_begin(step, &error), error);
    scratch_do("test source -ef new");
    for (int i = 0; i < 3; i++) {
        unit_assert_ok(undo(step, &error), error);
        scratch_do("test \"$(ls -A)\" = source; test $(stat -c %%h source) = 1");
    }
}
END_TEST

START_TEST(link_never_takes_the_place_of_another)
{
    scoped(step) step = step_at(STEP_LINK, "new", "source");
    g_autoptr(GError) error = NULL;

    scratch_do("echo content >source; echo mine >new");
    ck_assert(!step_begin(step, &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "new");
    scratch_do("test \"$(cat new)\" = mine; test $(stat -c %%h source) = 1");
}
END_TEST

START_TEST(name_that_is_another_file_is_not_taken_back)
{
    static const char *const stages[] = {
        "echo content >source; echo mine >new",
        "echo content >source; ln -s source new",
        "echo mine >new",
        "mkdir new source",
    };
    scoped(step) step = step_at(STEP_LINK, "new", "source");
    g_autoptr(GError) error = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(stages); i++) {
        g_autofree char *before = NULL;
        g_autofree char *after = NULL;

        scratch_do("rm -rf new source; %s", stages[i]);
        before = scratch_run("ls -iA");
        ck_assert_msg(undo(step, &error), "%s", stages[i]);
        after = scratch_run("ls -iA");
        ck_assert_str_eq(after, before);
    }
}
END_TEST

/* --- apply --- */

/* A stage of a rename of "source" to "path", and what has to come of it. In STAGE, `old` is the
 * file that the plan saw at the path and `made` the one that it moves there; both lie in the
 * directory "all" under these names, too, so that their inodes are not used again.
 */
struct stage {
    const char *stage;
    const char *fragment; /* of the error; NULL: finished */
    const char *after;    /* script that must succeed */
};

static const struct stage replaces[] = {
    {"", NULL, "test path -ef all/made; test ! -e source"},
    {"mv source path", NULL, "test path -ef all/made; test ! -e source"},
    {"rm path", "vanished", "test source -ef all/made; test ! -e path"},
    {"rm path; echo mine >path", "replaced by somebody else", "test \"$(cat path)\" = mine"},
    {"rm path; ln -s all/old path", "replaced by somebody else", "test -L path"},
    {"rm path; mkdir path", "replaced by somebody else", "test -d path"},
    {"rm source", "vanished", "test path -ef all/old"},
    /* done, and then changed by somebody */
    {"mv source path; rm path", NULL, "test ! -e path; test ! -e source"},
    {"mv source path; rm path; echo mine >path", NULL, "test \"$(cat path)\" = mine"},
    {"rm source; echo mine >source", "is not the file that offshot made",
     "test path -ef all/old; test \"$(cat source)\" = mine"},
    {"mv source path; echo mine >source", "is not the file that offshot made",
     "test path -ef all/made; test \"$(cat source)\" = mine"},
    {"echo more >>path; rm all/old", "was written since", "test -s path; test source -ef all/made"},
    {"touch -d @1 path; rm all/old", "was written since", "test source -ef all/made"},
    {"echo more >>path", NULL, "test path -ef all/made; test \"$(cat all/old)\" = oldmore"},
};

static const struct stage installs[] = {
    {"rm path", NULL, "test path -ef all/made; test ! -e source"},
    {"mv source path", NULL, "test path -ef all/made; test ! -e source"},
    {"rm path; ln source path", NULL, "test path -ef all/made; test ! -e source"},
    {"", "made by somebody else", "test path -ef all/old; test source -ef all/made"},
    {"rm path; ln -s nowhere path", "made by somebody else", "test -L path; test -e source"},
    {"rm path; mkdir path", "made by somebody else", "test -d path; test -e source"},
    /* done, and then changed by somebody */
    {"rm path; mv source path; rm path", NULL, "test ! -e path; test ! -e source"},
    {"rm path; mv source path; rm path; echo mine >path", NULL, "test \"$(cat path)\" = mine"},
    {"rm path source; echo mine >source", "is not the file that offshot made",
     "test ! -e path; test \"$(cat source)\" = mine"},
    {"rm source; mkdir source", "is not the file that offshot made", "test path -ef all/old"},
};

/* A file that may be changed by others: their change stays. */
static const struct stage yielding[] = {
    {"", NULL, "test path -ef all/made; test ! -e source"},
    {"mv source path", NULL, "test path -ef all/made; test ! -e source"},
    {"rm path", NULL, "test ! -e path; test ! -e source"},
    {"rm path; echo mine >path", NULL, "test \"$(cat path)\" = mine; test ! -e source"},
    {"rm all/old; echo more >>path", NULL, "grep -q more path; test ! -e source"},
    {"rm source; echo mine >source", "is not the file that offshot made",
     "test path -ef all/old; test \"$(cat source)\" = mine"},
};

/* A text that users edit, of which the plan knows what it was. */
static const struct stage texts[] = {
    {"", NULL, "test path -ef all/made; test ! -e source"},
    {"mv source path", NULL, "test path -ef all/made; test ! -e source"},
    {"touch -d @1 path; rm all/old", NULL, "test path -ef all/made; test ! -e source"},
    {"rm path all/old; printf old >path", NULL, "test path -ef all/made; test ! -e source"},
    {"rm all/old; echo more >>path", "undo that change", "grep -q more path; test -e source"},
    {"rm path; echo mine >path", "undo that change", "test \"$(cat path)\" = mine"},
    {"rm path; ln -s all/old path", "undo that change", "test -L path"},
    {"rm path; mkdir path", "undo that change", "test -d path"},
    {"rm path", "vanished", "test source -ef all/made; test ! -e path"},
    {"rm all/old; echo more >>path; printf old >path", NULL, "test path -ef all/made"},
};

static void
finish_twice(enum step_kind kind, bool yields, const struct stage *stage)
{
    scoped(step) step = NULL;
    g_autoptr(GError) error = NULL;

    scratch_do(
        "mkdir all; printf old >path; echo made >source; ln path all/old; ln source all/made");
    step = step_at(kind, "path", "source");
    step->yields = yields;
    step->old = identity_of("path");
    if (stage >= texts && stage < texts + G_N_ELEMENTS(texts))
        step->digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "old", -1);
    unit_assert_ok(step_identify(step, &error), error);
    scratch_do("%s", stage->stage);
    for (int i = 0; i < 2; i++) {
        bool done = finish(step, &error);

        ck_assert_msg(done == !stage->fragment, "'%s': %s", stage->stage,
                      error ? error->message : "finished");
        if (!done)
            unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, stage->fragment);
        scratch_do("%s", stage->after);
    }
}

START_TEST(replace_is_finished_or_left_alone)
{
    finish_twice(STEP_REPLACE, false, &replaces[_i]);
}
END_TEST

START_TEST(text_is_replaced_unless_it_was_edited)
{
    finish_twice(STEP_REPLACE, false, &texts[_i]);
}
END_TEST

START_TEST(yielding_replace_leaves_the_change_of_others)
{
    finish_twice(STEP_REPLACE, true, &yielding[_i]);
}
END_TEST

START_TEST(install_is_finished_or_left_alone)
{
    finish_twice(STEP_INSTALL, false, &installs[_i]);
}
END_TEST

/* A link that was made, before the steps behind it are finished. */
static const struct stage links[] = {
    {"", NULL, "test path -ef source"},
    {"rm path", NULL, "test path -ef source"},
    {"rm source", NULL, "test path -ef all/made"},
    {"rm path source", NULL, "test ! -e path"},
    {"rm path; echo mine >path", "made by somebody else", "test \"$(cat path)\" = mine"},
    {"rm path source; echo mine >path", NULL, "test \"$(cat path)\" = mine"},
};

START_TEST(link_is_there_before_a_name_goes)
{
    const struct step_context context = {.same_boot = true, .notes = notes};
    const struct stage *stage = &links[_i];
    scoped(step) step = step_at(STEP_LINK, "path", "source");
    g_autoptr(GError) error = NULL;

    scratch_do("mkdir all; echo made >source; ln source all/made");
    unit_assert_ok(step_begin(step, &error), error);
    unit_assert_ok(step_identify(step, &error), error);
    scratch_do("%s", stage->stage);
    for (int i = 0; i < 2; i++) {
        bool done = step_ensure(step, &context, &error);

        ck_assert_int_eq(done, !stage->fragment);
        if (!done)
            unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, stage->fragment);
        scratch_do("%s", stage->after);
    }
}
END_TEST

START_TEST(written_file_that_keeps_another_name_is_told_of)
{
    scoped(step) step = NULL;
    g_autoptr(GError) error = NULL;

    scratch_do("echo old >path; ln path frozen; echo made >source");
    step = step_at(STEP_REPLACE, "path", "source");
    step->old = identity_of("path");
    unit_assert_ok(step_identify(step, &error), error);
    scratch_do("echo guest >>path");
    unit_assert_ok(finish(step, &error), error);
    ck_assert_uint_eq(notes->len, 1);
    ck_assert_ptr_nonnull(strstr(g_ptr_array_index(notes, 0), "was written after"));
    scratch_do("grep -q guest frozen; grep -q made path");
}
END_TEST

static const struct stage unlinks[] = {
    {"", NULL, "test ! -e path"},
    {"rm path", NULL, "test ! -e path"},
    {"rm path; echo mine >path", "is not the file", "test \"$(cat path)\" = mine"},
    {"rm path; mkdir path", "is not the file", "test -d path"},
    {"rm path; ln -s all/path path", "is not the file", "test -L path"},
};

START_TEST(unlink_is_finished_or_left_alone)
{
    const struct stage *stage = &unlinks[_i];
    scoped(step) step = step_at(STEP_UNLINK, "path", NULL);
    g_autoptr(GError) error = NULL;

    scratch_do("mkdir all; echo old >path; ln path all/path");
    unit_assert_ok(step_identify(step, &error), error);
    scratch_do("%s", stage->stage);
    for (int i = 0; i < 2; i++) {
        bool done = finish(step, &error);

        ck_assert_int_eq(done, !stage->fragment);
        if (!done)
            unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, stage->fragment);
        scratch_do("%s", stage->after);
    }
}
END_TEST

START_TEST(vanished_file_cannot_be_identified)
{
    static const enum step_kind kinds[] = {STEP_REPLACE, STEP_INSTALL, STEP_UNLINK};

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        scoped(step) step = step_at(kinds[i], "path", "source");
        g_autoptr(GError) error = NULL;

        ck_assert(!step_identify(step, &error));
        unit_assert_error(error, OFFSHOT_ERROR_FAILED, "vanished");
    }
}
END_TEST

START_TEST(device_numbers_of_another_boot_do_not_count)
{
    const struct step_context context = {.same_boot = _i == 1, .notes = notes};
    scoped(step) step = step_at(STEP_UNLINK, "path", NULL);
    g_autoptr(GError) error = NULL;

    scratch_do("echo old >path");
    unit_assert_ok(step_identify(step, &error), error);
    step->made.device += 1;
    step->made.birth = 0; /* a file system that does not know it */
    ck_assert_int_eq(step_finish(step, &context, &error), _i == 0);
    if (_i == 1)
        unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "is not the file");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("step");
    TCase *cases = tcase_create("step");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, stage_file_makes_a_new_file_and_takes_it_back);
    tcase_add_test(cases, stage_file_takes_the_attributes_of_another);
    tcase_add_test(cases, stage_file_without_its_model_leaves_nothing);
    tcase_add_loop_test(cases, new_file_never_takes_the_place_of_another, 0, G_N_ELEMENTS(makers));
    tcase_add_loop_test(cases, what_is_no_file_is_not_removed_as_a_new_file, 0,
                        G_N_ELEMENTS(makers));
    tcase_add_loop_test(cases, link_in_the_place_of_a_new_file_is_removed_and_not_followed, 0,
                        G_N_ELEMENTS(makers));
    tcase_add_test(cases, overlay_begins_as_an_empty_private_file);
    if (scratch_has("qemu-img"))
        tcase_add_loop_test(cases, overlay_is_read_back, 0, G_N_ELEMENTS(made));
    tcase_add_test(cases, directory_is_made_and_taken_back);
    tcase_add_test(cases, directory_that_somebody_uses_stays);
    tcase_add_test(cases, link_is_made_and_taken_back);
    tcase_add_test(cases, link_never_takes_the_place_of_another);
    tcase_add_test(cases, name_that_is_another_file_is_not_taken_back);
    tcase_add_loop_test(cases, replace_is_finished_or_left_alone, 0, G_N_ELEMENTS(replaces));
    tcase_add_loop_test(cases, install_is_finished_or_left_alone, 0, G_N_ELEMENTS(installs));
    tcase_add_loop_test(cases, text_is_replaced_unless_it_was_edited, 0, G_N_ELEMENTS(texts));
    tcase_add_loop_test(cases, yielding_replace_leaves_the_change_of_others, 0,
                        G_N_ELEMENTS(yielding));
    tcase_add_loop_test(cases, link_is_there_before_a_name_goes, 0, G_N_ELEMENTS(links));
    tcase_add_test(cases, written_file_that_keeps_another_name_is_told_of);
    tcase_add_loop_test(cases, unlink_is_finished_or_left_alone, 0, G_N_ELEMENTS(unlinks));
    tcase_add_test(cases, vanished_file_cannot_be_identified);
    tcase_add_loop_test(cases, device_numbers_of_another_boot_do_not_count, 0, 2);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
