/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "txn/plan.h"

#include "unit/unit.h"

static const struct kind {
    enum step_kind kind;
    const char *name;
    enum plan_phase phase;
} kinds[] = {
    {STEP_MAKE_DIRECTORY, "make-directory", PLAN_PREPARE},
    {STEP_STAGE_FILE, "stage-file", PLAN_PREPARE},
    {STEP_CREATE_OVERLAY, "create-overlay", PLAN_PREPARE},
    {STEP_FILL_DEVICE, "fill-device", PLAN_PREPARE},
    {STEP_CONVERT, "convert", PLAN_PREPARE},
    {STEP_LINK, "link", PLAN_PREPARE},
    {STEP_TAKE_TAG, "take-tag", PLAN_PREPARE},
    {STEP_APPLY_TAG, "apply-tag", PLAN_PREPARE},
    {STEP_COMMIT, "commit", PLAN_APPLY},
    {STEP_REBASE, "rebase", PLAN_APPLY},
    {STEP_RELINK, "relink", PLAN_APPLY},
    {STEP_REPLACE, "replace", PLAN_APPLY},
    {STEP_INSTALL, "install", PLAN_APPLY},
    {STEP_UNLINK, "unlink", PLAN_APPLY},
    {STEP_DELETE_TAG, "delete-tag", PLAN_APPLY},
};

START_TEST(kind_has_one_name_and_one_phase)
{
    const struct kind *kind = &kinds[_i];
    enum step_kind parsed = STEP_UNLINK;

    ck_assert_str_eq(step_kind_name(kind->kind), kind->name);
    ck_assert(step_kind_parse(kind->name, &parsed));
    ck_assert_int_eq(parsed, kind->kind);
    ck_assert_int_eq(step_kind_phase(kind->kind), kind->phase);
}
END_TEST

START_TEST(unknown_kind_is_refused)
{
    static const char *const names[] = {"", "Link", "link ", "unlin", "unlinks", "merge"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        enum step_kind kind = STEP_INSTALL;

        ck_assert_msg(!step_kind_parse(names[i], &kind), "'%s' is a kind", names[i]);
        ck_assert_int_eq(kind, STEP_INSTALL);
    }
}
END_TEST

/* The paths of STEPS, joined. */
static char *
paths_of(const GPtrArray *steps)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < steps->len; i++)
        g_string_append(text, ((const struct step *)g_ptr_array_index(steps, i))->path);
    return g_string_free(text, FALSE);
}

START_TEST(steps_lie_by_rank_and_then_as_they_were_added)
{
    static const struct {
        unsigned rank;
        const char *path;
    } added[] = {{2, "e"}, {0, "a"}, {1, "c"}, {2, "f"}, {0, "b"}, {1, "d"}, {3, "g"}};
    const struct file_identity old = {1, 2, 3, 4, 0};
    scoped(plan) plan = plan_new("create", "vm", NULL);
    g_autofree char *prepare = NULL;
    g_autofree char *apply = NULL;

    for (size_t i = 0; i < G_N_ELEMENTS(added); i++) {
        plan_add_make_directory(plan, added[i].rank, added[i].path);
        plan_add_replace(plan, added[i].rank, "source", added[i].path, &old);
    }
    prepare = paths_of(plan->prepare);
    apply = paths_of(plan->apply);
    ck_assert_str_eq(prepare, "abcdefg");
    ck_assert_str_eq(apply, "abcdefg");
}
END_TEST

START_TEST(step_goes_into_the_phase_of_its_kind)
{
    const struct file_identity old = {1, 2, 3, 4, 0};
    char *argv[] = {(char *)"program", NULL};
    scoped(plan) plan = plan_new("create", "vm", "s1");

    plan_add_make_directory(plan, 0, "/d");
    plan_add_stage_file(plan, 0, "/f", "text", NULL);
    plan_add_create_overlay(plan, 0, "/o", argv, "/like");
    plan_add_fill_device(plan, 0, "/o", "/dev/x");
    plan_add_link(plan, 0, "/o", "/l");
    ck_assert_uint_eq(plan->prepare->len, 5);
    ck_assert_uint_eq(plan->apply->len, 0);
    plan_add_replace(plan, 0, "/f", "/g", &old);
    plan_add_install(plan, 0, "/f", "/h");
    plan_add_unlink(plan, 0, "/o");
    ck_assert_uint_eq(plan->prepare->len, 5);
    ck_assert_uint_eq(plan->apply->len, 3);
}
END_TEST

/* The steps that change an image, as their adders leave them. */
START_TEST(image_step_keeps_what_its_recipe_needs)
{
    char path[] = "/image", format[] = "qcow2", tag[] = "tag", undo[] = "undo", base[] = "/base";
    char backing[] = "base", old[] = "old";
    const struct step_image_spec image = {path, format, true};
    const struct step_link link = {backing, format};
    const struct step_link old_link = {old, format};
    scoped(plan) plan = plan_new("delete", "vm", "s1");
    const struct step *take = plan_add_take_tag(plan, 1, &image, tag);
    const struct step *apply = plan_add_apply_tag(plan, 2, &image, tag, undo);
    const struct step *commit = plan_add_commit(plan, 0, &image, base, 3);
    const struct step *rebase = plan_add_rebase(plan, 0, &image, &link, base, &old_link);
    const struct step *relink = plan_add_relink(plan, 1, &image, &link, &old_link);
    const struct step *drop = plan_add_delete_tag(plan, 4, &image, tag);
    const struct step *const all[] = {take, apply, commit, rebase, relink, drop};

    path[1] = format[0] = tag[0] = undo[0] = base[1] = backing[0] = old[0] = 'X';
    ck_assert_uint_eq(plan->prepare->len, 2);
    ck_assert_uint_eq(plan->apply->len, 4);
    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        ck_assert_str_eq(all[i]->path, "/image");
        ck_assert_str_eq(all[i]->format, "qcow2");
        ck_assert(all[i]->block);
    }
    ck_assert_str_eq(take->tag, "tag");
    ck_assert_str_eq(apply->tag, "tag");
    ck_assert_str_eq(apply->undo, "undo");
    ck_assert_str_eq(drop->tag, "tag");
    ck_assert_str_eq(commit->source, "/base");
    ck_assert_uint_eq(commit->depth, 3);
    ck_assert_str_eq(rebase->base, "/base");
    ck_assert_str_eq(rebase->link.backing, "base");
    ck_assert_str_eq(rebase->old_link.backing, "old");
    ck_assert_str_eq(relink->link.format, "qcow2");
    ck_assert_str_eq(relink->old_link.format, "qcow2");
}
END_TEST

START_TEST(plan_copies_what_it_is_given)
{
    char path[] = "/path", source[] = "/source", content[] = "content", like[] = "/like";
    char word[] = "word", format[] = "qcow2", backing[] = "base", domain[] = "vm";
    char *argv[] = {word, NULL};
    const struct file_identity old = {5, 6, 7, 8, 0};
    const struct step_overlay overlay = {format, backing, format, path, 512};
    scoped(plan) plan = plan_new(word, domain, path);
    struct step *file = plan_add_stage_file(plan, 0, path, content, like);
    struct step *image = plan_add_create_overlay(plan, 0, path, argv, like);
    struct step *replace = plan_add_replace(plan, 0, source, path, &old);

    step_expect_overlay(image, &overlay);
    step_expect_overlay(image, &overlay);
    plan_check_lock(plan, path, &old);
    path[1] = source[1] = content[0] = like[1] = word[0] = format[0] = backing[0] = domain[0] = 'X';
    ck_assert_str_eq(plan->operation, "word");
    ck_assert_str_eq(plan->domain, "vm");
    ck_assert_str_eq(plan->snapshot, "/path");
    ck_assert_str_eq(file->content, "content");
    ck_assert_str_eq(file->like, "/like");
    ck_assert_str_eq(image->argv[0], "word");
    ck_assert_str_eq(image->overlay.format, "qcow2");
    ck_assert_str_eq(image->overlay.backing, "base");
    ck_assert_str_eq(image->overlay.backing_path, "/path");
    ck_assert_uint_eq(image->overlay.size, 512);
    ck_assert_str_eq(replace->source, "/source");
    ck_assert(file_identity_is_unchanged(&replace->old, &old));
    ck_assert_str_eq(((struct plan_check *)g_ptr_array_index(plan->checks, 0))->path, "/path");
}
END_TEST

START_TEST(check_keeps_kind_identity_and_bytes)
{
    const struct file_identity identity = {1, 2, 3, 4, 0};
    scoped(plan) plan = plan_new("create", "vm", NULL);
    static const enum plan_check_kind order[] = {PLAN_CHECK_ABSENT,    PLAN_CHECK_UNCHANGED,
                                                 PLAN_CHECK_LOCK,      PLAN_CHECK_EXCLUSIVE,
                                                 PLAN_CHECK_UNWRITTEN, PLAN_CHECK_SPACE,
                                                 PLAN_CHECK_BLANK,     PLAN_CHECK_INSTALL};

    plan_check_absent(plan, "/p");
    plan_check_unchanged(plan, "/p", &identity);
    plan_check_lock(plan, "/lock", &identity);
    plan_check_exclusive(plan, "/exclusive", &identity);
    plan_check_unwritten(plan, "/unwritten", &identity);
    plan_check_space(plan, "/p", 42);
    plan_check_blank(plan, "/p", 42);
    plan_check_install(plan, "/p");
    ck_assert_uint_eq(plan->checks->len, G_N_ELEMENTS(order));
    for (guint i = 0; i < plan->checks->len; i++) {
        const struct plan_check *check = g_ptr_array_index(plan->checks, i);
        bool has_identity = i >= 1 && i <= 4;
        bool has_bytes = i == 5 || i == 6;

        ck_assert_int_eq(check->kind, order[i]);
        ck_assert_uint_eq(check->identity.inode, has_identity ? 2 : 0);
        ck_assert_uint_eq(check->bytes, has_bytes ? 42 : 0);
    }
}
END_TEST

START_TEST(strictest_check_of_an_image_remains)
{
    typedef void (*adder)(struct plan *, const char *, const struct file_identity *);
    static const adder adders[] = {plan_check_unwritten, plan_check_lock, plan_check_exclusive};
    static const enum plan_check_kind found[] = {PLAN_CHECK_UNWRITTEN, PLAN_CHECK_LOCK,
                                                 PLAN_CHECK_EXCLUSIVE};
    const struct file_identity identity = {1, 2, 3, 4, 0};

    for (size_t a = 0; a < G_N_ELEMENTS(adders); a++) {
        for (size_t b = 0; b < G_N_ELEMENTS(adders); b++) {
            scoped(plan) plan = plan_new("create", "vm", NULL);
            const struct plan_check *check;

            plan_check_unchanged(plan, "/p", &identity);
            adders[a](plan, "/p", &identity);
            adders[b](plan, "/p", &identity);
            adders[b](plan, "/other", &identity);
            ck_assert_uint_eq(plan->checks->len, 3);
            check = g_ptr_array_index(plan->checks, 1);
            ck_assert_int_eq(check->kind, found[MAX(a, b)]);
            ck_assert_uint_eq(check->identity.inode, 2);
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("plan");
    TCase *cases = tcase_create("plan");

    tcase_add_loop_test(cases, kind_has_one_name_and_one_phase, 0, G_N_ELEMENTS(kinds));
    tcase_add_test(cases, unknown_kind_is_refused);
    tcase_add_test(cases, steps_lie_by_rank_and_then_as_they_were_added);
    tcase_add_test(cases, step_goes_into_the_phase_of_its_kind);
    tcase_add_test(cases, image_step_keeps_what_its_recipe_needs);
    tcase_add_test(cases, plan_copies_what_it_is_given);
    tcase_add_test(cases, check_keeps_kind_identity_and_bytes);
    tcase_add_test(cases, strictest_check_of_an_image_remains);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
