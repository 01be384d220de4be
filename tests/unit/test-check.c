/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/check.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include "image/lock.h"
#include "unit/scratch.h"
#include "unit/unit.h"

/* What plan_check() sees to before the first step. */

static struct plan *plan;
static GArray *locks;

static void
setup(void)
{
    scratch_setup();
    plan = plan_new("delete", "vm", "s1");
    locks = plan_locks_new();
}

static void
teardown(void)
{
    plan_locks_free(locks);
    plan_free(plan);
    scratch_teardown();
}

/* --- space --- */

static uint64_t
bytes_free(void)
{
    struct statvfs fs;

    ck_assert_int_eq(statvfs(scratch_directory, &fs), 0);
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

START_TEST(space_of_one_file_system_is_added_up)
{
    uint64_t most = bytes_free() / 5 * 3; /* others may write here meanwhile */
    g_autofree char *first = scratch_path("first");
    g_autofree char *second = scratch_path("second");
    g_autoptr(GError) error = NULL;

    scratch_do("mkdir first second");
    plan_check_space(plan, first, most);
    unit_assert_ok(plan_check(plan, locks, &error), error);
    unit_assert_ok(plan_check(plan, locks, &error), error);
    plan_check_space(plan, second, most);
    ck_assert(!plan_check(plan, locks, &error));
    unit_assert_error(error, OFFSHOT_ERROR_NO_SPACE, "second");
}
END_TEST

START_TEST(space_beyond_all_numbers_is_refused)
{
    g_autoptr(GError) error = NULL;

    plan_check_space(plan, scratch_directory, 1000);
    plan_check_space(plan, scratch_directory, UINT64_MAX);
    ck_assert(!plan_check(plan, locks, &error));
    unit_assert_error(error, OFFSHOT_ERROR_NO_SPACE, "needed");
}
END_TEST

/* --- steps that get in each other's way --- */

static const struct step_image_spec a = {"/a", "qcow2", false};
static const struct step_image_spec b = {"/b", "qcow2", false};
static const struct step_image_spec c = {"/c", "qcow2", false};
static const struct step_link to = {(char *)"x", (char *)"raw"};
static const struct file_identity old = {1, 2, 3, 4, 0};

static void
plan_switch_of_one_image(void)
{
    plan_add_take_tag(plan, 1, &a, "undo");
    plan_add_apply_tag(plan, 3, &a, "t", "undo");
    plan_add_link(plan, 2, "/a", "/spare");
    plan_add_replace(plan, 0, "/new", "/a", &old);
    plan_add_delete_tag(plan, 4, &a, "undo");
    plan_add_unlink(plan, 4, "/spare");
}

static void
plan_merge_of_one_image(void)
{
    plan_add_commit(plan, 0, &a, "/b", 1);
    plan_add_relink(plan, 1, &c, &to, &to);
    plan_add_replace(plan, 1, "/b", "/a", &old);
}

static void
plan_merges_side_by_side(void)
{
    plan_add_commit(plan, 0, &a, "/base", 1);
    plan_add_rebase(plan, 0, &b, &to, "/x", &to);
    plan_add_unlink(plan, 4, "/a");
}

static void
plan_two_replaces(void)
{
    plan_add_replace(plan, 0, "/one", "/a", &old);
    plan_add_replace(plan, 1, "/two", "/a", &old);
}

static void
plan_replace_and_unlink(void)
{
    plan_add_replace(plan, 0, "/one", "/a", &old);
    plan_add_unlink(plan, 4, "/a");
}

static void
plan_two_commits_into_one_base(void)
{
    plan_add_commit(plan, 0, &a, "/c", 1);
    plan_add_commit(plan, 0, &b, "/c", 1);
}

static void
plan_commit_into_what_is_rebased(void)
{
    plan_add_commit(plan, 0, &a, "/c", 1);
    plan_add_rebase(plan, 0, &c, &to, "/x", &to);
}

static void
plan_two_tags_at_once(void)
{
    plan_add_take_tag(plan, 1, &a, "s");
    plan_add_take_tag(plan, 1, &a, "t");
}

static void
plan_two_new_files(void)
{
    plan_add_stage_file(plan, 1, "/a", "text", NULL);
    plan_add_link(plan, 2, "/x", "/a");
}

static const struct {
    void (*make)(void);
    bool fine;
} plans[] = {
    {plan_switch_of_one_image, true},
    {plan_merge_of_one_image, true},
    {plan_merges_side_by_side, true},
    {plan_two_replaces, false},
    {plan_replace_and_unlink, false},
    {plan_two_commits_into_one_base, false},
    {plan_commit_into_what_is_rebased, false},
    {plan_two_tags_at_once, false},
    {plan_two_new_files, false},
};

START_TEST(steps_do_not_get_in_each_others_way)
{
    g_autoptr(GError) error = NULL;

    plans[_i].make();
    ck_assert_int_eq(plan_check(plan, locks, &error), plans[_i].fine);
    if (!plans[_i].fine)
        unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "twice");
}
END_TEST

/* --- locks --- */

static struct file_identity
identity_of(const char *path)
{
    struct file_identity identity = {0};
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    file_identity_set(&identity, &st);
    return identity;
}

/* What somebody else does with the image, and which checks that refuses. */
static const struct {
    bool used;
    bool exclusive;
    bool shared_fine;
    bool exclusive_fine;
} uses[] = {{false, false, true, true}, {true, false, false, false}, {true, true, false, false}};

START_TEST(exclusive_check_wants_the_image_for_itself)
{
    g_autofree char *path = scratch_path("image");
    struct file_identity identity;
    g_autoptr(GError) error = NULL;
    scoped_fd other = -1;

    scratch_do("truncate -s 1M image");
    identity = identity_of(path);
    other = open(path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(other, 0);
    if (uses[_i].used)
        unit_assert_ok(image_lock_take(other, path, uses[_i].exclusive, &error), error);
    plan_check_lock(plan, path, &identity);
    ck_assert_int_eq(plan_check(plan, locks, &error), uses[_i].shared_fine);
    if (!uses[_i].shared_fine)
        unit_assert_error(error, OFFSHOT_ERROR_BUSY, "image");
    plan_locks_free(locks);
    locks = plan_locks_new();
    plan_check_exclusive(plan, path, &identity);
    ck_assert_int_eq(plan_check(plan, locks, &error), uses[_i].exclusive_fine);
    if (!uses[_i].exclusive_fine)
        unit_assert_error(error, OFFSHOT_ERROR_BUSY, "image");
    ck_assert_uint_eq(locks->len, uses[_i].exclusive_fine ? 1 : 0);
}
END_TEST

/* Whether somebody else may read the image now. */
static bool
is_readable(const char *path)
{
    scoped_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    enum image_use use = IMAGE_UNUSED;
    g_autoptr(GError) error = NULL;

    ck_assert_int_ge(fd, 0);
    unit_assert_ok(image_lock_query(fd, &use, &error), error);
    return use != IMAGE_WRITTEN;
}

/* What recovery locks: all that the plan had, or, to undo, only what its prepare steps change. */
START_TEST(recovery_takes_the_locks_of_the_phase)
{
    g_autofree char *tagged = scratch_path("tagged");
    g_autofree char *merged = scratch_path("merged");
    g_autofree char *gone = scratch_path("gone");
    const struct step_image_spec image = {tagged, "qcow2", false};
    g_autoptr(GError) error = NULL;

    scratch_do("truncate -s 1M tagged merged");
    plan_check_exclusive(plan, tagged, &old);
    plan_check_exclusive(plan, merged, &old);
    plan_check_exclusive(plan, gone, &old);
    plan_add_take_tag(plan, 1, &image, "t");
    unit_assert_ok(plan_lock_images(plan, _i == 0 ? PLAN_PREPARE : PLAN_APPLY, locks, &error),
                   error);
    ck_assert(!is_readable(tagged));
    ck_assert_int_eq(is_readable(merged), _i == 0);
    ck_assert_uint_eq(locks->len, _i == 0 ? 1 : 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("check");
    TCase *cases = tcase_create("check");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_test(cases, space_of_one_file_system_is_added_up);
    tcase_add_test(cases, space_beyond_all_numbers_is_refused);
    tcase_add_loop_test(cases, steps_do_not_get_in_each_others_way, 0, G_N_ELEMENTS(plans));
    tcase_add_loop_test(cases, exclusive_check_wants_the_image_for_itself, 0, G_N_ELEMENTS(uses));
    tcase_add_loop_test(cases, recovery_takes_the_locks_of_the_phase, 0, 2);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
