/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "unit/forest.h"

/* Which images go, stay and are merged. */

#define CHAIN "a a.s1<a a.s2<a.s1 a.s3<a.s2"
#define SNAPSHOTS "s1:vda=a>a.s1 s2^s1:vda=a.s1>a.s2 s3^s2*:vda=a.s2>a.s3"

static const struct {
    const char *disks;
    const char *images;
    const char *snapshots;
    const char *removed;
    enum merge_strategy strategy;
    const char *small;  /* image with little in it, or NULL */
    const char *layers; /* left by earlier ones, or NULL */
    const char *expected;
    const char *note; /* or NULL */
} cases[] = {
    /* one in the middle: equal costs go down */
    {"vda=a.s3", CHAIN, SNAPSHOTS, "s2", MERGE_AUTO, NULL, NULL,
     "0 commit a.s2 a.s1\nrelink a.s3\ngarbage a.s2\nmove /d/a.s2 a.s1\n",
     "commit moves at most 2097152 bytes from '/d/a.s2' down into '/d/a.s1'"},
    /* the first */
    {"vda=a.s3", CHAIN, SNAPSHOTS, "s1", MERGE_AUTO, NULL, NULL,
     "0 commit a.s1 a\nrelink a.s2\ngarbage a.s1\nmove /d/a.s1 a\n", NULL},
    /* the last: the active image follows */
    {"vda=a.s3", CHAIN, SNAPSHOTS, "s3", MERGE_AUTO, NULL, NULL,
     "0 commit a.s3 a.s2\ngarbage a.s3\nmove /d/a.s3 a.s2\n", NULL},
    /* little below: it comes up */
    {"vda=a.s3", CHAIN, SNAPSHOTS, "s2", MERGE_AUTO, "a.s1", NULL,
     "0 rebase a.s2 a.s1\ngarbage a.s1\nmove /d/a.s1 a.s2\n",
     "rebase moves at most 4096 bytes into '/d/a.s2'"},
    {"vda=a.s3", CHAIN, SNAPSHOTS, "s2", MERGE_REBASE, NULL, NULL,
     "0 rebase a.s2 a.s1\ngarbage a.s1\nmove /d/a.s1 a.s2\n", NULL},
    {"vda=a.s3", CHAIN, SNAPSHOTS, "s2", MERGE_COMMIT, "a.s1", NULL,
     "0 commit a.s2 a.s1\nrelink a.s3\ngarbage a.s2\nmove /d/a.s2 a.s1\n", NULL},
    /* two at once, next to each other */
    {"vda=a.s3", CHAIN, SNAPSHOTS, "s2 s3", MERGE_AUTO, NULL, NULL,
     "0 commit a.s3 a.s1\ngarbage a.s3\ngarbage a.s2\nmove /d/a.s2 a.s1\nmove /d/a.s3 a.s1\n",
     "commit moves at most 4194304 bytes"},
    {"vda=a.s3", CHAIN, SNAPSHOTS, "s1 s2 s3", MERGE_REBASE, NULL, NULL,
     "0 rebase a.s3 a\ngarbage a.s2\ngarbage a.s1\ngarbage a\nmove /d/a a.s3\nmove /d/a.s1 a.s3\n"
     "move /d/a.s2 a.s3\n",
     "rebase moves at most 6291456 bytes"},
    /* two at once, one kept between them: one after the other */
    {"vda=a.s3", CHAIN, SNAPSHOTS, "s1 s3", MERGE_AUTO, NULL, NULL,
     "0 commit a.s1 a\n1 commit a.s3 a.s2\nrelink a.s2\ngarbage a.s3\ngarbage a.s1\n"
     "move /d/a.s1 a\nmove /d/a.s3 a.s2\n",
     NULL},
    /* a leaf off the active branch is nothing but garbage */
    {"vda=a.9", "a a.s1<a a.9<a a.s2<a.s1", "s1*:vda=a>a.s1 s2^s1:vda=a.s1>gone", "s2", MERGE_AUTO,
     NULL, NULL, "garbage a.s1\n", NULL},
    /* a branch: what both share stays, without a name */
    {"vda=a.9", "a a.s1<a a.s2<a.s1 a.9<a.s1",
     "s1:vda=a>a.s1 s2^s1*:vda=a.s1>a.s2 s3^s2:vda=a.s2>a.s3", "s2", MERGE_AUTO, NULL, NULL,
     "layer a.s1\n", "'/d/a.s1' stays: several images stand on '/d/a.s1'"},
    /* … unless it is little, or that is asked for */
    {"vda=a.9", "a a.s1<a a.s2<a.s1 a.9<a.s1",
     "s1:vda=a>a.s1 s2^s1*:vda=a.s1>a.s2 s3^s2:vda=a.s2>a.s3", "s2", MERGE_AUTO, "a.s1", NULL,
     "0 rebase a.s2 a.s1\n0 rebase a.9 a.s1\ngarbage a.s1\n", NULL},
    {"vda=a.9", "a a.s1<a a.s2<a.s1 a.9<a.s1",
     "s1:vda=a>a.s1 s2^s1*:vda=a.s1>a.s2 s3^s2:vda=a.s2>a.s3", "s2", MERGE_REBASE, NULL, NULL,
     "0 rebase a.s2 a.s1\n0 rebase a.9 a.s1\ngarbage a.s1\n", NULL},
    /* the layer goes with the last but one that stood on it */
    {"vda=a.9", "a a.s1<a a.s2<a.s1 a.9<a.s1", "s1:vda=a>a.s1 s3^s1*:vda=a.s2>a.s3", "s3",
     MERGE_AUTO, NULL, "a.s1",
     "0 commit a.9 a.s1\ngarbage a.9\ngarbage a.s2\n"
     "move /d/a.9 a.s1\n",
     NULL},
    /* … or with all of them */
    {"vda=a", "a b<a c<b", "s1*:vda=c>d", "s1", MERGE_AUTO, NULL, "b", "garbage c\ngarbage b\n",
     NULL},
    /* a layer below a shared one goes down, and the shared one with it */
    {"vda=a.9", "a a.s1<a a.s2<a.s1 a.s3<a.s2 a.9<a.s2",
     "s1:vda=a>a.s1 s2^s1:vda=a.s1>a.s2 s3^s2*:vda=a.s3>x", "s2", MERGE_AUTO, NULL, "a.s2",
     "0 commit a.s2 a.s1\nrelink a.9\nrelink a.s3\ngarbage a.s2\nlayer a.s1\nmove /d/a.s2 a.s1\n",
     NULL},
    /* nobody has to go when another disk, or a snapshot of another one, needs the image */
    {"vda=a.s1 vdb=a", "a a.s1<a", "s1*:vda=a>a.s1", "s1", MERGE_AUTO, NULL, NULL, "", NULL},
    {"vda=a.s1 vdb=b", "a a.s1<a b", "s1:vda=a>a.s1 s2^s1*:vdb=a>b", "s1", MERGE_AUTO, NULL, NULL,
     "", NULL},
    /* two disks, each in its own chain, at the same time */
    {"vda=a.s1 vdb=b.s1", "a a.s1<a b b.s1<b", "s1*:vda=a>a.s1,vdb=b>b.s1", "s1", MERGE_AUTO, NULL,
     NULL,
     "0 commit b.s1 b\n0 commit a.s1 a\ngarbage a.s1\ngarbage b.s1\nmove /d/a.s1 a\n"
     "move /d/b.s1 b\n",
     NULL},
    /* two disks with one base */
    {"vda=a.s1 vdb=b.s1", "a a.s1<a b.s1<a", "s1*:vda=a>a.s1,vdb=a>b.s1", "s1", MERGE_AUTO, NULL,
     NULL, "layer a\n", "'/d/a' stays"},
    /* raw below */
    {"vda=a.s1", "a.raw a.s1<a.raw", "s1*:vda=a.raw>a.s1", "s1", MERGE_AUTO, NULL, NULL,
     "0 commit a.s1 a.raw\ngarbage a.s1\nmove /d/a.s1 a.raw\n", NULL},
    /* a template elsewhere */
    {"vda=a.s1", "/t/a a.s1</t/a", "s1*:vda=/t/a>a.s1", "s1", MERGE_AUTO, NULL, NULL, "",
     "'/t/a' stays: no snapshot made '/t/a'"},
    {"vda=a.s1", "/t/a a.s1</t/a", "s1*:vda=/t/a>a.s1", "s1", MERGE_COMMIT, NULL, NULL,
     "0 commit a.s1 /t/a\ngarbage a.s1\nmove /d/a.s1 /t/a\n", NULL},
    /* a device as base, and as overlay */
    {"vda=/dev/b", "/dev/a.raw /dev/b</dev/a.raw", "s1*:vda=/dev/a.raw>/dev/b", "s1", MERGE_COMMIT,
     NULL, NULL, "0 commit /dev/b /dev/a.raw\nmove /dev/b /dev/a.raw\n",
     "'/dev/b' stays: it is a block device"},
    {"vda=/dev/a.raw", "/dev/a.raw /dev/b</dev/a.raw", "s1*:vda=/dev/b>/dev/c", "s1", MERGE_AUTO,
     NULL, NULL, "", "'/dev/b' stays: '/dev/b' is a block device"},
    /* internal snapshots */
    {"vda=a", "a", "s1*:vda=a!", "s1", MERGE_AUTO, NULL, NULL, "", NULL},
    {"vda=b", "a b", "s1*:vda=a!", "s1", MERGE_AUTO, NULL, NULL, "",
     "'/d/a' stays: '/d/a' is of a disk 'vda' in whose place the domain has '/d/b'"},
    {"vda=a.9", "a a.s1<a a.9<a", "s1*:vda=a>a.s1 s2^s1:vda=a.s1!", "s2", MERGE_AUTO, NULL, NULL,
     "", "'/d/a.s1' stays: "},
    {"vda=a.9", "a a.s1<a a.9<a", "s1*:vda=a>a.s1 s2^s1:vda=a.s1!", "s2", MERGE_AUTO, NULL, "a.s1",
     "garbage a.s1\n", NULL},
    {"vda=a.9", "a b<a a.9<a", "s1*:vda=a>a.s1 s2^s1:vda=b!", "s2", MERGE_AUTO, NULL, "b",
     "garbage b\n", NULL},
    /* what remains and loses the name that told who made it is remembered */
    {"vda=b", "a b<a", "s0:vda=a! s1^s0*:vda=a>b", "s1", MERGE_AUTO, NULL, NULL, "layer a\n", NULL},
    {"vda=a.9", "a a.s1<a a.9<a", "s1*:vda=a>a.s1 s2^s1:vda=a.s1!", "s1", MERGE_AUTO, NULL, NULL,
     "layer a.s1\nlayer a\n", "'/d/a' stays: several images stand on '/d/a'"},
    {"vda=a.2", "a /o/a.1<a a.2</o/a.1", "s1:vda=a>/o/a.1 s2^s1*:vda=/o/a.1>a.2", "s1",
     MERGE_REBASE, NULL, NULL, "0 rebase /o/a.1 a\ngarbage a\nlayer /o/a.1\nmove /d/a /o/a.1\n",
     NULL},
    {"vda=a.s2", "a a.s2<a", "s1*:vda=a!", "s1", MERGE_AUTO, NULL, NULL,
     "0 commit a.s2 a\ngarbage a.s2\nmove /d/a.s2 a\n", NULL},
    /* a disk that the domain does not have any more */
    {"vda=a", "a b b.s1<b", "s1*:vda=a!,vdb=b>b.s1", "s1", MERGE_AUTO, NULL, NULL, "",
     "'/d/b' stays: '/d/b' is of disk 'vdb', which the domain does not have any more"},
    /* another disk has its target */
    {"vda=a.s1 vdb=c", "a a.s1<a b b.s0<b c", "s0:vdb=b>b.s0 s1^s0*:vdb=b.s0>/o/b.s1", "s1",
     MERGE_AUTO, NULL, NULL, "",
     "'/d/b.s0' stays: '/d/b.s0' is of a disk 'vdb' in whose place the domain has '/d/c'"},
    /* --keep-filename: told by the name where nobody else tells */
    {"vda=a.q", "a.s1.q a.q<a.s1.q", "s1*:vda=a.s1.q>a.q", "s1", MERGE_AUTO, NULL, NULL,
     "0 commit a.q a.s1.q keep\nmove /d/a.s1.q a.q\n", NULL},
};

static void
make_small(struct forest *forest, const char *name)
{
    if (name)
        forest_image(forest, name)->allocated = 4096;
}

START_TEST(each_image_goes_only_when_nobody_needs_it)
{
    struct forest forest;
    g_autoptr(GError) error = NULL;
    scoped(merges) merges = NULL;
    g_autofree char *text = NULL;

    forest_init(&forest, cases[_i].disks, cases[_i].images, cases[_i].snapshots);
    forest_remove(&forest, cases[_i].removed);
    make_small(&forest, cases[_i].small);
    if (cases[_i].layers)
        forest_add_layer(&forest, cases[_i].layers);
    merges = merges_decide(&forest.planner.state, forest.removed, cases[_i].strategy, forest.notes,
                           &error);
    unit_assert_ok(merges != NULL, error);
    text = forest_format_merges(merges);
    ck_assert_msg(strcmp(text, cases[_i].expected) == 0, "case %d (%s of %s):\n%s", _i,
                  cases[_i].removed, cases[_i].snapshots, text);
    if (cases[_i].note)
        forest_assert_note(&forest, cases[_i].note);
    forest_clear(&forest);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("merge");
    TCase *tcase = tcase_create("cases");

    tcase_add_loop_test(tcase, each_image_goes_only_when_nobody_needs_it, 0, G_N_ELEMENTS(cases));
    suite_add_tcase(suite, tcase);
    return unit_run(suite);
}
