/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <sys/stat.h>

#include "image/tags.h"
#include "unit/image-step.h"

/* Tags taken, applied, deleted and taken back, from every state in which a crash, a failing
 * qemu-img or a guest may have left the image.
 */

#define IMAGE "a.qcow2"

static const char *const layouts[] = {"compat=1.1", "compat=0.10", "compat=1.1,cluster_size=512",
                                      "compat=1.1,extended_l2=on"};

/* An image whose backing file is missing: pattern 1 at 0, tag "old"; since then pattern 2 there. */
static void
make_image(const char *options)
{
    scratch_do("qemu-img create -q -f raw base 4M;"
               "qemu-img create -q -f qcow2 -o %s -b base -F raw " IMAGE,
               options);
    write_pattern(IMAGE, 1, 0);
    scratch_do("qemu-img snapshot -c old " IMAGE);
    write_pattern(IMAGE, 2, 0);
    write_pattern(IMAGE, 3, 1024);
    scratch_do("mv base elsewhere");
    hold(IMAGE);
}

/* The image can be read with its chain. */
static void
show_image(void)
{
    scratch_do("mv elsewhere base");
}

static void
assert_original(void)
{
    show_image();
    assert_pattern(IMAGE, 2, 0);
    assert_pattern(IMAGE, 3, 1024);
    assert_clean(IMAGE);
    scratch_do("mv base elsewhere");
}

static void
assert_old(void)
{
    show_image();
    assert_pattern(IMAGE, 1, 0);
    assert_pattern(IMAGE, 0, 1024);
    assert_clean(IMAGE);
    scratch_do("mv base elsewhere");
}

/* A guest writes PATTERN at 512 KiB, nobody holding the image. */
static void
guest_writes(int pattern)
{
    release();
    show_image();
    write_pattern(IMAGE, pattern, 512);
    scratch_do("mv base elsewhere");
}

/* The state of TAG has PATTERN at 512 KiB. */
static void
assert_tag_pattern(const char *tag, int pattern)
{
    show_image();
    scratch_do("cp --sparse=always " IMAGE " copy; \"$REAL_QEMU_IMG\" snapshot -a '%s' copy", tag);
    assert_pattern("copy", pattern, 512);
    scratch_do("rm copy; mv base elsewhere");
}

static struct step *
add_step(enum step_kind kind, const char *tag, const char *undo)
{
    g_autofree char *path = scratch_path(IMAGE);
    const struct step_image_spec image = {.path = path, .format = "qcow2"};
    struct step *step;

    if (kind == STEP_TAKE_TAG)
        step = plan_add_take_tag(plan, 0, &image, tag);
    else if (kind == STEP_APPLY_TAG)
        step = plan_add_apply_tag(plan, 1, &image, tag, undo);
    else
        step = plan_add_delete_tag(plan, 0, &image, tag);
    step->begun = true;
    return step;
}

/* A step that fails leaves its image under the other name; what is said of it here is the same
 * when its user gives it its name back.
 */
static void
give_name_back(const struct step *step)
{
    if (step_is_hidden(step))
        ck_assert_int_eq(rename(step->hidden, step->path), 0);
}

static void
undo(const struct step *step, bool recovering)
{
    const struct step_context context = context_of(recovering);
    g_autoptr(GError) error = NULL;

    unit_assert_ok(step_image_undo(step, &context, &error), error);
    ck_assert(!step_is_hidden(step));
}

static void
undo_fails(const struct step *step, const char *fragment)
{
    const struct step_context context = context_of(true);
    g_autoptr(GError) error = NULL;

    ck_assert(!step_image_undo(step, &context, &error));
    ck_assert(!step_is_hidden(step) || strstr(error->message, step->hidden));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, fragment);
    give_name_back(step);
}

static void
run(struct step *step)
{
    g_autoptr(GError) error = NULL;

    unit_assert_ok(step_run(step, false, NULL, &error), error);
    ck_assert(!step_is_hidden(step));
}

static void
run_fails(struct step *step, const char *fragment)
{
    g_autoptr(GError) error = NULL;

    ck_assert(!step_run(step, false, NULL, &error));
    ck_assert_msg(error && strstr(error->message, fragment), "'%s' is not in: %s", fragment,
                  error ? error->message : "no error");
    give_name_back(step);
}

START_TEST(a_tag_is_taken_and_taken_back)
{
    struct step *take;

    make_image(layouts[_i]);
    take = add_step(STEP_TAKE_TAG, "new", NULL);
    run(take);
    ck_assert_int_eq(take->fd, -1);
    ck_assert_uint_eq(tag_count(IMAGE, "new"), 1);
    assert_original();
    for (int i = 0; i < 3; i++) {
        undo(take, i % 2);
        ck_assert_uint_eq(tag_count(IMAGE, "new"), 0);
        ck_assert_uint_eq(tag_count(IMAGE, "old"), 1);
        assert_original();
    }
    ck_assert_uint_eq(notes->len, 0);
}
END_TEST

/* How qemu-img goes wrong, what is said of it then, and whether its work was done. */
static const struct failure {
    const char *when;
    const char *message;
    bool done;
} failures[] = {
    {"before", "exit status 1", false}, {"after", "exit status 1", true},
    {"complain", "complained", true},   {"lie", "did not complain", false},
    {"die", "signal 9", false},
};

START_TEST(a_failed_tag_is_taken_back)
{
    const struct failure *failure = &failures[_i];
    struct step *take;

    make_image("compat=1.1");
    take = add_step(STEP_TAKE_TAG, "new", NULL);
    fake_mode(failure->when, " -c new ");
    run_fails(take, failure->message);
    ck_assert(fake_done());
    ck_assert_uint_eq(tag_count(IMAGE, "new"), failure->done);
    for (int i = 0; i < 2; i++) {
        undo(take, i);
        ck_assert_uint_eq(tag_count(IMAGE, "new"), 0);
        assert_original();
    }
}
END_TEST

START_TEST(a_taken_name_and_an_overlong_one_are_refused)
{
    g_autofree char *name = g_strnfill(256, 'n');

    make_image("compat=1.1");
    fake_mode("always-die", " snapshot ");
    run_fails(add_step(STEP_TAKE_TAG, "old", NULL), "already");
    run_fails(add_step(STEP_TAKE_TAG, name, NULL), "255 bytes");
    ck_assert(!fake_done());
    assert_original();
}
END_TEST

START_TEST(a_tag_that_cannot_be_deleted_stays_until_it_can)
{
    struct step *take;

    make_image("compat=1.1");
    take = add_step(STEP_TAKE_TAG, "new", NULL);
    run(take);
    fake_mode("always-before", " -d new ");
    undo_fails(take, "exit status 1");
    undo_fails(take, "exit status 1");
    ck_assert_uint_eq(tag_count(IMAGE, "new"), 1);
    fake_mode("always-before", " check ");
    undo_fails(take, "cannot repair");
    fake_mode("after", " -d new ");
    undo(take, true);
    ck_assert(fake_done());
    ck_assert_uint_eq(tag_count(IMAGE, "new"), 0);
    assert_original();
}
END_TEST

/* Set 8 bytes at OFFSET of the image to zero. */
static void
wipe(long offset)
{
    scratch_do("dd if=/dev/zero of=" IMAGE " bs=1 seek=%ld count=8 conv=notrunc 2>/dev/null",
               offset);
}

/* The COUNT bytes at OFFSET as a big-endian number. */
static size_t
number_at(const uint8_t *data, size_t offset, unsigned count)
{
    size_t number = 0;

    for (unsigned i = 0; i < count; i++)
        number = number << 8 | data[offset + i];
    return number;
}

/* Refcounts as an interrupted snapshot leaves them: some clusters are counted less often than they
 * are used.
 */
static void
damage_refcounts(void)
{
    size_t got;
    g_autofree uint8_t *data = scratch_read(IMAGE, 8 << 20, &got);
    size_t table = number_at(data, 48, 8);

    ck_assert_uint_lt(table, got);
    wipe((long)number_at(data, table, 8) + 6); /* from the fourth cluster on */
    scratch_do("\"$REAL_QEMU_IMG\" check -q -U 'json:{\"driver\":\"qcow2\",\"file\":{\"driver\":"
               "\"file\",\"filename\":\"" IMAGE "\"},\"backing\":null}' 2>/dev/null && exit 1; "
               "test $? = 2");
}

START_TEST(undoing_repairs_the_image_first)
{
    struct step *take, *apply;

    make_image("compat=1.1");
    take = add_step(STEP_TAKE_TAG, "undo", NULL);
    apply = add_step(STEP_APPLY_TAG, "old", "undo");
    run(take);
    damage_refcounts();
    undo(apply, true);
    assert_original();
    run(apply);
    damage_refcounts();
    undo(apply, true);
    assert_original();
    damage_refcounts();
    undo(take, true);
    assert_original();
    ck_assert_uint_eq(tag_count(IMAGE, "undo"), 0);
}
END_TEST

START_TEST(a_tag_is_applied_and_taken_back)
{
    struct step *take, *apply;

    make_image(layouts[_i]);
    take = add_step(STEP_TAKE_TAG, "undo", NULL);
    apply = add_step(STEP_APPLY_TAG, "old", "undo");
    run(take);
    run(apply);
    assert_old();
    ck_assert_uint_eq(tag_count(IMAGE, "undo"), 1);
    for (int i = 0; i < 3; i++) {
        undo(apply, i % 2);
        assert_original();
    }
    for (int i = 0; i < 2; i++) {
        undo(take, i % 2);
        undo(apply, i % 2);
        assert_original();
    }
    ck_assert_uint_eq(tag_count(IMAGE, "undo"), 0);
    ck_assert_uint_eq(tag_count(IMAGE, "old"), 1);
    ck_assert_uint_eq(notes->len, 0);
}
END_TEST

START_TEST(a_failed_revert_is_taken_back)
{
    const struct failure *failure = &failures[_i];
    struct step *take, *apply;

    make_image("compat=1.1");
    take = add_step(STEP_TAKE_TAG, "undo", NULL);
    apply = add_step(STEP_APPLY_TAG, "old", "undo");
    run(take);
    fake_mode(failure->when, " -a old ");
    run_fails(apply, failure->message);
    if (failure->done)
        assert_old();
    fake_mode(failure->when, failure->done ? " -a undo " : " none ");
    undo(apply, true);
    ck_assert_int_eq(fake_done(), failure->done);
    assert_original();
    undo(take, true);
    ck_assert_uint_eq(tag_count(IMAGE, "undo"), 0);
    ck_assert_uint_eq(notes->len, 0);
}
END_TEST

/* How many writes of each program are tried. */
#define KILLS 8

START_TEST(a_revert_killed_at_any_write_is_taken_back)
{
    static const char *const patterns[] = {" -c undo ", " -a old ", " -a undo ", " -d undo "};
    const struct step_context context = context_of(true);
    g_autofree char *when = g_strdup_printf("kill-%d", 1 + _i % KILLS);
    struct step *take, *apply;
    bool applied;

    make_image("compat=1.1");
    take = add_step(STEP_TAKE_TAG, "undo", NULL);
    apply = add_step(STEP_APPLY_TAG, "old", "undo");
    fake_mode(when, patterns[_i / KILLS]);
    applied = step_run(take, false, NULL, NULL);
    if (applied)
        step_run(apply, false, NULL, NULL);
    /* killed once at most */
    if (!(!applied || step_image_undo(apply, &context, NULL)) ||
        !step_image_undo(take, &context, NULL)) {
        if (applied)
            undo(apply, true);
        undo(take, true);
    }
    ck_assert(fake_done());
    assert_original();
    ck_assert_uint_eq(tag_count(IMAGE, "undo"), 0);
    ck_assert_uint_eq(tag_count(IMAGE, "old"), 1);
}
END_TEST

START_TEST(a_deletion_killed_at_any_write_is_finished)
{
    g_autofree char *when = g_strdup_printf("kill-%d", 1 + _i);
    struct step *delete;

    make_image("compat=1.1");
    delete = add_step(STEP_DELETE_TAG, "old", NULL);
    fake_mode(when, " -d old ");
    if (!step_run(delete, false, NULL, NULL)) {
        g_autoptr(GError) error = NULL;

        unit_assert_ok(step_run(delete, true, NULL, &error), error);
    }
    ck_assert(fake_done());
    ck_assert_uint_eq(tag_count(IMAGE, "old"), 0);
    assert_original();
}
END_TEST

START_TEST(a_revert_that_cannot_be_taken_back_keeps_its_undo_tag)
{
    struct step *apply;

    make_image("compat=1.1");
    run(add_step(STEP_TAKE_TAG, "undo", NULL));
    apply = add_step(STEP_APPLY_TAG, "old", "undo");
    run(apply);
    fake_mode("always-before", " -a undo ");
    undo_fails(apply, "exit status 1");
    fake_mode("always-lie", " -a undo ");
    undo_fails(apply, "was not applied");
    ck_assert_uint_eq(tag_count(IMAGE, "undo"), 1);
    assert_old();
    ck_assert(!fake_done());
    undo(apply, true);
    assert_original();
}
END_TEST

START_TEST(what_a_guest_wrote_meanwhile_is_kept)
{
    struct step *take, *apply;

    make_image("compat=1.1");
    take = add_step(STEP_TAKE_TAG, "undo", NULL);
    apply = add_step(STEP_APPLY_TAG, "old", "undo");
    run(take);
    run(apply);
    guest_writes(7);
    for (int i = 0; i < 2; i++) {
        undo(apply, true);
        assert_original();
        ck_assert_uint_eq(tag_count(IMAGE, "undo.kept"), 1);
        ck_assert_uint_eq(notes->len, i + 1);
    }
    ck_assert_ptr_nonnull(strstr(notes->pdata[0], "'undo.kept'"));
    assert_tag_pattern("undo.kept", 7);
    guest_writes(8);
    undo(apply, true);
    assert_original();
    assert_tag_pattern("undo.kept", 7);
    assert_tag_pattern("undo.kept-2", 8);
    undo(take, true);
    assert_original();
    ck_assert_uint_eq(tag_count(IMAGE, "undo"), 0);
    ck_assert_uint_eq(tag_count(IMAGE, "undo.kept"), 1);
}
END_TEST

/* Keeping is itself interrupted: how, and at which call. */
static const struct {
    const char *when;
    const char *pattern;
} keeps[] = {
    {"die", " -c undo.kept "}, {"after", " -c undo.kept "}, {"die", " -a undo "},
    {"after", " -a undo "},    {"die", " check "},
};

START_TEST(keeping_can_be_interrupted)
{
    const struct step_context context = context_of(true);
    g_autoptr(GError) error = NULL;
    struct step *apply;

    make_image("compat=1.1");
    run(add_step(STEP_TAKE_TAG, "undo", NULL));
    apply = add_step(STEP_APPLY_TAG, "old", "undo");
    run(apply);
    guest_writes(7);
    fake_mode(keeps[_i].when, keeps[_i].pattern);
    if (!step_image_undo(apply, &context, &error))
        ck_assert_int_eq(error->code, OFFSHOT_ERROR_INTERRUPTED);
    ck_assert(fake_done());
    undo(apply, true);
    assert_original();
    ck_assert_uint_eq(tag_count(IMAGE, "undo.kept"), 1);
    ck_assert_uint_eq(tag_count(IMAGE, "undo.kept-2"), 0);
    assert_tag_pattern("undo.kept", 7);
    ck_assert_uint_ge(notes->len, 1);
}
END_TEST

START_TEST(a_kept_name_fits_and_is_cut_between_characters)
{
    /* 255 bytes; the cut would go through a letter of two bytes */
    g_autofree char *name = g_strnfill(255, 'u');
    g_autofree char *kept = NULL;
    struct step *apply;

    memcpy(name + 239, "\303\244", 2);
    kept = g_strdup_printf("%.239s.kept", name);
    make_image("compat=1.1");
    run(add_step(STEP_TAKE_TAG, name, NULL));
    apply = add_step(STEP_APPLY_TAG, "old", name);
    run(apply);
    guest_writes(7);
    undo(apply, true);
    ck_assert_uint_eq(tag_count(IMAGE, kept), 1);
    assert_original();
}
END_TEST

START_TEST(what_was_taken_back_before_is_left_to_the_guest)
{
    struct step *take, *apply;

    make_image("compat=1.1");
    take = add_step(STEP_TAKE_TAG, "undo", NULL);
    apply = add_step(STEP_APPLY_TAG, "old", "undo");
    run(take);
    run(apply);
    undo(apply, true);
    undo(take, true);
    guest_writes(7);
    undo(apply, true);
    undo(take, true);
    assert_original();
    show_image();
    assert_pattern(IMAGE, 7, 512);
}
END_TEST

START_TEST(only_the_state_that_was_saved_is_reverted)
{
    make_image("compat=1.1");
    run(add_step(STEP_TAKE_TAG, "undo", NULL));
    guest_writes(7);
    run_fails(add_step(STEP_APPLY_TAG, "old", "undo"), "not that of internal snapshot 'undo'");
    run_fails(add_step(STEP_APPLY_TAG, "old", "none"), "not that of internal snapshot 'none'");
}
END_TEST

START_TEST(a_tag_that_is_missing_or_ambiguous_is_not_applied)
{
    make_image("compat=1.1");
    release();
    /* (ID 2, "3"), (ID 3, "twice"), (ID 4, "twice") */
    scratch_do("for t in 3 twice twice; do qemu-img snapshot -c $t json:'{\"driver\":\"qcow2\","
               "\"file\":{\"driver\":\"file\",\"filename\":\"" IMAGE "\"},\"backing\":null}';"
               "done");
    run(add_step(STEP_TAKE_TAG, "undo", NULL));
    run_fails(add_step(STEP_APPLY_TAG, "none", "undo"), "no internal snapshot 'none'");
    run_fails(add_step(STEP_APPLY_TAG, "twice", "undo"), "more than one");
    run_fails(add_step(STEP_DELETE_TAG, "3", NULL), "for the ID of another");
    assert_original();
}
END_TEST

/* The same name, and after the first tag of an image the same ID again. */
START_TEST(a_tag_that_was_taken_anew_stays)
{
    g_autoptr(GPtrArray) tags = NULL;
    const struct image_tag *tag;
    struct step *delete;
    bool needed;

    make_image("compat=1.1");
    delete = add_step(STEP_DELETE_TAG, "old", NULL);
    tags = image_tags_read(g_array_index(locks, int, 0), IMAGE, NULL);
    tag = image_tags_find(tags, "old");
    delete->tag_id = g_strdup(tag->id);
    delete->tag_date = image_tag_time(tag);
    run(delete);
    ck_assert_uint_eq(tag_count(IMAGE, "old"), 0);
    run(add_step(STEP_TAKE_TAG, "old", NULL));
    for (int i = 0; i < 2; i++) {
        g_autoptr(GError) error = NULL;

        unit_assert_ok(step_run(delete, true, &needed, &error), error);
        ck_assert(!needed);
        ck_assert_uint_eq(tag_count(IMAGE, "old"), 1);
    }
    ck_assert_uint_eq(notes->len, 2);
    assert_original();
}
END_TEST

START_TEST(a_tag_is_deleted)
{
    struct step *delete;
    bool needed;
    g_autoptr(GError) error = NULL;

    make_image(layouts[_i]);
    delete = add_step(STEP_DELETE_TAG, "old", NULL);
    run(delete);
    ck_assert_uint_eq(tag_count(IMAGE, "old"), 0);
    assert_original();
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(step_run(delete, i, &needed, &error), error);
        ck_assert(!needed);
        assert_original();
    }
}
END_TEST

START_TEST(a_failed_deletion_is_done_by_recovery)
{
    const struct failure *failure = &failures[_i];
    struct step *delete;
    bool needed;
    g_autoptr(GError) error = NULL;

    make_image("compat=1.1");
    delete = add_step(STEP_DELETE_TAG, "old", NULL);
    fake_mode(failure->when, " -d old ");
    run_fails(delete, failure->message);
    ck_assert(fake_done());
    damage_refcounts();
    for (int i = 0; i < 2; i++) {
        unit_assert_ok(step_run(delete, true, &needed, &error), error);
        ck_assert_int_eq(needed, i == 0 && !failure->done);
        ck_assert_uint_eq(tag_count(IMAGE, "old"), 0);
        assert_original();
    }
}
END_TEST

/* Begin STEP, a take-tag, as the executor does before it runs the program. */
static void
begin(struct step *step)
{
    const struct step_context context = context_of(false);
    g_autoptr(GError) error = NULL;
    bool needed;

    unit_assert_ok(step_image_begin(step, &context, &needed, &error), error);
    step_image_close(step);
}

START_TEST(an_image_has_another_name_while_it_is_changed)
{
    struct step *take;

    make_image("compat=1.1");
    take = add_step(STEP_TAKE_TAG, "new", NULL);
    begin(take);
    ck_assert_str_eq(step_image_path(take), take->hidden);
    scratch_do("test ! -e " IMAGE "; test -e ." IMAGE ".offshot-????????????");
    undo(take, true);
    assert_original();
    begin(take);
    take->begun = _i;
    {
        const struct step_context context = context_of(false);
        g_autoptr(GError) error = NULL;

        unit_assert_ok(step_image_release(take, &context, &error), error);
    }
    assert_original();
    ck_assert_uint_eq(tag_count(IMAGE, "new"), 0);
}
END_TEST

START_TEST(what_took_the_name_meanwhile_is_left_alone)
{
    const struct step_context context = context_of(true);
    g_autoptr(GError) error = NULL;
    struct step *take;

    make_image("compat=1.1");
    take = add_step(STEP_TAKE_TAG, "new", NULL);
    begin(take);
    scratch_do("echo other >" IMAGE);
    for (int i = 0; i < 2; i++) {
        ck_assert(!step_image_undo(take, &context, &error));
        ck_assert_ptr_nonnull(strstr(error->message, take->path));
        unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, take->hidden);
        g_clear_error(&error);
        scratch_do("test \"$(cat " IMAGE ")\" = other");
    }
    scratch_do("rm " IMAGE);
    undo(take, true);
    assert_original();
}
END_TEST

/* Ways for an image to be reached that a rename would cut off. */
START_TEST(an_image_that_cannot_be_hidden_is_changed_as_it_is)
{
    static const char *const ways[] = {"ln " IMAGE " second",
                                       "mv " IMAGE " real; ln -s real " IMAGE};
    struct step *take;

    make_image("compat=1.1");
    scratch_do("%s", ways[_i]);
    take = add_step(STEP_TAKE_TAG, "new", NULL);
    begin(take);
    ck_assert(!step_is_hidden(take));
    undo(take, true);
    run(take);
    ck_assert_uint_eq(tag_count(IMAGE, "new"), 1);
    assert_original();
    scratch_do("test -e %s", _i ? "real -a -h " IMAGE : "second");
}
END_TEST

START_TEST(another_image_in_its_place_is_left_alone)
{
    struct step *take;
    bool needed;
    g_autoptr(GError) error = NULL;

    make_image("compat=1.1");
    take = add_step(STEP_TAKE_TAG, "new", NULL);
    run(take);
    scratch_do("cp --sparse=always " IMAGE " copy; mv " IMAGE " moved; cp copy " IMAGE);
    undo_fails(take, "not the image");
    ck_assert(!step_run(add_step(STEP_DELETE_TAG, "old", NULL), true, &needed, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INTERRUPTED, "not the image");
    scratch_do("cmp copy " IMAGE "; rm " IMAGE);
    undo_fails(take, "vanished");
    scratch_do("mkfifo " IMAGE);
    undo_fails(take, "not the image");
    scratch_do("rm " IMAGE "; mv moved " IMAGE);
    undo(take, true);
    ck_assert_uint_eq(tag_count(IMAGE, "new"), 0);
}
END_TEST

/* File names and tags of any bytes. */
static const char *const names[] = {"a b",  "a,b", "-x",       "json:{}", "\377",
                                    "a\"b", "$X",  "\303\244", "a\\b%%s", "\n"};

START_TEST(names_may_be_of_any_bytes)
{
    g_autofree char *path = scratch_path(names[_i]);
    g_autofree char *quoted = g_shell_quote(names[_i]);
    const struct step_image_spec image = {.path = path, .format = "qcow2"};
    struct step *take;

    scratch_do("qemu-img create -q -f qcow2 ./new 1M; mv new ./%s", quoted);
    hold(names[_i]);
    take = plan_add_take_tag(plan, 0, &image, names[_i]);
    run(take);
    run(plan_add_apply_tag(plan, 1, &image, names[_i], names[_i]));
    undo(take, true);
    run(take);
    run(plan_add_delete_tag(plan, 0, &image, names[_i]));
}
END_TEST

START_TEST(a_block_device_has_tags_as_well)
{
    g_autofree char *device =
        scratch_run("truncate -s 8M file; losetup -f --show file 2>/dev/null || true");
    const struct step_image_spec image = {.path = g_strchomp(device),
                                          .format = "qcow2",
                                          .block = true};
    struct step *take;
    g_autofree char *detach = NULL;
    bool fine;

    if (!*device) {
        printf("SKIP: no loop devices\n");
        return;
    }
    detach = g_strdup_printf("losetup -d %s", device);
    scratch_do("qemu-img create -q -f qcow2 %s 4M", device);
    take = plan_add_take_tag(plan, 0, &image, "new");
    fine = step_run(take, false, NULL, NULL) &&
           step_run(plan_add_apply_tag(plan, 1, &image, "new", "new"), false, NULL, NULL) &&
           step_image_undo(take, &(struct step_context){.recovering = true}, NULL);
    g_free(scratch_run(detach));
    ck_assert(fine);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("step-tag");
    TCase *cases = tcase_create("step-tag");

    if (!scratch_has("qemu-img") || !scratch_has("qemu-io"))
        return 77;
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, image_step_setup, image_step_teardown);
    tcase_add_loop_test(cases, a_tag_is_taken_and_taken_back, 0, G_N_ELEMENTS(layouts));
    tcase_add_loop_test(cases, a_failed_tag_is_taken_back, 0, G_N_ELEMENTS(failures));
    tcase_add_test(cases, a_taken_name_and_an_overlong_one_are_refused);
    tcase_add_test(cases, a_tag_that_cannot_be_deleted_stays_until_it_can);
    tcase_add_test(cases, undoing_repairs_the_image_first);
    tcase_add_loop_test(cases, a_tag_is_applied_and_taken_back, 0, G_N_ELEMENTS(layouts));
    tcase_add_loop_test(cases, a_failed_revert_is_taken_back, 0, G_N_ELEMENTS(failures));
    if (scratch_has("strace")) {
        tcase_add_loop_test(cases, a_revert_killed_at_any_write_is_taken_back, 0, 4 * KILLS);
        tcase_add_loop_test(cases, a_deletion_killed_at_any_write_is_finished, 0, KILLS);
    }
    tcase_add_test(cases, a_revert_that_cannot_be_taken_back_keeps_its_undo_tag);
    tcase_add_loop_test(cases, an_image_has_another_name_while_it_is_changed, 0, 2);
    tcase_add_test(cases, what_took_the_name_meanwhile_is_left_alone);
    tcase_add_loop_test(cases, an_image_that_cannot_be_hidden_is_changed_as_it_is, 0, 2);
    tcase_add_test(cases, what_a_guest_wrote_meanwhile_is_kept);
    tcase_add_loop_test(cases, keeping_can_be_interrupted, 0, G_N_ELEMENTS(keeps));
    tcase_add_test(cases, a_kept_name_fits_and_is_cut_between_characters);
    tcase_add_test(cases, what_was_taken_back_before_is_left_to_the_guest);
    tcase_add_test(cases, only_the_state_that_was_saved_is_reverted);
    tcase_add_test(cases, a_tag_that_is_missing_or_ambiguous_is_not_applied);
    tcase_add_test(cases, a_tag_that_was_taken_anew_stays);
    tcase_add_loop_test(cases, a_tag_is_deleted, 0, G_N_ELEMENTS(layouts));
    tcase_add_loop_test(cases, a_failed_deletion_is_done_by_recovery, 0, G_N_ELEMENTS(failures));
    tcase_add_test(cases, another_image_in_its_place_is_left_alone);
    tcase_add_loop_test(cases, names_may_be_of_any_bytes, 0, G_N_ELEMENTS(names));
    tcase_add_test(cases, a_block_device_has_tags_as_well);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
