/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/flatten.h"

#include "unit/planner-tree.h"

#define NETWORK                                                                                    \
    "<disk type='network' device='disk'><source protocol='nbd' name='x'><host name='h'/>"          \
    "</source><target dev='vde'/></disk>"
#define EMPTY "<disk device='cdrom'><target dev='sda'/></disk>"
#define DISKS                                                                                      \
    PLANNER_DISK("vda", "qcow2", "/d/a.s1")                                                        \
    PLANNER_DISK("vdb", "qcow2", "/e/b.s1")                                                        \
    PLANNER_DISK("vdc", "qcow2", "/d/c.qcow2") PLANNER_DISK("vdd", "raw", "/d/lost") NETWORK EMPTY

static struct planner planner;
static GPtrArray *notes;

/* IMAGE says in its header what it stands on. */
static struct image *
linked(struct image *image, const char *backing)
{
    image->header.backing = g_strdup(backing);
    image->header.backing_format = g_strdup(image->backing->format->qemu);
    image->writable = true;
    return image;
}

/* vda stands on two images, vdb on one of another directory, vdc on none; the image of vdd, raw, is
 * missing; vde is on a network, sda empty.
 */
static void
setup(void)
{
    struct image *base;
    struct image *middle;

    planner_init(&planner, DISKS);
    planner_init_tree(&planner);
    base = planner_image(&planner, "/d/base", "raw", NULL);
    middle = linked(planner_image(&planner, "/d/a.qcow2", "qcow2", base), "base");
    base->allocated = 3000;
    middle->allocated = 500;
    planner_disk(&planner, "vda")->image =
        linked(planner_image(&planner, "/d/a.s1", "qcow2", middle), "a.qcow2");
    planner_disk(&planner, "vdb")->image =
        linked(planner_image(&planner, "/e/b.s1", "qcow2",
                             planner_image(&planner, "/d/b", "raw", NULL)),
               "/d/b");
    planner_disk(&planner, "vdc")->image = planner_image(&planner, "/d/c.qcow2", "qcow2", NULL);
    g_set_error(&planner_disk(&planner, "vdd")->error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "image '/d/lost' is missing");
    notes = g_ptr_array_new_with_free_func(g_free);
}

static void
teardown(void)
{
    planner_clear_tree(&planner);
    planner_clear(&planner);
    g_ptr_array_unref(notes);
}

/* DISKS: names, ended by NULL; none at all: every disk. */
static struct plan *
plan_of(const char *const *disks, GError **error)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    for (; *disks; disks++)
        g_ptr_array_add(list, (gpointer)*disks);
    return flatten_plan(&planner.state, list->len > 0 ? list : NULL, notes, error);
}

#define CHECKS_A                                                                                   \
    "exclusive /d/a.s1\nunwritten /d/a.qcow2\nunwritten /d/base\n"                                 \
    "space /d\n"
#define CHECKS_B "exclusive /e/b.s1\nunwritten /d/b\nspace /e\n"

static const struct planned {
    const char *disks[4];
    const char *steps;
    const char *checks;
    const char *note;
} planned[] = {
    {{NULL}, "apply 0 rebase /d/a.s1\napply 0 rebase /e/b.s1\n", CHECKS_A CHECKS_B, NULL},
    {{"vdb"}, "apply 0 rebase /e/b.s1\n", CHECKS_B, NULL},
    {{"vda", "vda"}, "apply 0 rebase /d/a.s1\n", CHECKS_A, NULL},
    {{"vdc"}, "", "", "the image of disk 'vdc' stands on no other"},
    {{"vdc", "vda"},
     "apply 0 rebase /d/a.s1\n",
     CHECKS_A,
     "the image of disk 'vdc' stands on no other"},
};

START_TEST(plan_is_exactly_this)
{
    const struct planned *wanted = &planned[_i];
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = plan_of(wanted->disks, &error);
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;

    unit_assert_ok(plan != NULL, error);
    steps = planner_steps(plan);
    checks = planner_checks(plan);
    ck_assert_str_eq(steps, wanted->steps);
    ck_assert_str_eq(checks, wanted->checks);
    ck_assert_uint_eq(notes->len, wanted->note ? 1 : 0);
    if (wanted->note)
        ck_assert_str_eq(g_ptr_array_index(notes, 0), wanted->note);
}
END_TEST

START_TEST(image_ends_on_nothing_and_its_old_link_is_remembered)
{
    static const char *const disks[] = {"vda", NULL};
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = plan_of(disks, &error);
    const struct step *step = plan ? planner_step(plan, "/d/a.s1") : NULL;
    const struct plan_check *space;

    unit_assert_ok(plan != NULL, error);
    ck_assert_str_eq(step->format, "qcow2");
    ck_assert(!step->block);
    ck_assert_ptr_null(step->link.backing);
    ck_assert_ptr_null(step->link.format);
    ck_assert_ptr_null(step->base);
    ck_assert_str_eq(step->old_link.backing, "a.qcow2");
    ck_assert_str_eq(step->old_link.format, "qcow2");
    space = g_ptr_array_index(plan->checks, 3);
    ck_assert_uint_eq(space->bytes, 3500 + 1024 * 1024);
}
END_TEST

START_TEST(format_that_the_link_does_not_say_is_that_of_the_image_below)
{
    static const char *const disks[] = {"vdb", NULL};
    struct image *image = planner_find_image(&planner, "/e/b.s1");
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = NULL;

    g_clear_pointer(&image->header.backing_format, g_free);
    plan = plan_of(disks, &error);
    unit_assert_ok(plan != NULL, error);
    ck_assert_str_eq(planner_step(plan, "/e/b.s1")->old_link.format, "raw");
}
END_TEST

START_TEST(image_on_a_device_needs_no_space_of_a_file_system)
{
    static const char *const disks[] = {"vda", NULL};
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *checks = NULL;

    planner_find_image(&planner, "/d/a.s1")->block = true;
    plan = plan_of(disks, &error);
    unit_assert_ok(plan != NULL, error);
    checks = planner_checks(plan);
    ck_assert_str_eq(checks, "exclusive /d/a.s1\nunwritten /d/a.qcow2\nunwritten /d/base\n");
    ck_assert(planner_step(plan, "/d/a.s1")->block);
}
END_TEST

START_TEST(the_domain_stops_naming_the_old_chain)
{
    static const char *const disks[] = {"vda", NULL};
    struct domain_disk *def = (struct domain_disk *)planner_disk(&planner, "vda")->def;
    g_autoptr(GError) error = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;

    def->layers = g_ptr_array_new();
    plan = plan_of(disks, &error);
    unit_assert_ok(plan != NULL, error);
    steps = planner_steps(plan);
    ck_assert_ptr_nonnull(strstr(steps, "replace /d/vm.xml"));
    planner.state.domain_is_symlink = true;
    ck_assert_ptr_null(plan_of(disks, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "is a symbolic link");
}
END_TEST

/* What is wrong with vda. */
static void
give_a_tag(struct image *image)
{
    planner_tag(&planner, image, "1", "t");
}

static void
make_read_only(struct image *image)
{
    image->writable = false;
}

static void
make_vmdk(struct image *image)
{
    image->format = image_format_find_qemu("vmdk");
}

static void
encrypt(struct image *image G_GNUC_UNUSED)
{
    ((struct domain_disk *)planner_disk(&planner, "vda")->def)->has_encryption = true;
}

static void
slice(struct image *image G_GNUC_UNUSED)
{
    ((struct domain_disk *)planner_disk(&planner, "vda")->def)->has_slices = true;
}

static void
overrule(struct image *image G_GNUC_UNUSED)
{
    planner_disk(&planner, "vda")->overruled = true;
}

static void
share(struct image *image)
{
    planner_disk(&planner, "vdc")->image = image;
}

static void
stand_on(struct image *image)
{
    planner_find_image(&planner, "/d/c.qcow2")->backing = image;
}

static void
lose(struct image *image G_GNUC_UNUSED)
{
    planner_disk(&planner, "vda")->image = NULL;
    g_set_error(&planner_disk(&planner, "vda")->error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "chain is broken");
}

static const struct refused {
    void (*spoil)(struct image *image);
    int code;
    const char *fragment;
} refused[] = {
    {give_a_tag, OFFSHOT_ERROR_REFUSED, "holds 1 internal snapshots, which need its chain"},
    {make_read_only, OFFSHOT_ERROR_REFUSED, "cannot be written"},
    {make_vmdk, OFFSHOT_ERROR_REFUSED, "of format 'vmdk'"},
    {encrypt, OFFSHOT_ERROR_REFUSED, "disk 'vda' is encrypted"},
    {slice, OFFSHOT_ERROR_REFUSED, "<slices>"},
    {overrule, OFFSHOT_ERROR_REFUSED, "<backingStore>"},
    {share, OFFSHOT_ERROR_REFUSED, "in the chain of disk 'vdc' as well"},
    {stand_on, OFFSHOT_ERROR_REFUSED, "in the chain of disk 'vdc' as well"},
    {lose, OFFSHOT_ERROR_INCONSISTENT, "disk 'vda': chain is broken"},
};

START_TEST(what_cannot_be_flattened_is_refused)
{
    static const char *const every[] = {NULL};
    static const char *const named[] = {"vda", NULL};
    static const char *const other[] = {"vdb", NULL};
    struct image *image = planner_find_image(&planner, "/d/a.s1");
    GError *error = NULL;
    scoped(plan) plan = NULL;

    refused[_i].spoil(image);
    ck_assert_ptr_null(plan_of(every, &error));
    unit_assert_error(error, refused[_i].code, refused[_i].fragment);
    ck_assert_ptr_null(plan_of(named, &error));
    unit_assert_error(error, refused[_i].code, refused[_i].fragment);
    plan = plan_of(other, &error);
    unit_assert_ok(plan != NULL, error);
}
END_TEST

static const struct unusable {
    const char *disk;
    int code;
    const char *fragment;
} unusable[] = {
    {"vdz", OFFSHOT_ERROR_NOT_FOUND, "domain 'vm' has no disk 'vdz'"},
    {"vdd", OFFSHOT_ERROR_INCONSISTENT, "disk 'vdd': image '/d/lost' is missing"},
    {"vde", OFFSHOT_ERROR_REFUSED, "disk 'vde' has no image"},
    {"sda", OFFSHOT_ERROR_REFUSED, "disk 'sda' has no image"},
};

START_TEST(disk_that_was_named_must_have_an_image)
{
    const char *const disks[] = {"vdb", unusable[_i].disk, NULL};
    GError *error = NULL;

    ck_assert_ptr_null(plan_of(disks, &error));
    unit_assert_error(error, unusable[_i].code, unusable[_i].fragment);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("flatten");
    TCase *cases = tcase_create("flatten");

    tcase_add_checked_fixture(cases, setup, teardown);
    tcase_add_loop_test(cases, plan_is_exactly_this, 0, G_N_ELEMENTS(planned));
    tcase_add_test(cases, image_ends_on_nothing_and_its_old_link_is_remembered);
    tcase_add_test(cases, format_that_the_link_does_not_say_is_that_of_the_image_below);
    tcase_add_test(cases, image_on_a_device_needs_no_space_of_a_file_system);
    tcase_add_test(cases, the_domain_stops_naming_the_old_chain);
    tcase_add_loop_test(cases, what_cannot_be_flattened_is_refused, 0, G_N_ELEMENTS(refused));
    tcase_add_loop_test(cases, disk_that_was_named_must_have_an_image, 0, G_N_ELEMENTS(unusable));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
