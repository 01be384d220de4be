/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "unit/forest.h"

static struct forest forest;

static void
setup(void)
{
    /* a.s2 and the clone of somebody stand on a.s1; b holds a tag; "free" and "up" are of nobody */
    forest_init(&forest, "vda=a.s2 vdb=b", "a a.s1<a a.s2<a.s1 up<a.s1 b low free",
                "s1:vda=a>a.s1,vdb=b! s2^s1*:vda=a.s1>a.s2");
    planner_depend(&forest.planner, forest_image(&forest, "a.s1"), "/d/clone");
    forest_add_layer(&forest, "low");
}

static void
teardown(void)
{
    forest_clear(&forest);
}

static const char *
snapshot_of(const char *image)
{
    const struct snapshot_def *def =
        usage_find_snapshot(&forest.planner.state, forest_image(&forest, image), forest.removed);

    return def ? def->name : "";
}

START_TEST(image_is_needed_by_the_snapshot_that_froze_it_or_tagged_it)
{
    ck_assert_str_eq(snapshot_of("a"), "s1");
    ck_assert_str_eq(snapshot_of("b"), "s1");
    ck_assert_str_eq(snapshot_of("a.s1"), "s2");
    ck_assert_str_eq(snapshot_of("a.s2"), "");
    ck_assert_str_eq(snapshot_of("free"), "");
}
END_TEST

START_TEST(removed_snapshots_need_nothing)
{
    forest_remove(&forest, "s1");
    ck_assert_str_eq(snapshot_of("a"), "");
    ck_assert_str_eq(snapshot_of("b"), "");
    ck_assert_str_eq(snapshot_of("a.s1"), "s2");
    ck_assert_ptr_nonnull(
        usage_find_snapshot(&forest.planner.state, forest_image(&forest, "a"), NULL));
}
END_TEST

START_TEST(active_image_leads_to_its_disk)
{
    const struct state *state = &forest.planner.state;

    ck_assert_str_eq(usage_find_active(state, forest_image(&forest, "b"))->def->target, "vdb");
    ck_assert_ptr_null(usage_find_active(state, forest_image(&forest, "a")));
}
END_TEST

START_TEST(image_is_in_use_when_a_disk_stands_on_it)
{
    const struct state *state = &forest.planner.state;

    ck_assert(usage_is_in_use(state, forest_image(&forest, "a")));
    ck_assert(usage_is_in_use(state, forest_image(&forest, "a.s2")));
    ck_assert(!usage_is_in_use(state, forest_image(&forest, "low")));
}
END_TEST

static char *
joined(GPtrArray *images)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < images->len; i++)
        g_string_append_printf(text, "%s ", forest_name(g_ptr_array_index(images, i)));
    g_ptr_array_unref(images);
    return g_string_free(text, FALSE);
}

START_TEST(images_are_those_of_disks_snapshots_and_layers_once_each)
{
    g_autofree char *all = joined(usage_images(&forest.planner.state));

    ck_assert_str_eq(all, "a a.s1 a.s2 b low ");
}
END_TEST

START_TEST(overlays_stand_directly_on_an_image)
{
    const struct state *state = &forest.planner.state;
    g_autofree char *first = joined(usage_overlays(state, forest_image(&forest, "a")));
    g_autofree char *second = joined(usage_overlays(state, forest_image(&forest, "a.s1")));
    g_autofree char *none = joined(usage_overlays(state, forest_image(&forest, "a.s2")));

    ck_assert_str_eq(first, "a.s1 ");
    ck_assert_str_eq(second, "a.s2 ");
    ck_assert_str_eq(none, "");
}
END_TEST

static bool
is_ours(const char *image)
{
    return usage_is_ours(&forest.planner.state, forest_image(&forest, image));
}

START_TEST(snapshot_that_holds_its_own_overlay_makes_nothing_ours)
{
    struct snapshot_def *def =
        (struct snapshot_def *)snapshot_tree_find(forest.planner.state.snapshots->tree, "s1");
    struct snapshot_disk *disk = g_ptr_array_index(def->disks, 0);

    g_free(disk->source);
    disk->source = g_strdup("/d/a");
    ck_assert(!is_ours("a"));
}
END_TEST

START_TEST(ours_is_what_a_snapshot_made_or_a_delete_left)
{
    struct snapshot_def *def =
        (struct snapshot_def *)snapshot_tree_find(forest.planner.state.snapshots->tree, "s2");
    struct snapshot_disk *disk = snapshot_disk_new("vda");
    struct snapshot_disk *other = snapshot_disk_new("vda");

    ck_assert(is_ours("a.s1"));
    ck_assert(is_ours("a.s2"));
    ck_assert(is_ours("low"));
    ck_assert(!is_ours("a"));
    ck_assert(!is_ours("b"));
    ck_assert(!is_ours("free"));
    ck_assert(!is_ours("up"));
    disk->source = g_strdup("/d/up");
    g_ptr_array_add(def->revert_disks, disk);
    ck_assert(is_ours("up"));
    /* a file that stands on nothing that the snapshot froze is only claimed */
    other->source = g_strdup("/d/free");
    g_ptr_array_add(def->revert_disks, other);
    ck_assert(!is_ours("free"));
}
END_TEST

START_TEST(file_in_the_place_of_what_was_frozen_is_not_ours)
{
    const struct state *state = &forest.planner.state;
    const struct image *image = forest_image(&forest, "a.s1");

    ck_assert_ptr_null(usage_find_replaced(state, image));
    forest_record(&forest, "s2", STATE_RECORD_SAME);
    ck_assert_ptr_null(usage_find_replaced(state, image));
    ck_assert(is_ours("a.s1"));
    forest_record(&forest, "s2", STATE_RECORD_OTHER);
    ck_assert_str_eq(usage_find_replaced(state, image)->def->name, "s2");
    ck_assert(!is_ours("a.s1"));
    ck_assert(is_ours("a.s2"));
    forest_add_layer(&forest, "a.s1");
    ck_assert(!is_ours("a.s1"));
}
END_TEST

START_TEST(file_that_one_of_two_snapshots_has_on_record_is_the_frozen_one)
{
    const struct image *image = forest_image(&forest, "a.s1");
    struct state_frozen *other =
        (struct state_frozen *)state_find_frozen(&forest.planner.state, "s1", "vda");

    other->image = image;
    forest_record(&forest, "s1", STATE_RECORD_OTHER);
    ck_assert_ptr_nonnull(usage_find_replaced(&forest.planner.state, image));
    forest_record(&forest, "s2", STATE_RECORD_SAME);
    ck_assert_ptr_null(usage_find_replaced(&forest.planner.state, image));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("usage");
    TCase *tests = tcase_create("usage");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, image_is_needed_by_the_snapshot_that_froze_it_or_tagged_it);
    tcase_add_test(tests, removed_snapshots_need_nothing);
    tcase_add_test(tests, active_image_leads_to_its_disk);
    tcase_add_test(tests, images_are_those_of_disks_snapshots_and_layers_once_each);
    tcase_add_test(tests, overlays_stand_directly_on_an_image);
    tcase_add_test(tests, image_is_in_use_when_a_disk_stands_on_it);
    tcase_add_test(tests, snapshot_that_holds_its_own_overlay_makes_nothing_ours);
    tcase_add_test(tests, ours_is_what_a_snapshot_made_or_a_delete_left);
    tcase_add_test(tests, file_in_the_place_of_what_was_frozen_is_not_ours);
    tcase_add_test(tests, file_that_one_of_two_snapshots_has_on_record_is_the_frozen_one);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
