/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "unit/revert-case.h"

/* Reverts to external snapshots: overlays, their names, and what goes. */

#define ONE "vda=a.s1", "a a.s1<a", "s1*:vda=a>a.s1"
#define CHAIN "vda=a.s2", "a a.s1<a a.s2<a.s1", "s1:vda=a>a.s1 s2^s1*:vda=a.s1>a.s2"

static const struct planned {
    const char *disks;
    const char *images;
    const char *snapshots;
    const char *target;
    const char *steps;
    const char *checks;
} planned[] = {
    /* the one that the active image stands on: only the overlay changes */
    {ONE, "s1",
     "prepare 1 create-overlay /d/.a.s1.offshot-TOKEN like /d/a.s1\n"
     "prepare 2 link /d/.a.s1.offshot-TOKEN <- /d/a.s1\n"
     "apply 0 replace /d/a.s1 <- /d/.a.s1.offshot-TOKEN\n"
     "apply 4 unlink /d/.a.s1.offshot-TOKEN\n",
     "unwritten /d/a\nspace /d\nexclusive /d/a.s1\nunchanged /d/a.s1\nabsent TEMPORARY\n"
     "install /d/vm.snapshots\n"},
    /* an older one: a new overlay, which domain and snapshot name; the active one goes */
    {CHAIN, "s1",
     "prepare 1 create-overlay /d/.a.1795378938.offshot-TOKEN like /d/a\n"
     "prepare 1 stage-file /d/.vm.xml.offshot-TOKEN like /d/vm.xml\n"
     "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
     "prepare 1 stage-file /d/.vm.snapshots.s2.xml.offshot-TOKEN\n"
     "prepare 2 link /d/a.1795378938 <- /d/.a.1795378938.offshot-TOKEN\n"
     "apply 2 replace /d/vm.xml <- /d/.vm.xml.offshot-TOKEN\n"
     "apply 3 replace /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
     "apply 3 replace /d/vm.snapshots/s2.xml <- /d/.vm.snapshots.s2.xml.offshot-TOKEN\n"
     "apply 4 unlink /d/.a.1795378938.offshot-TOKEN\n"
     "apply 4 unlink /d/a.s2\n",
     "unwritten /d/a\nspace /d\nexclusive /d/a.s2\nabsent /d/a.1795378938\n"
     "unchanged /d/vm.xml\ninstall /d/vm.snapshots\nunchanged /d/vm.snapshots/s1.xml\n"
     "unchanged /d/vm.snapshots/s2.xml\nunchanged /d/a.s2\n"},
    /* away from a branch: the active image is needed, and only locked */
    {"vda=a.s1", "a a.s1<a", "s1:vda=a>a.x s2^s1*:vda=a.s1>a.s2", "s1",
     "prepare 1 create-overlay /d/.a.1795378938.offshot-TOKEN like /d/a\n"
     "prepare 1 stage-file /d/.vm.xml.offshot-TOKEN like /d/vm.xml\n"
     "prepare 1 stage-file /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
     "prepare 1 stage-file /d/.vm.snapshots.s2.xml.offshot-TOKEN\n"
     "prepare 2 link /d/a.1795378938 <- /d/.a.1795378938.offshot-TOKEN\n"
     "apply 2 replace /d/vm.xml <- /d/.vm.xml.offshot-TOKEN\n"
     "apply 3 replace /d/vm.snapshots/s1.xml <- /d/.vm.snapshots.s1.xml.offshot-TOKEN\n"
     "apply 3 replace /d/vm.snapshots/s2.xml <- /d/.vm.snapshots.s2.xml.offshot-TOKEN\n"
     "apply 4 unlink /d/.a.1795378938.offshot-TOKEN\n",
     "unwritten /d/a\nspace /d\nlock /d/a.s1\nabsent /d/a.1795378938\n"
     "unchanged /d/vm.xml\ninstall /d/vm.snapshots\nunchanged /d/vm.snapshots/s1.xml\n"
     "unchanged /d/vm.snapshots/s2.xml\n"},
};

START_TEST(plan_is_exactly_this)
{
    const struct planned *wanted = &planned[_i];
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;
    g_autoptr(GRegex) temporary = g_regex_new("/d/\\.a\\.s1\\.offshot-TOKEN[0-9]+", 0, 0, NULL);
    g_autofree char *plain = NULL;

    forest_init(&forest, wanted->disks, wanted->images, wanted->snapshots);
    plan = reverted(wanted->target, NULL);
    steps = planner_steps(plan);
    checks = planner_checks(plan);
    plain = g_regex_replace_literal(temporary, checks, -1, 0, "TEMPORARY", 0, NULL);
    ck_assert_str_eq(steps, wanted->steps);
    ck_assert_str_eq(plain, wanted->checks);
    ck_assert_str_eq(plan->operation, "revert");
    ck_assert_str_eq(plan->snapshot, wanted->target);
    ck_assert_uint_eq(forest.notes->len, 0);
}
END_TEST

/* What makes an active overlay one that has to stay. */
static void
has_tag(struct image *image)
{
    planner_tag(&forest.planner, image, "1", "t");
}

static void
has_names(struct image *image)
{
    image->links = 2;
}

static void
is_symlink(struct image *image)
{
    image->symlink = true;
}

static void
has_clone(struct image *image)
{
    planner_depend(&forest.planner, image, "/d/clone");
}

static void
has_two_disks(struct image *image)
{
    planner_disk(&forest.planner, "vdb")->image = image;
}

static void
is_of_nobody(struct image *image)
{
    struct snapshot_disk *disk = g_ptr_array_index(revert_find("s1")->disks, 0);

    g_free(disk->source);
    disk->source = g_strdup("/d/other");
    image->backing = NULL;
}

static void
store_is_damaged(struct image *image G_GNUC_UNUSED)
{
    g_ptr_array_add(forest.planner.state.snapshots->problems, g_strdup("x.xml: damaged"));
}

static const struct staying {
    void (*make)(struct image *image);
    const char *note;
} staying[] = {
    {has_tag, "image '/d/a.s1', which disk 'vda' had, is kept: it holds internal snapshots"},
    {has_names, "it has more than one name"},
    {is_symlink, "it has more than one name"},
    {has_clone, "other images stand on it"},
    {has_two_disks, "another disk has it, too"},
    {is_of_nobody, "no snapshot made it"},
    {store_is_damaged, "'/d/vm.snapshots' has entries that are not in order"},
};

START_TEST(active_image_that_is_of_further_use_stays)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1 vdb=b", "a a.s1<a b", "s1*:vda=a>a.s1");
    staying[_i].make(forest_image(&forest, "a.s1"));
    plan = reverted("s1", NULL);
    ck_assert(!touches(plan, "/d/a.s1"));
    ck_assert(touches(plan, "/d/a.1795378938"));
    ck_assert_ptr_nonnull(strstr(staged(plan, "/d/vm.xml"), "'/d/a.1795378938'"));
    forest_assert_note(&forest, staying[_i].note);
    ck_assert_uint_eq(report.discarded, 0);
}
END_TEST

START_TEST(nothing_goes_while_an_image_of_the_tree_is_missing)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s0:vda=gone>a s1^s0*:vda=a>a.s1");
    plan = reverted("s1", NULL);
    ck_assert(!touches(plan, "/d/a.s1"));
    ck_assert(touches(plan, "/d/a.1795378938"));
    forest_assert_note(&forest, "is kept: not all images of disks and snapshots can be read");
}
END_TEST

START_TEST(one_disk_that_needs_a_new_name_gives_all_one)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1 vdb=b.s1", "a a.s1<a b b.s1<b", "s1*:vda=a>a.s1,vdb=b>b.s1");
    forest_image(&forest, "b.s1")->links = 2;
    plan = reverted("s1", NULL);
    ck_assert(touches(plan, "/d/a.1795378938"));
    ck_assert(touches(plan, "/d/b.1795378938"));
    ck_assert_int_eq(planner_step(plan, "/d/a.s1")->kind, STEP_UNLINK);
    ck_assert(planner_step(plan, "/d/a.s1")->guarded);
    ck_assert(!touches(plan, "/d/b.s1"));
}
END_TEST

START_TEST(what_is_given_up_is_counted)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1 vdb=b.s1", "a a.s1<a b b.s1<b", "s1*:vda=a>a.s1,vdb=b>b.s1");
    forest_image(&forest, "b.s1")->allocated = 1000;
    plan = reverted("s1", NULL);
    ck_assert_uint_eq(report.discarded, FOREST_BYTES + 1000);
}
END_TEST

START_TEST(replaced_overlay_has_a_spare_name_until_the_end)
{
    scoped(plan) plan = NULL;
    const struct step *replace;
    const struct step *spare;
    const struct step *last;

    forest_init(&forest, ONE);
    plan = reverted("s1", NULL);
    replace = planner_step(plan, "/d/a.s1");
    ck_assert_int_eq(replace->kind, STEP_REPLACE);
    ck_assert(replace->discards);
    ck_assert_uint_eq(replace->old.inode, forest_image(&forest, "a.s1")->identity.inode);
    last = g_ptr_array_index(plan->apply, plan->apply->len - 1);
    ck_assert_int_eq(last->kind, STEP_UNLINK);
    ck_assert(last->guarded);
    spare = planner_step(plan, last->path);
    ck_assert_int_eq(spare->kind, STEP_LINK);
    ck_assert_str_eq(spare->source, "/d/a.s1");
}
END_TEST

/* vda stands on two layers without a name. */
static void
make_layers(const char *layers)
{
    g_auto(GStrv) names = g_strsplit(layers, " ", -1);

    forest_init(&forest, "vda=top", "a low<a high<low top<high", "s1*:vda=a>top");
    for (char **name = names; *name; name++)
        forest_add_layer(&forest, *name);
    forest.planner.state.layers_identity = (struct file_identity){1, 9, 9, 9, 0};
}

START_TEST(layers_that_nothing_stands_on_go_topmost_first)
{
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;

    make_layers("low high");
    plan = reverted("s1", NULL);
    steps = planner_steps(plan);
    ck_assert_msg(g_str_has_suffix(steps, "apply 4 unlink /d/top\napply 4 unlink /d/high\n"
                                          "apply 4 unlink /d/low\n"),
                  "%s", steps);
    ck_assert_int_eq(planner_step(plan, "/d/.vm.offshot/layers")->kind, STEP_UNLINK);
    ck_assert_uint_eq(report.discarded, 3 * FOREST_BYTES);
}
END_TEST

START_TEST(replaced_overlay_is_listed_no_more)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, ONE);
    forest_add_layer(&forest, "a.s1");
    forest.planner.state.layers_identity = (struct file_identity){1, 9, 9, 9, 0};
    plan = reverted("s1", NULL);
    ck_assert_int_eq(planner_step(plan, "/d/a.s1")->kind, STEP_REPLACE);
    ck_assert_int_eq(planner_step(plan, "/d/.vm.offshot/layers")->kind, STEP_UNLINK);
}
END_TEST

static void
low_has_clone(void)
{
    planner_depend(&forest.planner, forest_image(&forest, "low"), "/d/clone");
}

static void
low_has_tag(void)
{
    planner_tag(&forest.planner, forest_image(&forest, "low"), "1", "t");
}

static void
low_has_names(void)
{
    forest_image(&forest, "low")->links = 2;
}

START_TEST(layer_that_is_of_further_use_stays_in_the_list)
{
    static void (*const cases[])(void) = {low_has_clone, low_has_tag, low_has_names};
    scoped(plan) plan = NULL;
    const char *list;

    make_layers("low high");
    cases[_i]();
    plan = reverted("s1", NULL);
    ck_assert(touches(plan, "/d/high"));
    ck_assert(!touches(plan, "/d/low"));
    list = staged(plan, "/d/.vm.offshot/layers");
    ck_assert_ptr_nonnull(strstr(list, " /d/low\n"));
    ck_assert_ptr_null(strstr(list, "/d/high"));
}
END_TEST

/* The definition of snapshot NAME has disk TARGET, which it does not hold, with image PATH. */
static void
name_disk(const char *name, const char *target, const char *path)
{
    struct snapshot_def *def = revert_find(name);
    g_autofree char *disk =
        g_strdup_printf(PLANNER_DISK("%s", "qcow2", "%s") "</devices>", path, target);
    g_autofree char *text = unit_replace(def->domain->document, "</devices>", disk);
    g_autoptr(GError) error = NULL;
    struct domain_def *changed = domain_def_parse(text, strlen(text), name, &error);

    unit_assert_ok(changed != NULL, error);
    domain_def_free(def->domain);
    def->domain = changed;
}

/* What target, definition and tree say of the active image x of vda, and whether it goes. */
static const struct moved {
    const char *disks;
    const char *images;
    const char *snapshots;
    const char *unheld; /* disk that s1's definition names with image x; NULL: none */
    const char *note;   /* NULL: it goes */
} moved[] = {
    {"vda=x", "a b x<b", "s0:vda=a>a.s0,vdb=b>x s1^s0*:vda=a>a.s1", "vdb",
     "nothing shows that it is of this disk"},
    {"vda=x", "a b x<b", "s0:vda=a>a.s0,vdb=b>x s1^s0*:vda=a>a.s1", NULL,
     "nothing shows that it is of this disk"},
    {"vda=x vdb=y", "a y<a b x<b", "s0:vda=a>y,vdb=b>x s1^s0*:vda=a>a.s1,vdb=b>b.s1", NULL,
     "nothing shows that it is of this disk"},
    {"vda=x", "a x<a", "s0:vda=a>x s1^s0*:vda=a>a.s1", "vdb",
     "the definition of a snapshot names it as another disk"},
    /* the snapshot has the disk elsewhere by now, but the tree knows it */
    {"vda=x", "a b x<b", "s0:vda=b>x s1^s0*:vda=a>a.s1", NULL, NULL},
    {"vda=x", "a x", "s0:vda=a>x s1^s0*:vda=a>a.s1", NULL, "no snapshot made it"},
};

START_TEST(image_of_another_disk_stays)
{
    const struct moved *wanted = &moved[_i];
    scoped(plan) plan = NULL;

    forest_init(&forest, wanted->disks, wanted->images, wanted->snapshots);
    if (wanted->unheld)
        name_disk("s1", wanted->unheld, "/d/x");
    plan = reverted("s1", NULL);
    ck_assert_int_eq(touches(plan, "/d/x"), !wanted->note);
    if (wanted->note)
        forest_assert_note(&forest, wanted->note);
}
END_TEST

/* Snapshot s2, of vdb alone, names the active image of vda, or what that stands on. */
static const struct named_image {
    const char *target;
    bool leaves;
} named_images[] = {{"vda", true}, {"vdc", false}};

START_TEST(image_that_a_definition_names_as_another_disk_is_not_removed)
{
    const struct named_image *wanted = &named_images[_i];
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=x vdb=c", "a a.s1<a x<a.s1 b c<b",
                "s0:vda=a>a.s1 s1^s0:vda=a.s1>x s2^s1*:vdb=b>c");
    name_disk("s2", wanted->target, "/d/x");
    plan = reverted("s0", NULL);
    ck_assert_int_eq(touches(plan, "/d/x"), wanted->leaves);
}
END_TEST

START_TEST(image_that_a_definition_names_as_another_disk_is_not_replaced)
{
    const struct named_image *wanted = &named_images[_i];
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=x vdb=c", "a x<a b c<b", "s1:vda=a>x s2^s1*:vdb=b>c");
    name_disk("s2", wanted->target, "/d/x");
    plan = reverted("s1", NULL);
    ck_assert_int_eq(touches(plan, "/d/x"), wanted->leaves);
}
END_TEST

START_TEST(layer_that_a_definition_names_as_another_disk_stays)
{
    const struct named_image *wanted = &named_images[_i];
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=top vdb=c", "a x<a top<x b c<b", "s1:vda=a>top s2^s1*:vdb=b>c");
    name_disk("s2", wanted->target, "/d/x");
    forest_add_layer(&forest, "x");
    plan = reverted("s1", NULL);
    ck_assert(touches(plan, "/d/top"));
    ck_assert_int_eq(touches(plan, "/d/x"), wanted->leaves);
}
END_TEST

START_TEST(layer_under_what_somebody_made_stays)
{
    scoped(plan) plan = NULL;

    make_layers("low");
    plan = reverted("s1", NULL);
    ck_assert(touches(plan, "/d/top"));
    ck_assert(!touches(plan, "/d/high"));
    ck_assert(!touches(plan, "/d/low"));
    ck_assert(!touches(plan, "/d/.vm.offshot/layers"));
}
END_TEST

START_TEST(overlay_on_a_frozen_image_goes_whoever_made_it)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=forgotten", "a a.s1<a forgotten<a.s1",
                "s1:vda=a>a.s1 s2^s1*:vda=a.s1>a.s2");
    plan = reverted("s1", NULL);
    ck_assert_int_eq(planner_step(plan, "/d/forgotten")->kind, STEP_UNLINK);
}
END_TEST

START_TEST(overlay_that_was_flattened_goes)
{
    struct state *state = &forest.planner.state;
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1", "a a.s1", "s1*:vda=a>a.s1");
    g_hash_table_add(state->flattened, forest_image(&forest, "a.s1"));
    plan = reverted("s1", NULL);
    ck_assert_int_eq(planner_step(plan, "/d/a.s1")->kind, STEP_UNLINK);
}
END_TEST

/* The text of snapshot NAME that PLAN stores, with a mark behind <disks>. Free with g_free(). */
static char *
stored(const struct plan *plan, const char *name)
{
    g_autofree char *path = g_strdup_printf("/d/vm.snapshots/%s.xml", name);

    return unit_replace(staged(plan, path), "</disks>", "</disks>|");
}

START_TEST(overlay_is_that_of_the_snapshot_while_it_has_no_children)
{
    scoped(plan) plan = NULL;
    g_autofree char *target = NULL;
    g_autofree char *other = NULL;

    forest_init(&forest, "vda=a.s2", "a b<a a.s2<b", "s1:vda=a>a.s1 s2*:vda=b>a.s2");
    plan = reverted("s1", NULL);
    target = stored(plan, "s1");
    other = stored(plan, "s2");
    ck_assert_ptr_null(strstr(target, "a.s1'"));
    ck_assert_ptr_nonnull(strstr(target, "'/d/a.1795378938'"));
    ck_assert_ptr_null(strstr(target, "<revertDisks>"));
    ck_assert_ptr_nonnull(strstr(target, "<active>1</active>"));
    ck_assert_ptr_nonnull(strstr(other, "<active>0</active>"));
}
END_TEST

START_TEST(overlay_is_listed_apart_when_the_snapshot_has_children)
{
    scoped(plan) plan = NULL;
    g_autofree char *target = NULL;
    const char *apart;

    forest_init(&forest, CHAIN);
    plan = reverted("s1", NULL);
    target = stored(plan, "s1");
    apart = strstr(target, "<revertDisks>");
    ck_assert_ptr_nonnull(apart);
    ck_assert_ptr_nonnull(strstr(apart, "'/d/a.1795378938'"));
    ck_assert_ptr_nonnull(strstr(target, "'/d/a.s1'"));
}
END_TEST

static const struct named {
    const char *disks;
    const char *images;
    const char *snapshots;
    const char *names;
} named[] = {
    {CHAIN, "/d/a.1795378938 "},
    {"vda=a.x", "a.img a.img.old<a.img a.x<a.img.old", "s1:vda=a.img>a.y", "/d/a.1795378938 "},
    {"vda=x vdb=y", "a.raw a.qcow2 m<a.raw x<m n<a.qcow2 y<n", "s1:vda=a.raw>x2,vdb=a.qcow2>y2",
     "/d/a.1795378938 /d/a.vdb-1795378938 "},
    {"vda=x vdb=y", "/e/a a m</e/a x<m n<a y<n", "s1:vda=/e/a>x2,vdb=a>y2",
     "/e/a.1795378938 /d/a.1795378938 "},
    {"vda=/v/x", "/dev/disk m</dev/disk /v/x<m", "s1:vda=/dev/disk>x2", "/v/x.1795378938 "},
    /* the fast path makes no names */
    {ONE, ""},
};

START_TEST(overlay_names_are_known_beforehand)
{
    const struct revert_request *request;
    g_autoptr(GPtrArray) names = NULL;
    g_autoptr(GString) joined = g_string_new(NULL);

    forest_init(&forest, named[_i].disks, named[_i].images, named[_i].snapshots);
    request = &(struct revert_request){revert_find("s1"), NULL, REVERT_STAMP};
    names = revert_overlay_names(&forest.planner.state, request);
    for (guint i = 0; i < names->len; i++)
        g_string_append_printf(joined, "%s ", (char *)g_ptr_array_index(names, i));
    ck_assert_str_eq(joined->str, named[_i].names);
}
END_TEST

START_TEST(name_that_no_file_can_have_is_refused)
{
    g_autofree char *name = g_strnfill(250, 'n');
    g_autofree char *snapshots = g_strdup_printf("s1:vda=%s>x2", name);
    g_autofree char *images = g_strdup_printf("%s m<%s x<m", name, name);

    forest_init(&forest, "vda=x", images, snapshots);
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "longer than 255 bytes");
}
END_TEST

START_TEST(image_of_the_snapshot_must_be_there)
{
    forest_init(&forest, "vda=a.s2", "a a.s2<a", "s1:vda=gone>a.s1 s2*:vda=a>a.s2");
    assert_refused("s1", NULL, OFFSHOT_ERROR_INCONSISTENT,
                   "disk 'vda' of snapshot 's1': image '/d/gone' is missing");
}
END_TEST

START_TEST(frozen_image_must_not_be_written_by_another_disk)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1 vdb=a", "a a.s1<a", "s1*:vda=a>a.s1");
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED,
                   "disk 'vda': disk 'vdb' of the domain writes image '/d/a'");
    ((struct domain_disk *)planner_disk(&forest.planner, "vdb")->def)->readonly = true;
    plan = reverted("s1", NULL);
}
END_TEST

START_TEST(chain_that_libvirt_does_not_start_is_refused)
{
    forest_init(&forest, ONE);
    forest_image(&forest, "a")->depth = IMAGE_CHAIN_MAX;
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "more than 200 images");
}
END_TEST

START_TEST(block_device_alone_has_no_place_for_an_overlay)
{
    forest_init(&forest, "vda=/dev/disk", "/dev/disk", "s1*:vda=/dev/disk>x");
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "on block device '/dev/disk'");
}
END_TEST

START_TEST(memory_cannot_be_gone_back_to)
{
    static const enum snapshot_location locations[] = {SNAPSHOT_LOCATION_INTERNAL,
                                                       SNAPSHOT_LOCATION_EXTERNAL};

    forest_init(&forest, ONE);
    revert_find("s1")->memory = locations[_i];
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "virsh snapshot-revert");
}
END_TEST

START_TEST(snapshot_must_be_of_this_domain)
{
    struct domain_def *then;

    forest_init(&forest, ONE);
    then = revert_find("s1")->domain;
    g_free(then->uuid);
    then->uuid = g_strdup("11111111-1111-1111-1111-111111111111");
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "another uuid");
    g_clear_pointer(&then->uuid, g_free);
    g_free(then->name);
    then->name = g_strdup("other");
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "another name");
}
END_TEST

START_TEST(domain_xml_behind_a_link_is_refused)
{
    forest_init(&forest, ONE);
    forest.planner.state.domain_is_symlink = true;
    assert_refused("s1", NULL, OFFSHOT_ERROR_REFUSED, "symbolic link");
}
END_TEST

START_TEST(disk_that_was_left_to_the_user_is_noted)
{
    scoped(plan) plan = NULL;
    struct snapshot_disk *disk;

    forest_init(&forest, "vda=a.s1 vdb=b", "a a.s1<a b", "s1*:vda=a>a.s1");
    disk = snapshot_disk_new("vdb");
    disk->snapshot = SNAPSHOT_LOCATION_MANUAL;
    g_ptr_array_add(revert_find("s1")->disks, disk);
    plan = reverted("s1", NULL);
    forest_assert_note(&forest, "disk 'vdb' of snapshot 's1' was left to you");
}
END_TEST

START_TEST(file_that_took_the_place_of_the_frozen_one_is_noted)
{
    scoped(plan) plan = NULL;

    forest_init(&forest, "vda=a.s1", "a a.s1<a", "s1*:vda=a>a.s1");
    forest_record(&forest, "s1", STATE_RECORD_SAME);
    plan = reverted("s1", NULL);
    ck_assert_uint_eq(forest.notes->len, 0);
    plan_free(plan);
    forest_record(&forest, "s1", STATE_RECORD_OTHER);
    plan = reverted("s1", NULL);
    ck_assert_uint_eq(forest.notes->len, 1);
    forest_assert_note(&forest, "disk 'vda' of snapshot 's1' is in another file than the one that");
    ck_assert(!touches(plan, "/d/a"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("revert");
    TCase *tests = tcase_create("revert");

    tcase_add_checked_fixture(tests, NULL, revert_teardown);
    tcase_add_loop_test(tests, plan_is_exactly_this, 0, G_N_ELEMENTS(planned));
    tcase_add_loop_test(tests, active_image_that_is_of_further_use_stays, 0, G_N_ELEMENTS(staying));
    tcase_add_test(tests, nothing_goes_while_an_image_of_the_tree_is_missing);
    tcase_add_test(tests, file_that_took_the_place_of_the_frozen_one_is_noted);
    tcase_add_test(tests, one_disk_that_needs_a_new_name_gives_all_one);
    tcase_add_test(tests, what_is_given_up_is_counted);
    tcase_add_test(tests, replaced_overlay_has_a_spare_name_until_the_end);
    tcase_add_test(tests, layers_that_nothing_stands_on_go_topmost_first);
    tcase_add_test(tests, replaced_overlay_is_listed_no_more);
    tcase_add_loop_test(tests, layer_that_is_of_further_use_stays_in_the_list, 0, 3);
    tcase_add_loop_test(tests, image_of_another_disk_stays, 0, G_N_ELEMENTS(moved));
    tcase_add_loop_test(tests, image_that_a_definition_names_as_another_disk_is_not_removed, 0, 2);
    tcase_add_loop_test(tests, image_that_a_definition_names_as_another_disk_is_not_replaced, 0, 2);
    tcase_add_loop_test(tests, layer_that_a_definition_names_as_another_disk_stays, 0, 2);
    tcase_add_test(tests, layer_under_what_somebody_made_stays);
    tcase_add_test(tests, overlay_on_a_frozen_image_goes_whoever_made_it);
    tcase_add_test(tests, overlay_that_was_flattened_goes);
    tcase_add_test(tests, overlay_is_that_of_the_snapshot_while_it_has_no_children);
    tcase_add_test(tests, overlay_is_listed_apart_when_the_snapshot_has_children);
    tcase_add_loop_test(tests, overlay_names_are_known_beforehand, 0, G_N_ELEMENTS(named));
    tcase_add_test(tests, name_that_no_file_can_have_is_refused);
    tcase_add_test(tests, image_of_the_snapshot_must_be_there);
    tcase_add_test(tests, frozen_image_must_not_be_written_by_another_disk);
    tcase_add_test(tests, chain_that_libvirt_does_not_start_is_refused);
    tcase_add_test(tests, block_device_alone_has_no_place_for_an_overlay);
    tcase_add_loop_test(tests, memory_cannot_be_gone_back_to, 0, 2);
    tcase_add_test(tests, snapshot_must_be_of_this_domain);
    tcase_add_test(tests, domain_xml_behind_a_link_is_refused);
    tcase_add_test(tests, disk_that_was_left_to_the_user_is_noted);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
