/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-facts.h"
#include "ops/merge-link.h"
#include "ops/merge-rules.h"
#include "unit/forest.h"

/* Each rule that keeps data: what it allows, and what it says when it does not. */

#define DISKS "vda=a.s2"
#define IMAGES "a a.s1<a a.s2<a.s1 a.s3<a.s2"
#define SNAPSHOTS "s1:vda=a>a.s1 s2^s1:vda=a.s1>a.s2 s3^s2:vda=a.s3>a.s4 s9^s2:vda=a.s2!"

/* a.s2 is the top, a.s1 the bottom, s2 and s9 are removed; TWEAK makes the difference. */
struct rule_case {
    void (*tweak)(struct forest *forest, struct image *top, struct image *bottom);
    const char *refusal; /* NULL: allowed */
};

static void
nothing(struct forest *forest, struct image *top, struct image *bottom)
{
    (void)forest;
    (void)top;
    (void)bottom;
}

static void
set_format(struct image *image, const char *format)
{
    image->format = image_format_find_qemu(format);
    ck_assert_ptr_nonnull(image->format);
}

static struct state_disk *
first_disk(struct forest *forest)
{
    return &g_array_index(forest->planner.state.disks, struct state_disk, 0);
}

#define TWEAK(name, ...)                                                                           \
    static void name(struct forest *forest, struct image *top, struct image *bottom)               \
    {                                                                                              \
        nothing(forest, top, bottom);                                                              \
        __VA_ARGS__;                                                                               \
    }

TWEAK(top_is_tagged, planner_tag(&forest->planner, top, "1", "foreign"))
TWEAK(top_has_a_doomed_tag, planner_tag(&forest->planner, top, "1", "s9"))
TWEAK(top_is_qed, set_format(top, "qed"))
TWEAK(top_is_vmdk, set_format(top, "vmdk"))
TWEAK(top_is_read_only, top->writable = false)
TWEAK(top_has_two_names, top->links = 2)
TWEAK(top_is_a_link, top->symlink = true)
TWEAK(top_is_a_device, top->block = true)
TWEAK(top_has_bitmaps, top->header.bitmaps = 1)
TWEAK(top_is_smaller, top->size = bottom->size / 2)
TWEAK(top_is_larger, top->size = 2 * bottom->size)
TWEAK(top_is_depended_on, forest_depend(forest, top, "/elsewhere/clone"))
TWEAK(top_is_two_disks,
      struct state_disk disk = g_array_index(forest->planner.state.disks, struct state_disk, 0);
      g_array_append_val(forest->planner.state.disks, disk))
TWEAK(top_was_replaced, forest_record(forest, "s3", STATE_RECORD_OTHER);
      ((struct state_frozen *)state_find_frozen(&forest->planner.state, "s3", "vda"))->image = top)
TWEAK(top_has_no_name, first_disk(forest)->image = NULL;
      ((struct state_frozen *)state_find_frozen(&forest->planner.state, "s9", "vda"))->image = NULL)
TWEAK(top_is_a_layer, top_has_no_name(forest, top, bottom); forest_add_layer(forest, "a.s2"))
TWEAK(bottom_is_raw, set_format(bottom, "raw"))
TWEAK(bottom_is_vmdk, set_format(bottom, "vmdk"))
TWEAK(bottom_is_read_only, bottom->writable = false)
TWEAK(bottom_is_a_link, bottom->symlink = true)
TWEAK(bottom_is_a_device, bottom->block = true; bottom->identity.size = 1 << 30)
TWEAK(bottom_is_a_full_device, bottom->block = true; bottom->identity.size = bottom->size)
TWEAK(bottom_is_a_raw_device, bottom_is_raw(forest, top, bottom);
      bottom_is_a_full_device(forest, top, bottom))
TWEAK(bottom_is_a_small_device, bottom_is_a_raw_device(forest, top, bottom); top->size *= 2)
TWEAK(bottom_has_bitmaps, bottom->header.bitmaps = 1)
TWEAK(bottom_has_two_names, bottom->links = 2)
TWEAK(bottom_would_grow_over_base, top_is_larger(forest, top, bottom);
      bottom->backing->size = top->size)
TWEAK(bottom_would_grow_under_tags, top_is_larger(forest, top, bottom);
      planner_tag(&forest->planner, bottom, "1", "s9"))

static const struct rule_case commits[] = {
    {nothing, NULL},
    {top_is_tagged, "'/d/a.s2' holds internal snapshot 'foreign', which needs what is below"},
    {top_has_a_doomed_tag, NULL},
    {top_is_qed, NULL},
    {top_is_vmdk, "'/d/a.s2' is of format 'vmdk', out of which nothing is merged"},
    {top_is_read_only, "'/d/a.s2' is read-only"},
    {top_has_two_names, "'/d/a.s2' has further names (hard links)"},
    {top_is_a_link, "'/d/a.s2' is a symbolic link"},
    {top_is_a_device, NULL},
    {top_has_bitmaps, "'/d/a.s2' has dirty bitmaps, which would be lost"},
    {top_is_smaller, "'/d/a.s2' is smaller than '/d/a.s1' below it"},
    {top_is_larger, NULL},
    {top_is_depended_on, "'/elsewhere/clone' stands on '/d/a.s2'"},
    {top_is_two_disks, "'/d/a.s2' is the image of several disks"},
    {top_was_replaced, "'/d/a.s2' is not the file that snapshot 's3' froze"},
    {top_has_no_name, "no disk and no snapshot names '/d/a.s2'"},
    {top_is_a_layer, NULL},
    {bottom_is_raw, NULL},
    {bottom_is_vmdk, "'/d/a.s1' is of format 'vmdk', into which nothing is merged"},
    {bottom_is_read_only, "'/d/a.s1' is read-only"},
    {bottom_is_a_link, NULL},
    {bottom_is_a_device, NULL},
    {bottom_is_a_full_device, "'/d/a.s1' is a block device that may be too small"},
    {bottom_is_a_raw_device, NULL},
    {bottom_is_a_small_device, "'/d/a.s1' is a block device that may be too small"},
    {bottom_has_bitmaps, "'/d/a.s1' has dirty bitmaps"},
    {bottom_would_grow_over_base, "'/d/a.s1' would grow over what '/d/a' below it has"},
    {bottom_would_grow_under_tags, "'/d/a.s1' would have to grow and has internal snapshots"},
};

static const struct rule_case rebases[] = {
    {nothing, NULL},
    {top_is_tagged, "'/d/a.s2' holds internal snapshot 'foreign'"},
    {top_has_a_doomed_tag, NULL},
    {top_is_qed, "'/d/a.s2' is of format 'qed' and not qcow2"},
    {top_is_read_only, "'/d/a.s2' is read-only"},
    {top_has_two_names, NULL},
    {top_has_bitmaps, NULL},
    {top_is_smaller, NULL},
    {top_is_larger, NULL},
    {top_is_depended_on, NULL},
    {top_was_replaced, "'/d/a.s2' is not the file that snapshot 's3' froze"},
    {top_has_no_name, "no disk and no snapshot names '/d/a.s2'"},
    {top_is_a_layer, NULL},
    {bottom_is_raw, NULL},
    {bottom_is_read_only, NULL},
    {bottom_is_a_link, "'/d/a.s1' is a symbolic link"},
    {bottom_is_a_device, "'/d/a.s1' is a block device"},
    {bottom_has_two_names, "'/d/a.s1' has further names (hard links)"},
};

static void
check_rule(const struct rule_case *rule,
           bool (*allowed)(const struct merge_setting *, const struct merge_run *, GError **))
{
    struct forest forest;
    GError *error = NULL;
    struct image *top;
    struct image *bottom;
    bool fine;

    forest_init(&forest, DISKS, IMAGES, SNAPSHOTS);
    forest_remove(&forest, "s2 s9");
    top = forest_image(&forest, "a.s2");
    bottom = forest_image(&forest, "a.s1");
    rule->tweak(&forest, top, bottom);
    fine = allowed(&(struct merge_setting){&forest.planner.state, forest.removed, MERGE_AUTO},
                   &(struct merge_run){top, bottom}, &error);
    if (rule->refusal) {
        ck_assert(!fine);
        unit_assert_error(error, OFFSHOT_ERROR_REFUSED, rule->refusal);
    } else {
        unit_assert_ok(fine, error);
    }
    forest_clear(&forest);
}

START_TEST(data_goes_down_only_where_all_rules_allow_it)
{
    check_rule(&commits[_i], merge_rules_commit);
}
END_TEST

START_TEST(data_goes_up_only_where_all_rules_allow_it)
{
    check_rule(&rebases[_i], merge_rules_rebase);
}
END_TEST

/* What is decided about the bottom alone. */
static bool
release(const struct merge_setting *setting, const struct merge_run *run, GError **error)
{
    return merge_rules_all_known(setting, error) &&
           merge_rules_attached(setting, run->bottom, error) &&
           merge_rules_release(setting, run->bottom, error) &&
           merge_rules_proven(setting, run->bottom, error) &&
           merge_rules_discard(setting, run->bottom, error);
}

/* The frozen image of s1, which remains, cannot be read. */
static void
lose_frozen(struct forest *forest, const char *format)
{
    struct state_frozen *frozen = g_ptr_array_index(forest->planner.state.frozen, 0);
    struct domain_disk *disk = g_ptr_array_index(frozen->def->domain->disks, 0);

    ck_assert_str_eq(frozen->def->name, "s1");
    frozen->image = NULL;
    frozen->error = g_error_new(OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "lost");
    g_free(disk->format);
    disk->format = g_strdup(format);
}

static void
lose_disk(struct forest *forest, const char *format)
{
    struct state_disk *disk = first_disk(forest);
    struct domain_disk *def = (struct domain_disk *)disk->def;

    disk->image = NULL;
    disk->error = g_error_new(OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED, "lost");
    g_free(def->format);
    def->format = g_strdup(format);
}

TWEAK(bottom_was_replaced, forest_record(forest, "s2", STATE_RECORD_OTHER))
TWEAK(bottom_is_depended_on, forest_depend(forest, bottom, "/elsewhere/clone"))
TWEAK(bottom_is_depended_on_twice, bottom_is_depended_on(forest, top, bottom);
      forest_depend(forest, bottom, "/elsewhere/other"))
/* s2, which is removed, froze it there */
TWEAK(bottom_is_elsewhere, struct state_frozen *frozen = forest->planner.state.frozen->pdata[1];
      ck_assert(frozen->image == bottom); g_free(bottom->path); bottom->path = g_strdup("/t/a");
      frozen->path = bottom->path)
TWEAK(bottom_is_a_layer_elsewhere, bottom_is_elsewhere(forest, top, bottom);
      g_hash_table_add(forest->planner.state.layers, bottom))
TWEAK(other_snapshot_is_lost, lose_frozen(forest, "qcow2"))
TWEAK(other_raw_snapshot_is_lost, lose_frozen(forest, NULL))
TWEAK(disk_is_lost, lose_disk(forest, "qcow2"))
TWEAK(raw_disk_is_lost, lose_disk(forest, NULL))
TWEAK(disk_has_a_backing_store, first_disk(forest)->overruled = true)
TWEAK(disk_was_detached, struct domain_disk *def = (struct domain_disk *)first_disk(forest)->def;
      g_free(def->target); def->target = g_strdup("vdb"))

static const struct rule_case releases[] = {
    {nothing, NULL},
    {bottom_was_replaced, "'/d/a.s1' is not the file that snapshot 's2' froze, and may be"},
    {bottom_is_depended_on, "'/elsewhere/clone' stands on '/d/a.s1'"},
    {bottom_is_depended_on_twice, "'/elsewhere/clone' and 1 more stand on '/d/a.s1'"},
    {bottom_has_two_names, "'/d/a.s1' has further names (hard links)"},
    {bottom_is_read_only, "'/d/a.s1' is read-only"},
    {bottom_is_elsewhere, "no snapshot made '/t/a'"},
    {bottom_is_a_layer_elsewhere, NULL},
    {other_snapshot_is_lost, "disk 'vda' of snapshot 's1' cannot be read, and nobody knows what"},
    {other_raw_snapshot_is_lost, "disk 'vda' of snapshot 's1' cannot be read"},
    {disk_is_lost, "disk 'vda' cannot be read, and nobody knows what it stands on (lost)"},
    {raw_disk_is_lost, "disk 'vda' cannot be read"},
    {disk_has_a_backing_store, "disk 'vda' has a <backingStore>, <slices> or <encryption>"},
    {disk_was_detached, "'/d/a.s1' is of disk 'vda', which the domain does not have any more"},
};

START_TEST(an_image_goes_only_where_all_rules_allow_it)
{
    check_rule(&releases[_i], release);
}
END_TEST

TWEAK(overlay_is_read_only, forest_image(forest, "a.s3")->writable = false)
TWEAK(overlay_is_vmdk, set_format(forest_image(forest, "a.s3"), "vmdk"))
TWEAK(overlay_was_replaced, forest_record(forest, "s3", STATE_RECORD_OTHER))
TWEAK(overlay_is_qed, set_format(forest_image(forest, "a.s3"), "qed"))

static const struct rule_case relinks[] = {
    {nothing, NULL},
    {overlay_is_read_only, "'/d/a.s3', which stands on it, is read-only"},
    {overlay_is_vmdk, "'/d/a.s3', which stands on it, is of format 'vmdk'"},
    {overlay_was_replaced, "'/d/a.s3' is not the file that snapshot 's3' froze"},
    {overlay_is_qed, NULL},
};

/* What stands on the top has to follow. */
static bool
decide_commit(const struct merge_setting *setting, const struct merge_run *run, GError **error)
{
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    scoped(merges) merges =
        merges_decide(setting->state, setting->removed, MERGE_COMMIT, notes, error);

    ck_assert(!merges || g_array_index(merges->merges, struct merge, 0).top == run->top);
    return merges != NULL;
}

START_TEST(what_stands_on_a_top_must_be_able_to_follow)
{
    check_rule(&relinks[_i], decide_commit);
}
END_TEST

/* --- names --------------------------------------------------------------------------------------
 */

static const struct {
    const char *images;
    const char *path;
    const char *link;
} ways[] = {
    {"a b<a c<b", "/d/a", "a"},
    {"a b</d/a c<b", "/d/a", "/d/a"},
    {"/x/a b</x/a c<b", "/x/a", "/x/a"},
};

START_TEST(ways_down_a_chain_are_put_together_from_its_links)
{
    struct forest forest;
    GError *error = NULL;
    struct step_link link = {0};
    g_autofree char *path = NULL;

    forest_init(&forest, "vda=c", ways[_i].images, "");
    path = merge_link_path(forest_image(&forest, "c"), forest.planner.images->pdata[0]);
    ck_assert_str_eq(path, ways[_i].path);
    unit_assert_ok(merge_link_make(&link, forest_image(&forest, "c"),
                                   forest.planner.images->pdata[0], &error),
                   error);
    ck_assert_str_eq(link.backing, ways[_i].link);
    merge_link_clear(&link);
    forest_clear(&forest);
}
END_TEST

static void
set_link(struct forest *forest, const char *name, const char *link)
{
    struct image *image = forest_image(forest, name);

    g_free(image->header.backing);
    image->header.backing = g_strdup(link);
}

START_TEST(directories_on_the_way_are_kept_as_the_links_say_them)
{
    struct forest forest;
    GError *error = NULL;
    struct step_link link = {0};
    g_autofree char *path = NULL;

    forest_init(&forest, "vda=/d/x/c", "a /d/y/b<a /d/x/c</d/y/b", "");
    set_link(&forest, "/d/y/b", "./../a");
    set_link(&forest, "/d/x/c", "../y/b");
    path = merge_link_path(forest_image(&forest, "/d/x/c"), forest_image(&forest, "a"));
    ck_assert_str_eq(path, "/d/x/../y/./../a");
    unit_assert_ok(merge_link_make(&link, forest_image(&forest, "/d/x/c"),
                                   forest_image(&forest, "a"), &error),
                   error);
    ck_assert_str_eq(link.backing, "../y/./../a");
    ck_assert_str_eq(link.format, "qcow2");
    merge_link_clear(&link);
    forest_clear(&forest);
}
END_TEST

START_TEST(a_way_that_is_too_long_is_said_from_the_root)
{
    struct forest forest;
    GError *error = NULL;
    struct step_link link = {0};
    g_autofree char *deep = g_strnfill(1000, 'x');
    g_autofree char *way = g_strdup_printf("%s/../b", deep);
    g_autofree char *other = g_strdup_printf("%s/../a", deep);

    forest_init(&forest, "vda=c", "a b<a c<b", "");
    set_link(&forest, "c", way);
    set_link(&forest, "b", other);
    unit_assert_ok(merge_link_make(&link, forest_image(&forest, "c"), forest_image(&forest, "a"),
                                   &error),
                   error);
    ck_assert_str_eq(link.backing, "/d/a");
    merge_link_clear(&link);
    forest_clear(&forest);
}
END_TEST

static const struct {
    const char *disk;
    const char *images;
    const char *snapshots;
    bool facts; /* say that s1 was taken with --keep-filename */
    bool keep;
} names[] = {
    {"vda=a.q", "a.s1.q a.q<a.s1.q", "s1:vda=a.s1.q>a.q", true, true},
    {"vda=a.q", "a.s1.q a.q<a.s1.q", "s1:vda=a.s1.q>a.q", false, true},
    {"vda=a.q", "b.q a.q<b.q", "s1:vda=b.q>a.q", true, true},
    {"vda=a.q", "b.q a.q<b.q", "s1:vda=b.q>a.q", false, false},
    {"vda=a.s1", "a.q a.s1<a.q", "s1:vda=a.q>a.s1", false, false},
    {"vda=a", "a.s1 a<a.s1", "s1:vda=a.s1>a", false, false},
    {"vda=a", "a.raw a<a.raw", "s1:vda=a.raw>a", true, false},
    {"vda=a.q", "/x/a.s1.q a.q</x/a.s1.q", "s1:vda=/x/a.s1.q>a.q", true, false},
};

/* The first snapshot has these facts. */
static void
set_facts(struct forest *forest, unsigned flags)
{
    struct state_frozen *frozen = g_ptr_array_index(forest->planner.state.frozen, 0);
    struct snapshot_def *def = (struct snapshot_def *)frozen->def;
    g_autofree char *element = domain_def_element(def->domain);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = snapshot_facts_set(element, NULL, 0, flags, &error);

    unit_assert_ok(text != NULL, error);
    domain_def_free(def->domain);
    def->domain = domain_def_parse(text, strlen(text), "s1", &error);
    unit_assert_ok(def->domain != NULL, error);
    frozen->path = snapshot_def_frozen_path(def, "vda");
}

START_TEST(names_are_kept_where_they_were_when_the_snapshot_was_taken)
{
    struct forest forest;
    g_autoptr(GError) error = NULL;
    bool keep;

    forest_init(&forest, names[_i].disk, names[_i].images, names[_i].snapshots);
    forest_remove(&forest, "s1");
    if (names[_i].facts)
        set_facts(&forest, SNAPSHOT_FACTS_KEEP_FILENAME);
    unit_assert_ok(merge_rules_keep_name(&(struct merge_setting){&forest.planner.state,
                                                                 forest.removed, MERGE_AUTO},
                                         &(struct merge_run){forest.planner.images->pdata[1],
                                                             forest.planner.images->pdata[0]},
                                         &keep, &error),
                   error);
    ck_assert_int_eq(keep, names[_i].keep);
    forest_clear(&forest);
}
END_TEST

START_TEST(a_bottom_whose_tags_go_with_it_cannot_take_a_name)
{
    struct forest forest;
    GError *error = NULL;
    bool keep;

    forest_init(&forest, "vda=a.q", "a.s1.q a.q<a.s1.q", "s1:vda=a.s1.q>a.q");
    forest_remove(&forest, "s1");
    planner_tag(&forest.planner, forest_image(&forest, "a.s1.q"), "1", "s1");
    ck_assert(!merge_rules_keep_name(
        &(struct merge_setting){&forest.planner.state, forest.removed, MERGE_AUTO},
        &(struct merge_run){forest_image(&forest, "a.q"), forest_image(&forest, "a.s1.q")}, &keep,
        &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "'/d/a.s1.q' would take the name of '/d/a.q'");
    forest_clear(&forest);
}
END_TEST

static const struct {
    const char *snapshots;
    unsigned flags; /* facts of the first snapshot */
    const char *image;
    bool proven;
} adoptions[] = {
    {"s1*:vda=a>a.s1", 0, "a", true},
    {"s1*:vda=a>a.s1", SNAPSHOT_FACTS_ADOPTED, "a", false},
    {"s1*:vda=a>a.s1", SNAPSHOT_FACTS_ADOPTED, "a.s1", true},
    /* one saw it being the image of a disk */
    {"s1*:vda=a>a.s1 s2^s1:vda=a>a.s2", SNAPSHOT_FACTS_ADOPTED, "a", true},
};

START_TEST(the_base_of_an_adopted_chain_may_be_a_template)
{
    struct forest forest;
    GError *error = NULL;
    bool proven;

    forest_init(&forest, "vda=a.s1", "a a.s1<a a.s2<a", adoptions[_i].snapshots);
    set_facts(&forest, adoptions[_i].flags);
    proven = merge_rules_proven(&(struct merge_setting){&forest.planner.state, forest.removed,
                                                        MERGE_AUTO},
                                forest_image(&forest, adoptions[_i].image), &error);
    ck_assert_int_eq(proven, adoptions[_i].proven);
    if (!proven)
        unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "was adopted as the lowest image");
    forest_clear(&forest);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("merge-rules");
    TCase *tcase = tcase_create("rules");

    tcase_add_loop_test(tcase, data_goes_down_only_where_all_rules_allow_it, 0,
                        G_N_ELEMENTS(commits));
    tcase_add_loop_test(tcase, data_goes_up_only_where_all_rules_allow_it, 0,
                        G_N_ELEMENTS(rebases));
    tcase_add_loop_test(tcase, an_image_goes_only_where_all_rules_allow_it, 0,
                        G_N_ELEMENTS(releases));
    tcase_add_loop_test(tcase, what_stands_on_a_top_must_be_able_to_follow, 0,
                        G_N_ELEMENTS(relinks));
    tcase_add_loop_test(tcase, ways_down_a_chain_are_put_together_from_its_links, 0,
                        G_N_ELEMENTS(ways));
    tcase_add_test(tcase, directories_on_the_way_are_kept_as_the_links_say_them);
    tcase_add_test(tcase, a_way_that_is_too_long_is_said_from_the_root);
    tcase_add_loop_test(tcase, names_are_kept_where_they_were_when_the_snapshot_was_taken, 0,
                        G_N_ELEMENTS(names));
    tcase_add_test(tcase, a_bottom_whose_tags_go_with_it_cannot_take_a_name);
    tcase_add_loop_test(tcase, the_base_of_an_adopted_chain_may_be_a_template, 0,
                        G_N_ELEMENTS(adoptions));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
