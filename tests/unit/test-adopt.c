/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/adopt.h"
#include "unit/forest.h"

/* What is found in images: which snapshots, in which order, and what is left and why. TAGS are
 * words "IMAGE:NAME@SECONDS"; each gets an ID of its own. What is found is written as forests are.
 */

#define TWO "vda=a.s2 vdb=b.s2"
#define CHAINS "a a.s1<a a.s2<a.s1 b b.s1<b b.s2<b.s1"

static void
add_tag(struct forest *forest, const char *word, guint number)
{
    g_auto(GStrv) parts = g_strsplit_set(word, ":@", 3);
    g_autofree char *id = g_strdup_printf("%u", number + 1000);
    struct image_tag *tag =
        planner_tag(&forest->planner, forest_image(forest, parts[0]), id, parts[1]);

    tag->date = g_ascii_strtoll(parts[2], NULL, 10);
}

static void
add_tags(struct forest *forest, const char *tags)
{
    g_auto(GStrv) words = g_strsplit(tags, " ", -1);

    for (guint i = 0; *tags && words[i]; i++)
        add_tag(forest, words[i], i);
}

static const char *
short_name(const char *path)
{
    return g_str_has_prefix(path, "/d/") ? path + 3 : path;
}

static void
format_disk(GString *text, const struct snapshot_def *def, const struct snapshot_disk *disk)
{
    if (disk->snapshot == SNAPSHOT_LOCATION_NO)
        return;
    g_string_append_printf(text, "%c%s=%s", strchr(text->str, '\0')[-1] == ':' ? ' ' : ',',
                           disk->name, short_name(snapshot_def_frozen_path(def, disk->name)));
    if (disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL)
        g_string_append_printf(text, ">%s", short_name(disk->source));
    else
        g_string_append_c(text, '!');
}

/* ADOPTION as lines. Free with g_free(). */
static char *
format(const struct adoption *adoption)
{
    GString *all = g_string_new(NULL);

    for (guint i = 0; i < adoption->snapshots->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(adoption->snapshots, i);
        g_autoptr(GString) text = g_string_new(def->name);

        g_string_append_printf(text, "%s%s%s@%d:", def->parent ? "^" : "",
                               def->parent ? def->parent : "", def->active ? "*" : "",
                               (int)def->creation_time);
        for (guint j = 0; j < def->disks->len; j++)
            format_disk(text, def, g_ptr_array_index(def->disks, j));
        g_string_append_printf(all, "%s\n", text->str);
    }
    for (guint i = 0; i < adoption->left->len; i++) {
        const struct adopt_left *left = g_ptr_array_index(adoption->left, i);

        g_string_append_printf(all, "left %s %s%s%s: %s\n", left->disk,
                               left->path ? short_name(left->path) : "-", left->tag ? " " : "",
                               left->tag ? left->tag : "", left->message);
    }
    return g_string_free(all, FALSE);
}

static void
assert_adoption(struct forest *forest, const char *expected)
{
    GError *error = NULL;
    scoped(adoption) adoption = adopt_find(&forest->planner.state, &error);
    g_autofree char *text = NULL;

    unit_assert_ok(adoption != NULL, error);
    text = format(adoption);
    ck_assert_msg(strcmp(text, expected) == 0, "instead of:\n%sthere is:\n%s", expected, text);
}

struct find_case {
    const char *disks;
    const char *images;
    const char *snapshots;
    const char *tags;
    const char *expected;
};

static void
check_case(const struct find_case *found)
{
    struct forest forest;

    forest_init(&forest, found->disks, found->images, found->snapshots);
    add_tags(&forest, found->tags);
    assert_adoption(&forest, found->expected);
    forest_clear(&forest);
}

static const struct find_case layers[] = {
    {"vda=a", "a", "", "", ""},
    {TWO, CHAINS, "", "",
     "s1@0: vda=a>a.s1,vdb=b>b.s1\n"
     "s2^s1*@0: vda=a.s1>a.s2,vdb=b.s1>b.s2\n"},
    /* a disk without a chain is in none of them */
    {"vda=a.s1 vdb=b vdc=c.raw", "a a.s1<a b c.raw", "", "", "s1*@0: vda=a>a.s1\n"},
    /* names that say nothing */
    {"vda=z", "x y<x z<y", "", "", "layer-1@0: vda=x>y\nlayer-2^layer-1*@0: vda=y>z\n"},
    {"vda=z", "x y<x z<y", "layer-2:vda=q!", "",
     "layer-1@0: vda=x>y\nlayer-2.2^layer-1@0: vda=y>z\n"},
    {"vda=a.s1 vdb=z", "a a.s1<a y z<y", "", "", "s1*@0: vda=a>a.s1,vdb=y>z\n"},
    /* names that contradict each other, from there on downwards */
    {"vda=a.s3 vdb=b.s3", "a a.s1<a a.s3<a.s1 b b.s2<b b.s3<b.s2", "", "",
     "s3*@0: vda=a.s1>a.s3,vdb=b.s2>b.s3\n"
     "left vda a: by the names of the files disk 'vda' had snapshot 's1' here, and disk 'vdb' had "
     "'s2'\n"
     "left vdb b: by the names of the files disk 'vda' had snapshot 's1' here, and disk 'vdb' had "
     "'s2'\n"},
    /* chains of different depths are counted from the active images */
    {"vda=a.s2 vdb=b.s2", "a a.s1<a a.s2<a.s1 b b.s2<b", "", "",
     "s2*@0: vda=a.s1>a.s2,vdb=b>b.s2\n"
     "left vda a: other disks have fewer layers, and nothing tells which belong together\n"},
    {"vda=a.s2 vdb=b.s2", "a a.s1<a a.s2<a.s1 b b.s2<b", "s2*:vda=a.s1>a.s2,vdb=b>b.s2", "",
     "left vda a: other disks have fewer layers, and nothing tells which belong together\n"},
    /* what snapshots know is passed over */
    {TWO, CHAINS, "s1*:vda=a>a.s1,vdb=b>b.s1", "", "s2^s1@0: vda=a.s1>a.s2,vdb=b.s1>b.s2\n"},
    {TWO, CHAINS, "s1:vda=a>a.s1,vdb=b>b.s1 s2^s1*:vda=a.s1>a.s2,vdb=b.s1>b.s2", "", ""},
    {"vda=a.s2 vdb=b.s1", "a a.s1<a a.s2<a.s1 b b.s1<b", "s2*:vda=a.s1>a.s2", "",
     "s1@0: vda=a>a.s1,vdb=b>b.s1\n"},
    /* a stored snapshot between shows that these do not belong together */
    {"vda=c vdb=f", "a b<a c<b d e<d f<e", "k*:vda=a>b,vdb=e>f", "",
     "left vda b: on one disk the layer at this depth is older than snapshot 'k', on another "
     "newer\n"
     "left vdb d: on one disk the layer at this depth is older than snapshot 'k', on another "
     "newer\n"},
};

START_TEST(each_layer_of_all_disks_is_a_snapshot)
{
    check_case(&layers[_i]);
}
END_TEST

static const struct find_case tags[] = {
    {"vda=a vdb=b vdc=c.raw", "a b c.raw", "", "a:t1@100 b:t1@130 a:t2@200 b:t2@200",
     "t1@100: vda=a!,vdb=b!\nt2^t1*@200: vda=a!,vdb=b!\n"},
    /* times count, not the order of the table */
    {"vda=a", "a", "", "a:new@300 a:old@100", "old@100: vda=a!\nnew^old*@300: vda=a!\n"},
    /* but where the times are the same */
    {"vda=a", "a", "", "a:one@100 a:two@100", "one@100: vda=a!\ntwo^one*@100: vda=a!\n"},
    {"vda=a vdb=b", "a b", "", "a:t1@100", "left vda a t1: disk 'vdb' does not have it\n"},
    {"vda=a vdb=b", "a b", "", "a:t1@100 b:t1@161",
     "left vda a t1: it was taken 61 seconds later on one disk than on another\n"
     "left vdb b t1: it was taken 61 seconds later on one disk than on another\n"},
    {"vda=a vdb=b", "a b", "", "a:t1@100 a:t2@130 b:t2@100 b:t1@130",
     "left vda a t1: on one disk it is older than 't2', on another newer\n"
     "left vdb b t1: on one disk it is older than 't2', on another newer\n"
     "left vda a t2: on one disk it is older than 't1', on another newer\n"
     "left vdb b t2: on one disk it is older than 't1', on another newer\n"},
    {"vda=a", "a", "", "a:t1@100 a:t1@130",
     "left vda a t1: disk 'vda' has several of that name\n"
     "left vda a t1: disk 'vda' has several of that name\n"},
    {"vda=a.s1", "a a.s1<a", "s1*:vda=a>a.s1", "a:t1@100 a.s1:t1@130",
     "left vda a.s1 t1: disk 'vda' has several of that name\n"
     "left vda a t1: disk 'vda' has several of that name\n"},
    {"vda=a", "a", "", "a:12@100",
     "left vda a 12: its name is all digits, which qemu-img takes for an ID\n"},
    {"vda=a", "a", "", "a:x/y@100",
     "left vda a x/y: invalid snapshot name 'x/y': it must not contain '/'\n"},
    {"vda=a", "a", "", "a:.x@100",
     "left vda a .x: invalid snapshot name '.x': it must not begin with '.' or '-'\n"},
    /* 1001 is the ID of the second one */
    {"vda=a", "a", "", "a:t@100 a:u@130 a:1001x@150",
     "t@100: vda=a!\nu^t@130: vda=a!\n1001x^u*@150: vda=a!\n"},
    /* what snapshots know is passed over */
    {"vda=a vdb=b", "a b", "t1*:vda=a!,vdb=b!", "a:t1@100 b:t1@100 a:t2@200 b:t2@200",
     "t2^t1@200: vda=a!,vdb=b!\n"},
    {"vda=a vdb=b", "a b", "t1*:vda=a!", "a:t1@100 b:t1@100",
     "left vdb b t1: there is a snapshot of that name, which does not hold this\n"},
};

START_TEST(each_tag_of_all_images_is_a_snapshot)
{
    check_case(&tags[_i]);
}
END_TEST

static const struct find_case mixed[] = {
    /* tags of an image are older than what froze it */
    {"vda=a.s1 vdb=b.s1", "a a.s1<a b b.s1<b", "", "a:t1@500 b:t1@500 a.s1:t2@100 b.s1:t2@100",
     "t1@500: vda=a!,vdb=b!\ns1^t1@0: vda=a>a.s1,vdb=b>b.s1\nt2^s1*@100: vda=a.s1!,vdb=b.s1!\n"},
    /* a disk that has no layers may hold tags of all times */
    {"vda=a.s1 vdb=b", "a a.s1<a b", "", "a:t1@100 b:t1@100 a.s1:t2@300 b:t2@300",
     "t1@100: vda=a!,vdb=b!\ns1^t1@0: vda=a>a.s1\nt2^s1*@300: vda=a.s1!,vdb=b!\n"},
    {"vda=a.s1 vdb=b", "a a.s1<a b", "", "a:t1@100 b:t1@100 a.s1:t2@40 b:t2@40",
     "s1*@0: vda=a>a.s1\n"
     "left vda a.s1 t2: on one disk it is older than 't1', on another newer\n"
     "left vdb b t2: on one disk it is older than 't1', on another newer\n"
     "left vda a t1: on one disk it is older than 't2', on another newer\n"
     "left vdb b t1: on one disk it is older than 't2', on another newer\n"},
    /* a tag that is older than a layer on one disk and newer on another */
    {"vda=a.s1 vdb=b.s1", "a a.s1<a b b.s1<b", "", "a:t1@100 b.s1:t1@100",
     "s1*@0: vda=a>a.s1,vdb=b>b.s1\n"
     "left vda a t1: on one disk it is older than 's1', on another newer\n"
     "left vdb b.s1 t1: on one disk it is older than 's1', on another newer\n"},
    /* a disk that was raw then could not hold it */
    {"vda=a.s1 vdb=b.s1", "a a.s1<a b.raw b.s1<b.raw", "", "a:t1@100",
     "t1@100: vda=a!\ns1^t1*@0: vda=a>a.s1,vdb=b.raw>b.s1\n"},
    {"vda=a.s1 vdb=b.s1", "a a.s1<a b.raw b.s1<b.raw", "s1*:vda=a>a.s1,vdb=b.raw>b.s1", "a:t1@100",
     "t1@100: vda=a!\n"},
    {"vda=a.s1 vdb=b.s1", "a a.s1<a b.raw b.s1<b.raw", "", "a.s1:t1@100",
     "s1*@0: vda=a>a.s1,vdb=b.raw>b.s1\nleft vda a.s1 t1: disk 'vdb' does not have it\n"},
    /* the name of a tag is fixed, that of a layer is not */
    {"vda=a.s1", "a a.s1<a", "", "a:s1@100", "s1@100: vda=a!\nlayer-1^s1*@0: vda=a>a.s1\n"},
    /* other branches */
    {"vda=a.s1", "a a.s1<a x<a y<x", "s1*:vda=a>a.s1 r^s1:vda=x>y", "x:t1@100",
     "left vda x t1: no disk stands on the image as it is now\n"},
};

START_TEST(tags_and_layers_are_put_into_one_order)
{
    check_case(&mixed[_i]);
}
END_TEST

/* --- what is not the domain's own --------------------------------------------------------------
 */

static void
nothing(struct forest *forest, struct image *base)
{
    (void)forest;
    (void)base;
}

#define TWEAK(name, ...)                                                                           \
    static void name(struct forest *forest, struct image *base)                                    \
    {                                                                                              \
        nothing(forest, base);                                                                     \
        __VA_ARGS__;                                                                               \
    }

TWEAK(depended_on, forest_depend(forest, base, "/elsewhere/clone"))
TWEAK(read_only, base->writable = false)
TWEAK(two_names, base->links = 2)
TWEAK(linked, base->symlink = true)
TWEAK(badly_named, g_free(base->path); base->path = g_strdup("/d/a\001"))
TWEAK(layer, g_hash_table_add(forest->planner.state.layers, base))

static const struct {
    const char *disks;
    const char *images; /* the base comes first */
    void (*tweak)(struct forest *forest, struct image *base);
    const char *why; /* NULL: nothing is said, and nothing adopted */
} doubts[] = {
    {"vda=b", "a b<a", depended_on,
     "it may be a template: '/elsewhere/clone' stands on it as well"},
    {"vda=b", "a b<a", read_only, "it may be a template: it is read-only"},
    {"vda=b", "a b<a", two_names, "it may be a template: it has more than one name"},
    {"vda=b", "a b<a", linked, "it may be a template: it has more than one name"},
    {"vda=b", "a b<a", badly_named, "it may be a template: its name cannot be written in XML"},
    {"vda=b", "/t/a b</t/a", nothing,
     "it may be a template: it does not lie in the directory of '/d/b'"},
    {"vda=b", "a b<a", layer, NULL},
};

START_TEST(a_template_is_not_adopted_nor_are_its_tags)
{
    struct forest forest;
    struct image *base;
    g_autofree char *expected = NULL;

    forest_init(&forest, doubts[_i].disks, doubts[_i].images, "");
    base = g_ptr_array_index(forest.planner.images, 0);
    doubts[_i].tweak(&forest, base);
    if (doubts[_i].why) {
        planner_tag(&forest.planner, base, "1", "t1");
        expected =
            g_strdup_printf("left vda %s: %s\nleft vda %s t1: nothing shows that the image is this "
                            "domain's own\n",
                            short_name(base->path), doubts[_i].why, short_name(base->path));
    }
    assert_adoption(&forest, expected ? expected : "");
    forest_clear(&forest);
}
END_TEST

START_TEST(a_base_of_two_disks_is_a_template)
{
    check_case(&(struct find_case){"vda=b vdb=c", "a b<a c<a", "", "",
                                   "left vda a: it may be a template: disk 'vdb' stands on it as "
                                   "well\n"
                                   "left vdb a: it may be a template: disk 'vda' stands on it as "
                                   "well\n"});
    check_case(&(struct find_case){"vda=a vdb=a", "a", "", "",
                                   "left vda a: disk 'vdb' stands on it as well\n"
                                   "left vdb a: disk 'vda' stands on it as well\n"});
}
END_TEST

/* What snapshots or the list of layers know is the domain's own wherever it lies. */
START_TEST(what_is_known_is_no_template)
{
    check_case(&(struct find_case){"vda=/y/c", "/t/a b</t/a /y/c<b", "s2:vda=b>/y/c s1:vda=/t/a>b",
                                   "", ""});
}
END_TEST

/* A snapshot may have frozen a template; its tags are not of this domain. */
START_TEST(tags_of_what_is_known_and_shared_are_left)
{
    struct forest forest;

    forest_init(&forest, "vda=b", "a b<a", "s1*:vda=a>b");
    add_tags(&forest, "a:t1@100 b:t2@100");
    forest_depend(&forest, forest_image(&forest, "a"), "/elsewhere/clone");
    assert_adoption(&forest,
                    "t2^s1@100: vda=b!\nleft vda a t1: nothing shows that the image is this "
                    "domain's own\n");
    forest_clear(&forest);
}
END_TEST

START_TEST(memory_is_not_adopted)
{
    struct forest forest;

    forest_init(&forest, "vda=a vdb=b", "a b", "");
    add_tags(&forest, "a:t1@100 b:t1@100");
    ((struct image_tag *)state_get_tags(&forest.planner.state, forest_image(&forest, "b"))
         ->pdata[0])
        ->vm_state_size = 1;
    assert_adoption(&forest,
                    "left vda a t1: '/d/b' holds the memory of a running machine, and no image "
                    "tells which definition it ran with\n"
                    "left vdb b t1: '/d/b' holds the memory of a running machine, and no image "
                    "tells which definition it ran with\n");
    forest_clear(&forest);
}
END_TEST

START_TEST(a_name_that_is_anothers_id_is_left)
{
    struct forest forest;

    forest_init(&forest, "vda=a", "a", "");
    planner_tag(&forest.planner, forest_image(&forest, "a"), "1", "t1");
    planner_tag(&forest.planner, forest_image(&forest, "a"), "t1", "x");
    assert_adoption(&forest, "x*@0: vda=a!\n"
                             "left vda a t1: qemu-img would take it for another one of '/d/a'\n");
    forest_clear(&forest);
}
END_TEST

/* --- names -------------------------------------------------------------------------------------
 */

static const struct {
    const char *disk;
    const char *images;
    const char *name; /* of the uppermost layer */
} names[] = {
    {"vda=a.s1", "a.qcow2 a.s1<a.qcow2", "s1"},
    {"vda=a.v1.1", "a.img a.v1.1<a.img", "v1.1"},
    {"vda=a.170", "a.qcow2 a.170<a.qcow2", "170"},
    {"vda=a-s1.qcow2", "a.qcow2 a-s1.qcow2<a.qcow2", "s1"},
    {"vda=a_s1.img", "a.raw a_s1.img<a.raw", "s1"},
    {"vda=a.s2.qcow2", "a.qcow2 a.s1.qcow2<a.qcow2 a.s2.qcow2<a.s1.qcow2", "s2"},
    {"vda=a.qcow2", "a.s1.qcow2 a.s2.qcow2<a.s1.qcow2 a.qcow2<a.s2.qcow2", "s2"},
    {"vda=vm-100-disk-0.qcow2",
     "vm-100-disk-0-pre.qcow2 vm-100-disk-0.qcow2<vm-100-disk-0-pre.qcow2", "pre"},
    {"vda=vm-100-disk-0.qcow2",
     "snap_vm-100-disk-0_pre.qcow2 vm-100-disk-0.qcow2<snap_vm-100-disk-0_pre.qcow2", "pre"},
    {"vda=vm-1-disk-0.qcow2",
     "snap-pre-vm-1-disk-0.qcow2 vm-1-disk-0.qcow2<snap-pre-vm-1-disk-0.qcow2", "pre"},
    /* ends that tell a format, and what is no name */
    {"vda=a.qcow2", "a.raw a.qcow2<a.raw", "layer-1"},
    {"vda=a..x", "a.q a..x<a.q", "layer-1"},
    {"vda=ab", "a ab<a", "layer-1"},
    {"vda=b", "a b<a", "layer-1"},
    {"vda=.b", ".a .b<.a", "layer-1"},
};

START_TEST(layers_are_called_as_their_files_are)
{
    struct forest forest;
    GError *error = NULL;
    scoped(adoption) adoption = NULL;
    const struct snapshot_def *last;

    forest_init(&forest, names[_i].disk, names[_i].images, "");
    adoption = adopt_find(&forest.planner.state, &error);
    unit_assert_ok(adoption != NULL, error);
    ck_assert_uint_gt(adoption->snapshots->len, 0);
    last = g_ptr_array_index(adoption->snapshots, adoption->snapshots->len - 1);
    ck_assert_str_eq(last->name, names[_i].name);
    forest_clear(&forest);
}
END_TEST

/* --- snapshots that are there ------------------------------------------------------------------
 */

static const struct {
    const char *disks;
    const char *images;
    const char *snapshots;
    const char *tags;
    const char *child;
    const char *parent; /* that CHILD gets; NULL: it keeps its own */
} parents[] = {
    {"vda=c", "a b<a c<b", "k*:vda=b>c", "", "k", "layer-1"},
    {"vda=d", "a b<a c<b d<c", "j:vda=a>b k^j*:vda=c>d", "", "k", "layer-1"},
    /* another branch that stands on what was frozen */
    {"vda=c", "a b<a c<b x<b y<x", "j*:vda=a>b r^j:vda=x>y", "", "r", "layer-1"},
    /* but one with another parent, or on another image, is nobody's child */
    {"vda=c", "a b<a c<b x<b y<x", "j*:vda=a>b q:vda=a! r^q:vda=x>y", "q", "r", NULL},
    {"vda=c", "a b<a c<b x<a y<x", "j*:vda=a>b r^j:vda=x>y", "", "r", NULL},
    /* nothing tells whether a tag was reverted from */
    {"vda=b", "a b<a", "k*:vda=a>b", "a:t@100", "k", NULL},
    /* the last of several */
    {"vda=d", "a b<a c<b d<c", "k*:vda=c>d", "", "k", "layer-2"},
    /* one disk came of it, the other did not */
    {"vda=c vdb=f", "a b<a c<b d e<d f<e", "r*:vda=b>c,vdb=d>e", "", "r", NULL},
};

START_TEST(links_alone_give_a_stored_snapshot_another_parent)
{
    struct forest forest;
    GError *error = NULL;
    scoped(adoption) adoption = NULL;
    const char *parent;

    forest_init(&forest, parents[_i].disks, parents[_i].images, parents[_i].snapshots);
    if (strchr(parents[_i].tags, ':'))
        add_tags(&forest, parents[_i].tags);
    adoption = adopt_find(&forest.planner.state, &error);
    unit_assert_ok(adoption != NULL, error);
    parent = g_hash_table_lookup(adoption->parents, parents[_i].child);
    ck_assert_msg(g_strcmp0(parent, parents[_i].parent) == 0, "parent %s", parent ? parent : "-");
    forest_clear(&forest);
}
END_TEST

START_TEST(only_the_newest_of_all_becomes_current)
{
    check_case(&(struct find_case){"vda=c", "a b<a c<b", "k:vda=b>c", "", "layer-1@0: vda=a>b\n"});
    check_case(
        &(struct find_case){"vda=c", "a b<a c<b", "k:vda=a>b", "", "layer-1^k*@0: vda=b>c\n"});
}
END_TEST

/* --- what is refused ---------------------------------------------------------------------------
 */

START_TEST(a_store_with_faults_is_refused)
{
    struct forest forest;
    GError *error = NULL;

    forest_init(&forest, "vda=b", "a b<a", "");
    g_ptr_array_add(forest.planner.state.snapshots->problems, g_strdup("'x' is bad"));
    ck_assert_ptr_null(adopt_find(&forest.planner.state, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "'x' is bad");
    forest_clear(&forest);
}
END_TEST

static const struct {
    int code;
    const char *expected; /* NULL: fails with that code */
} faults[] = {
    {OFFSHOT_ERROR_INCONSISTENT, NULL},
    {OFFSHOT_ERROR_REFUSED, "t1*@100: vda=a!\nleft vdb -: is strange\n"},
};

START_TEST(a_broken_chain_is_an_error_a_strange_one_is_left)
{
    struct forest forest;
    GError *error = NULL;
    struct state_disk *disk;

    forest_init(&forest, "vda=a vdb=b", "a b", "");
    add_tags(&forest, "a:t1@100");
    disk = planner_disk(&forest.planner, "vdb");
    disk->image = NULL;
    disk->error = g_error_new(OFFSHOT_ERROR, faults[_i].code, "is strange");
    if (faults[_i].expected) {
        assert_adoption(&forest, faults[_i].expected);
    } else {
        ck_assert_ptr_null(adopt_find(&forest.planner.state, &error));
        unit_assert_error(error, faults[_i].code, "disk 'vdb': is strange");
    }
    forest_clear(&forest);
}
END_TEST

/* --- what is written ---------------------------------------------------------------------------
 */

START_TEST(files_are_written_and_images_watched)
{
    struct forest forest;
    GError *error = NULL;
    scoped(adoption) adoption = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;

    forest_init(&forest, "vda=c vdb=z.raw", "a b<a c<b z.raw", "k*:vda=b>c");
    adoption = adopt_find(&forest.planner.state, &error);
    unit_assert_ok(adoption != NULL, error);
    plan = adopt_plan(&forest.planner.state, adoption, &error);
    unit_assert_ok(plan != NULL, error);
    steps = planner_steps(plan);
    ck_assert_str_eq(steps, "prepare 1 stage-file /d/.vm.snapshots.k.xml.offshot-TOKEN\n"
                            "prepare 1 stage-file /d/.vm.snapshots.layer-1.xml.offshot-TOKEN\n"
                            "apply 3 replace /d/vm.snapshots/k.xml <- "
                            "/d/.vm.snapshots.k.xml.offshot-TOKEN\n"
                            "apply 3 install /d/vm.snapshots/layer-1.xml <- "
                            "/d/.vm.snapshots.layer-1.xml.offshot-TOKEN\n");
    checks = planner_checks(plan);
    ck_assert_str_eq(checks, "unwritten /d/c\nunwritten /d/b\nunwritten /d/a\n"
                             "install /d/vm.snapshots\nunchanged /d/vm.snapshots/k.xml\n"
                             "absent /d/vm.snapshots/layer-1.xml\n");
    ck_assert_ptr_nonnull(
        strstr(((const struct step *)plan->prepare->pdata[0])->content, "<name>layer-1</name>"));
    forest_clear(&forest);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("adopt");
    TCase *tcase = tcase_create("adoptions");

    tcase_add_loop_test(tcase, each_layer_of_all_disks_is_a_snapshot, 0, G_N_ELEMENTS(layers));
    tcase_add_loop_test(tcase, each_tag_of_all_images_is_a_snapshot, 0, G_N_ELEMENTS(tags));
    tcase_add_loop_test(tcase, tags_and_layers_are_put_into_one_order, 0, G_N_ELEMENTS(mixed));
    tcase_add_loop_test(tcase, a_template_is_not_adopted_nor_are_its_tags, 0, G_N_ELEMENTS(doubts));
    tcase_add_test(tcase, a_base_of_two_disks_is_a_template);
    tcase_add_test(tcase, what_is_known_is_no_template);
    tcase_add_test(tcase, tags_of_what_is_known_and_shared_are_left);
    tcase_add_test(tcase, memory_is_not_adopted);
    tcase_add_test(tcase, a_name_that_is_anothers_id_is_left);
    tcase_add_loop_test(tcase, layers_are_called_as_their_files_are, 0, G_N_ELEMENTS(names));
    tcase_add_loop_test(tcase, links_alone_give_a_stored_snapshot_another_parent, 0,
                        G_N_ELEMENTS(parents));
    tcase_add_test(tcase, only_the_newest_of_all_becomes_current);
    tcase_add_test(tcase, a_store_with_faults_is_refused);
    tcase_add_loop_test(tcase, a_broken_chain_is_an_error_a_strange_one_is_left, 0,
                        G_N_ELEMENTS(faults));
    tcase_add_test(tcase, files_are_written_and_images_watched);
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
