/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/extract.h"

#include "unit/planner-tree.h"

#define HELD                                                                                       \
    PLANNER_DISK("vda", "qcow2", "/d/a.qcow2")                                                     \
    PLANNER_DISK("vdb", "raw", "/d/b.raw") PLANNER_DISK("vdc", "qcow2", "/d/c.qcow2")
#define ACTIVE                                                                                     \
    PLANNER_DISK("vda", "qcow2", "/d/a.s1")                                                        \
    PLANNER_DISK("vdb", "qcow2", "/d/b.s1") PLANNER_DISK("vdc", "qcow2", "/d/c.qcow2")
#define EXTERNAL(name) "<disk name='" name "' snapshot='external'/>"
#define COPIED(directory, name) "prepare 1 convert " directory "." name ".offshot-TOKEN"

static struct planner planner;
static GPtrArray *notes;
static struct image *base;

/* s1 holds vda externally on a base, vdb externally and raw, vdc inside of its image, vdd not; s2
 * lost its image, and s3 holds nothing.
 */
static void
setup(void)
{
    struct image *a;

    planner_init(&planner, ACTIVE);
    planner_init_tree(&planner);
    base = planner_image(&planner, "/d/base", "raw", NULL);
    a = planner_image(&planner, "/d/a.qcow2", "qcow2", base);
    planner_disk(&planner, "vda")->image = planner_image(&planner, "/d/a.s1", "qcow2", a);
    planner_disk(&planner, "vdb")->image =
        planner_image(&planner, "/d/b.s1", "qcow2",
                      planner_image(&planner, "/d/b.raw", "raw", NULL));
    planner_disk(&planner, "vdc")->image = planner_image(&planner, "/d/c.qcow2", "qcow2", NULL);
    for (guint i = 0; i < planner.images->len; i++)
        ((struct image *)g_ptr_array_index(planner.images, i))->allocated = 1000;
    planner_tag(&planner, planner_find_image(&planner, "/d/c.qcow2"), "7", "other");
    planner_tag(&planner, planner_find_image(&planner, "/d/c.qcow2"), "1,2", "s1")->size =
        1024 * 1024;
    planner_store_disks(&planner, "s1", NULL,
                        EXTERNAL("vda") EXTERNAL("vdb") "<disk name='vdc' snapshot='internal'/>"
                                                        "<disk name='vdd' snapshot='no'/>",
                        HELD);
    planner_store_disks(&planner, "s2", "s1", EXTERNAL("vda") EXTERNAL("vdz"),
                        PLANNER_DISK("vda", "qcow2", "/d/lost"));
    planner_store_disks(&planner, "s3", NULL, "<disk name='vda' snapshot='no'/>", HELD);
    planner_link(&planner);
    planner_freeze_all(&planner);
    notes = g_ptr_array_new_with_free_func(g_free);
}

static void
teardown(void)
{
    planner_clear_tree(&planner);
    planner_clear(&planner);
    g_ptr_array_unref(notes);
}

/* What is asked for, in the words of the command line. */
struct asked {
    const char *snapshot;
    const char *output;
    bool file;
    const char *disks[3];
    const char *format;
    bool compress;
};

static struct plan *
plan_asked(const struct asked *asked, GError **error)
{
    g_autoptr(GPtrArray) disks = g_ptr_array_new();
    const struct extract_request request = {
        .target = snapshot_tree_find(planner.state.snapshots->tree, asked->snapshot),
        .output = asked->output ? asked->output : "/o",
        .output_is_directory = !asked->file,
        .disks = asked->disks[0] ? disks : NULL,
        .format = asked->format ? asked->format : "qcow2",
        .compress = asked->compress,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(asked->disks) && asked->disks[i]; i++)
        g_ptr_array_add(disks, (gpointer)asked->disks[i]);
    return extract_plan(&planner.state, &request, notes, error);
}

static const struct planned {
    struct asked asked;
    const char *steps;
    const char *checks;
} planned[] = {
    {{.snapshot = "s1"},
     COPIED("/o/", "vda.qcow2") " like /d/a.qcow2\n" //
     COPIED("/o/", "vdb.qcow2") " like /d/b.raw\n"   //
     COPIED("/o/",
            "vdc.qcow2") " like /d/c.qcow2\n"                                            //
                         "apply 0 install /o/vda.qcow2 <- /o/.vda.qcow2.offshot-TOKEN\n" //
                         "apply 0 install /o/vdb.qcow2 <- /o/.vdb.qcow2.offshot-TOKEN\n" //
                         "apply 0 install /o/vdc.qcow2 <- /o/.vdc.qcow2.offshot-TOKEN\n",
     "unwritten /d/a.qcow2\nunwritten /d/base\nabsent /o/vda.qcow2\nspace /o\n"
     "unwritten /d/b.raw\nabsent /o/vdb.qcow2\nspace /o\n"
     "lock /d/c.qcow2\nabsent /o/vdc.qcow2\nspace /o\n"},
    {{.snapshot = "s1", .disks = {"vdb", "vdb"}, .format = "raw"},
     COPIED("/o/", "vdb.raw") " like /d/b.raw\n"
                              "apply 0 install /o/vdb.raw <- /o/.vdb.raw.offshot-TOKEN\n",
     "unwritten /d/b.raw\nabsent /o/vdb.raw\nspace /o\n"},
    {{.snapshot = "s1", .disks = {"vdc"}, .output = "/p/my,copy", .file = true},
     COPIED("/p/", "my,copy") " like /d/c.qcow2\n"
                              "apply 0 install /p/my,copy <- /p/.my,copy.offshot-TOKEN\n",
     "lock /d/c.qcow2\nabsent /p/my,copy\nspace /p\n"},
};

START_TEST(plan_is_exactly_this)
{
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = plan_asked(&planned[_i].asked, &error);
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;

    unit_assert_ok(plan != NULL, error);
    steps = planner_steps(plan);
    checks = planner_checks(plan);
    ck_assert_str_eq(steps, planned[_i].steps);
    ck_assert_str_eq(checks, planned[_i].checks);
    ck_assert_uint_eq(notes->len, 0);
}
END_TEST

static const struct program {
    struct asked asked;
    const char *words; /* before the names */
    const char *source;
} programs[] = {
    {{.snapshot = "s1", .disks = {"vda"}}, "qemu-img convert -q -f qcow2 -O qcow2", "/d/a.qcow2"},
    {{.snapshot = "s1", .disks = {"vda"}, .compress = true},
     "qemu-img convert -q -c -f qcow2 -O qcow2",
     "/d/a.qcow2"},
    {{.snapshot = "s1", .disks = {"vdb"}, .format = "raw"},
     "qemu-img convert -q -f raw -O raw",
     "/d/b.raw"},
    /* by ID and name: neither is taken for the other */
    {{.snapshot = "s1", .disks = {"vdc"}},
     "qemu-img convert -q -f qcow2 -O qcow2 -l snapshot.id=1,,2,snapshot.name=s1",
     "/d/c.qcow2"},
};

START_TEST(qemu_img_copies_the_state_of_the_snapshot)
{
    g_autoptr(GError) error = NULL;
    const struct asked *asked = &programs[_i].asked;
    scoped(plan) plan = plan_asked(asked, &error);
    const struct step *step = plan ? g_ptr_array_index(plan->prepare, 0) : NULL;
    g_autofree char *expected = NULL;
    g_autofree char *words = NULL;

    unit_assert_ok(plan != NULL, error);
    expected = g_strjoin(" ", programs[_i].words, "--", programs[_i].source, step->path, NULL);
    words = g_strjoinv(" ", step->argv);
    ck_assert_str_eq(words, expected);
    ck_assert_str_eq(step->overlay.format, asked->format ? asked->format : "qcow2");
    ck_assert_uint_eq(step->overlay.size, 1024 * 1024);
    ck_assert_ptr_null(step->overlay.backing);
}
END_TEST

static const struct refused {
    struct asked asked;
    int code;
    const char *fragment;
} refused[] = {
    {{.snapshot = "s1", .disks = {"vda", "vde"}},
     OFFSHOT_ERROR_NOT_FOUND,
     "snapshot 's1' holds no disk 'vde'"},
    {{.snapshot = "s1", .disks = {"vdd"}},
     OFFSHOT_ERROR_NOT_FOUND,
     "snapshot 's1' holds no disk 'vdd'"},
    {{.snapshot = "s3"}, OFFSHOT_ERROR_NOT_FOUND, "snapshot 's3' holds no disk"},
    {{.snapshot = "s2", .disks = {"vda"}},
     OFFSHOT_ERROR_INCONSISTENT,
     "disk 'vda': image '/d/lost'"},
    {{.snapshot = "s2", .disks = {"vdz"}}, OFFSHOT_ERROR_INCONSISTENT, "disk 'vdz': "},
    {{.snapshot = "s1", .file = true},
     OFFSHOT_ERROR_USAGE,
     "holds 3 disks, and '/o' is no directory"},
    {{.snapshot = "s1", .disks = {"vda", "vdb"}, .file = true},
     OFFSHOT_ERROR_USAGE,
     "choose one with --disk"},
    {{.snapshot = "s1", .format = "raw", .compress = true}, OFFSHOT_ERROR_USAGE, "only qcow2"},
};

START_TEST(what_cannot_be_copied_is_refused)
{
    GError *error = NULL;

    ck_assert_ptr_null(plan_asked(&refused[_i].asked, &error));
    unit_assert_error(error, refused[_i].code, refused[_i].fragment);
}
END_TEST

START_TEST(a_tag_must_be_there_exactly_once)
{
    static const struct asked asked = {.snapshot = "s1", .disks = {"vdc"}};
    struct image *image = planner_find_image(&planner, "/d/c.qcow2");
    GError *error = NULL;

    planner_tag(&planner, image, "3", "s1");
    ck_assert_ptr_null(plan_asked(&asked, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, "more than one internal snapshot");
    g_hash_table_remove(planner.state.tags, image);
    ck_assert_ptr_null(plan_asked(&asked, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT,
                      "image '/d/c.qcow2' has no internal snapshot called 's1'");
    planner_tag(&planner, image, "s1", "S1");
    ck_assert_ptr_null(plan_asked(&asked, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, "has no internal snapshot");
}
END_TEST

START_TEST(a_copy_must_not_be_cut_short)
{
    static const struct asked asked = {.snapshot = "s1", .disks = {"vdc"}};
    struct image *image = planner_find_image(&planner, "/d/c.qcow2");
    GError *error = NULL;
    scoped(plan) plan = NULL;

    image->size = 512 * 1024;
    ck_assert_ptr_null(plan_asked(&asked, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "is smaller than it was at snapshot 's1'");
    image->size = 2048 * 1024;
    plan = plan_asked(&asked, &error);
    unit_assert_ok(plan != NULL, error);
    ck_assert_uint_eq(notes->len, 1);
    ck_assert_ptr_nonnull(strstr(g_ptr_array_index(notes, 0), "made larger"));
}
END_TEST

START_TEST(an_image_that_a_vm_would_write_is_locked)
{
    static const struct asked asked = {.snapshot = "s1", .disks = {"vda"}};
    GError *error = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *checks = NULL;

    planner_disk(&planner, "vda")->image = planner_find_image(&planner, "/d/a.qcow2");
    plan = plan_asked(&asked, &error);
    unit_assert_ok(plan != NULL, error);
    checks = planner_checks(plan);
    ck_assert(g_str_has_prefix(checks, "lock /d/a.qcow2\nunwritten /d/base\n"));
}
END_TEST

START_TEST(a_target_that_is_no_file_name_never_leads_out_of_the_directory)
{
    struct asked asked = {.snapshot = "x", .disks = {"../vda"}};
    GError *error = NULL;
    scoped(plan) plan = NULL;

    planner_store_disks(&planner, "x", NULL, EXTERNAL("../vda"),
                        PLANNER_DISK("../vda", "qcow2", "/d/a.qcow2"));
    planner_link(&planner);
    g_ptr_array_set_size(planner.state.frozen, 0);
    planner_freeze_all(&planner);
    ck_assert_ptr_null(plan_asked(&asked, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "cannot be that of a file");
    asked.file = true;
    plan = plan_asked(&asked, &error);
    unit_assert_ok(plan != NULL, error);
}
END_TEST

START_TEST(space_is_asked_for_the_whole_chain_but_no_more_than_the_disk)
{
    static const struct asked asked = {.snapshot = "s1", .disks = {"vda"}};
    static const struct {
        uint64_t allocated;
        bool block;
        uint64_t bytes;
    } cases[] = {
        {1000, false, 2000 + 1024 * 1024},
        {UINT32_MAX, false, 2 * 1024 * 1024},
        {0, true, 1000 + 196616 + 1024 * 1024},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        scoped(plan) plan = NULL;
        const struct plan_check *check;

        base->allocated = cases[i].allocated;
        base->block = cases[i].block;
        plan = plan_asked(&asked, &error);
        unit_assert_ok(plan != NULL, error);
        check = g_ptr_array_index(plan->checks, 3);
        ck_assert_int_eq(check->kind, PLAN_CHECK_SPACE);
        ck_assert_uint_eq(check->bytes, cases[i].bytes);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("extract");
    TCase *cases = tcase_create("extract");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, plan_is_exactly_this, 0, G_N_ELEMENTS(planned));
    tcase_add_loop_test(cases, qemu_img_copies_the_state_of_the_snapshot, 0,
                        G_N_ELEMENTS(programs));
    tcase_add_loop_test(cases, what_cannot_be_copied_is_refused, 0, G_N_ELEMENTS(refused));
    tcase_add_test(cases, a_tag_must_be_there_exactly_once);
    tcase_add_test(cases, a_copy_must_not_be_cut_short);
    tcase_add_test(cases, an_image_that_a_vm_would_write_is_locked);
    tcase_add_test(cases, a_target_that_is_no_file_name_never_leads_out_of_the_directory);
    tcase_add_test(cases, space_is_asked_for_the_whole_chain_but_no_more_than_the_disk);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
