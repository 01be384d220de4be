/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/step.h"

#include "unit/scratch.h"
#include "unit/unit.h"

/* Steps that take something away: what somebody may need by now stays, and a remark says so. The
 * files of a stage also lie in the directory "all", so that their inodes are not used again.
 */

static GPtrArray *notes;
static struct plan *plan;

static void
setup(void)
{
    scratch_setup();
    notes = g_ptr_array_new_with_free_func(g_free);
    plan = plan_new("revert", "vm", "s1");
}

static void
teardown(void)
{
    plan_free(plan);
    g_ptr_array_unref(notes);
    scratch_teardown();
}

static bool
finish(const struct step *step, GError **error)
{
    const struct step_context context = {.plan = plan, .same_boot = true, .notes = notes};

    return step_finish(step, &context, error);
}

static bool
was_applied(const struct step *step)
{
    const struct step_context context = {.plan = plan, .same_boot = true, .notes = notes};

    return step_was_applied(step, &context);
}

/* Finish it twice: it has to succeed, or to fail with FRAGMENT; then AFTER must hold. */
static void
finish_twice(const struct step *step, const char *stage, const char *fragment, const char *after)
{
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        ck_assert_msg(finish(step, &error) == !fragment, "'%s': %s", stage,
                      error ? error->message : "finished");
        if (fragment)
            unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, fragment);
        scratch_do("%s", after);
    }
}

static void
assert_noted(const char *fragment)
{
    ck_assert_uint_ge(notes->len, fragment ? 1 : 0);
    if (fragment)
        ck_assert_msg(strstr(g_ptr_array_index(notes, 0), fragment) != NULL, "'%s' is not in: %s",
                      fragment, (char *)g_ptr_array_index(notes, 0));
    else
        ck_assert_uint_eq(notes->len, 0);
}

struct stage {
    const char *stage;
    const char *fragment; /* of the error; NULL: finished */
    const char *note;     /* fragment of it, NULL: none */
    const char *after;
};

static const struct stage guarded[] = {
    {"", NULL, NULL, "test ! -e path"},
    {"rm path", NULL, NULL, "test ! -e path"},
    {"rm path; echo mine >path", "is not the file", NULL, "test \"$(cat path)\" = mine"},
    {"echo more >>path", NULL, "path' was written", "grep -q more path"},
    {"touch -d @1 path", NULL, "path' was written", "test path -ef all/path"},
};

static const struct stage yielding[] = {
    {"", NULL, NULL, "test ! -e path"},
    {"rm path", NULL, NULL, "test ! -e path"},
    {"rm path; echo mine >path", NULL, "stays so", "test \"$(cat path)\" = mine"},
    {"rm path; mkdir path", NULL, "stays so", "test -d path"},
    {"echo more >>path", NULL, "stays so", "grep -q more path"},
};

static void
unlink_after(const struct stage *stage, bool is_guarded)
{
    g_autofree char *path = scratch_path("path");
    struct step *step = plan_add_unlink(plan, 4, path);
    g_autoptr(GError) error = NULL;

    scratch_do("mkdir all; echo image >path; ln path all/path");
    step->guarded = is_guarded;
    step->yields = !is_guarded;
    unit_assert_ok(step_identify(step, &error), error);
    ck_assert(!was_applied(step));
    scratch_do("%s", stage->stage);
    finish_twice(step, stage->stage, stage->fragment, stage->after);
    assert_noted(stage->note);
    ck_assert_int_eq(was_applied(step), !g_file_test(path, G_FILE_TEST_EXISTS));
}

START_TEST(guarded_image_that_was_written_stays)
{
    unlink_after(&guarded[_i], true);
}
END_TEST

START_TEST(yielding_removal_leaves_the_change_of_others)
{
    unlink_after(&yielding[_i], false);
}
END_TEST

/* What the plan made itself proves nothing when it is gone. */
START_TEST(removal_of_a_temporary_name_is_no_sign)
{
    g_autofree char *path = scratch_path("path");
    const struct step *step = plan_add_unlink(plan, 4, path);

    ck_assert(!was_applied(step));
}
END_TEST

/* An active image "path" is discarded: it has the name "spare", too, and "new" takes its place. */
static const struct stage discards[] = {
    {"", NULL, NULL, "test path -ef all/new; test ! -e spare"},
    {"mv new path", NULL, NULL, "test path -ef all/new; test ! -e spare"},
    {"echo more >>path", NULL, "path' after", "test path -ef all/new; grep -q more spare"},
    {"mv new path; echo more >>path", NULL, NULL, "grep -q more path; test ! -e spare"},
    {"mv new path; echo more >>spare", NULL, "path' after", "grep -q more spare"},
};

START_TEST(discarded_image_that_was_written_keeps_its_spare_name)
{
    const struct stage *stage = &discards[_i];
    g_autofree char *path = scratch_path("path");
    g_autofree char *spare = scratch_path("spare");
    g_autofree char *new = scratch_path("new");
    g_autoptr(GError) error = NULL;
    struct file_identity identity = {0};
    struct step *replace;
    struct step *unlink;

    scratch_do("mkdir all; echo image >path; echo new >new; ln path spare; ln new all/new");
    plan_add_link(plan, 2, path, spare);
    replace = plan_add_replace(plan, 0, new, path, &identity);
    replace->discards = true;
    unlink = plan_add_unlink(plan, 4, spare);
    unlink->guarded = true;
    unit_assert_ok(step_identify(replace, &error), error);
    unit_assert_ok(step_identify(unlink, &error), error);
    replace->old = unlink->made;
    scratch_do("%s", stage->stage);
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(finish(replace, &error), error);
        unit_assert_ok(finish(unlink, &error), error);
        scratch_do("%s", stage->after);
    }
    assert_noted(stage->note);
}
END_TEST

/* Whatever was written to an image that went down into its base is in the base. */
START_TEST(written_image_is_replaced_by_the_base_that_it_went_into)
{
    static const struct step_image_spec none = {"/elsewhere", "qcow2", false};
    g_autofree char *path = scratch_path("path");
    g_autofree char *base = scratch_path("base");
    const struct step_image_spec top = {path, "qcow2", false};
    struct file_identity identity = {0};
    g_autoptr(GError) error = NULL;
    struct step *replace;
    struct stat st;

    scratch_do("echo image >path; echo base >base");
    plan_add_commit(plan, 0, _i == 0 ? &none : &top, base, 1);
    replace = plan_add_replace(plan, 1, base, path, &identity);
    unit_assert_ok(step_identify(replace, &error), error);
    ck_assert_int_eq(stat(path, &st), 0);
    file_identity_set(&replace->old, &st);
    scratch_do("echo more >>path");
    ck_assert_int_eq(finish(replace, &error), _i != 0);
    if (_i == 0)
        unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "was written since");
    else
        scratch_do("test \"$(cat path)\" = base; test ! -e base");
}
END_TEST

/* --- a converted image --- */

static const struct {
    const char *format;
    const char *script; /* what was made under the name "new" */
    bool fine;
} converted[] = {
    {"qcow2", "qemu-img create -q -f qcow2 new 1M", true},
    {"raw", "truncate -s 1M new", true},
    {"vmdk", "qemu-img create -q -f vmdk new 1M", true},
    {"vdi", "qemu-img create -q -f vdi new 1M", true},
    {"qcow2", "qemu-img create -q -f qcow2 new 2M", false},
    {"qcow2", "qemu-img create -q -f qcow2 -b like -F raw new 1M", false},
    {"qcow2", "truncate -s 1M new", false},
    {"qcow2", ":", false},
    {"raw", "truncate -s 2M new", false},
    {"raw", ":", false},
    {"vdi", "qemu-img create -q -f qcow2 new 1M", false},
};

START_TEST(converted_image_is_read_back)
{
    g_autofree char *path = scratch_path("new");
    g_autofree char *like = scratch_path("like");
    const struct step_overlay expected = {.format = (char *)converted[_i].format,
                                          .size = 1024 * 1024};
    char *argv[] = {(char *)"program", (char *)"convert", (char *)"-q", path, NULL};
    struct step *step = plan_add_convert(plan, 1, path, argv, like);
    const struct step_context context = {.plan = plan, .same_boot = true};
    g_auto(GStrv) program = NULL;
    g_autofree char *target = NULL;
    g_autoptr(GError) error = NULL;

    scratch_do("truncate -s 1M like; chmod 604 like");
    step_expect_overlay(step, &expected);
    unit_assert_ok(step_begin(step, &error), error);
    program = step_program(step, true);
    target = g_strdup_printf("/proc/self/fd/%d", step->fd);
    ck_assert_str_eq(program[2], "-p");
    ck_assert_str_eq(program[3], target);
    scratch_do("%s", converted[_i].script);
    ck_assert_msg(step_end(step, &error) == converted[_i].fine, "%s", converted[_i].script);
    if (converted[_i].fine)
        scratch_do("test $(stat -c %%a new) = 604");
    else
        unit_assert_error(error, OFFSHOT_ERROR_FAILED, "new");
    unit_assert_ok(step_undo(step, &context, &error), error);
    scratch_do("test \"$(ls -A)\" = like");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("step-removal");
    TCase *cases = tcase_create("step-removal");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, guarded_image_that_was_written_stays, 0, G_N_ELEMENTS(guarded));
    tcase_add_loop_test(cases, yielding_removal_leaves_the_change_of_others, 0,
                        G_N_ELEMENTS(yielding));
    tcase_add_test(cases, removal_of_a_temporary_name_is_no_sign);
    tcase_add_loop_test(cases, discarded_image_that_was_written_keeps_its_spare_name, 0,
                        G_N_ELEMENTS(discards));
    tcase_add_loop_test(cases, written_image_is_replaced_by_the_base_that_it_went_into, 0, 2);
    if (scratch_has("qemu-img"))
        tcase_add_loop_test(cases, converted_image_is_read_back, 0, G_N_ELEMENTS(converted));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
