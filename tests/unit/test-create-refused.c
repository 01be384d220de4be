/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "unit/planner-create.h"

static const struct refused {
    const char *disks;
    struct asked asked;
    enum offshot_error code;
    const char *fragment;
} refused[] = {
    /* names */
    {TWO, {.name = "a/b"}, OFFSHOT_ERROR_USAGE, "a/b"},
    {TWO, {.name = ".a"}, OFFSHOT_ERROR_USAGE, ".a"},
    {TWO, {.name = "-a"}, OFFSHOT_ERROR_USAGE, "-a"},
    {TWO, {.name = ""}, OFFSHOT_ERROR_USAGE, "name"},
    {TWO, {.name = "a\nb"}, OFFSHOT_ERROR_USAGE, "control"},
    {TWO, {.name = "\xff"}, OFFSHOT_ERROR_USAGE, "UTF-8"},
    {TWO, {.name = "taken"}, OFFSHOT_ERROR_REFUSED, "choose another name"},
    /* which disks */
    {TWO, {.name = "s1", .disk_specs = {"vdc"}}, OFFSHOT_ERROR_NOT_FOUND, "vdc"},
    {TWO, {.name = "s1", .disk_specs = {"vda", "vda"}}, OFFSHOT_ERROR_USAGE, "vda"},
    {TWO,
     {.name = "s1", .disk_specs = {"vda,snapshot=no", "vdb,snapshot=no"}},
     OFFSHOT_ERROR_USAGE,
     "no disk is selected"},
    {"", {.name = "s1"}, OFFSHOT_ERROR_USAGE, "no disk is selected"},
    {TWO, {.name = "s1", .internal = true}, OFFSHOT_ERROR_REFUSED, "use --disk-only"},
    {TWO,
     {.name = "s1", .disk_specs = {"vdb,snapshot=internal"}},
     OFFSHOT_ERROR_REFUSED,
     "disk 'vdb' is raw, which cannot hold an internal snapshot"},
    {TWO,
     {.name = "s1", .disk_specs = {"vda,file=/d/x", "vdb,file=/d/x"}},
     OFFSHOT_ERROR_REFUSED,
     "same overlay '/d/x'"},
    {PLANNER_DISK("vda", "raw", "/d/a.1") PLANNER_DISK("vdb", "raw", "/d/a.2"),
     {.name = "s1"},
     OFFSHOT_ERROR_REFUSED,
     "same overlay '/d/a.s1'"},
    {TWO, {.name = "s1", .disk_specs = {"vda,driver=raw"}}, OFFSHOT_ERROR_USAGE, "format 'raw'"},
    {TWO, {.name = "s1", .disk_specs = {"vda,driver=nope"}}, OFFSHOT_ERROR_USAGE, "'nope'"},
    /* what the domain XML says of a disk */
    {"<disk type='network'><driver type='raw'/><source protocol='nbd' name='x'/>"
     "<target dev='vda'/></disk>",
     {.name = "s1"},
     OFFSHOT_ERROR_REFUSED,
     "type 'network'"},
    {"<disk type='volume'><driver type='raw'/><source pool='p' volume='v'/>"
     "<target dev='vda'/></disk>",
     {.name = "s1"},
     OFFSHOT_ERROR_REFUSED,
     "type 'volume'"},
    {"<disk type='dir'><driver type='fat'/><source dir='/d'/><target dev='vda'/></disk>",
     {.name = "s1"},
     OFFSHOT_ERROR_REFUSED,
     "type 'dir'"},
    {"<disk type='block' device='lun'><driver type='raw'/><source dev='/dev/x'/>"
     "<target dev='sda'/></disk>",
     {.name = "s1", .disk_specs = {"sda,file=/d/o"}},
     OFFSHOT_ERROR_REFUSED,
     "LUN"},
    {"<disk type='file'><driver type='raw'/><source file='/d/a'/><target dev='vda'/>"
     "<shareable/></disk>",
     {.name = "s1"},
     OFFSHOT_ERROR_REFUSED,
     "shareable"},
    {"<disk type='file'><driver type='qcow2'/><source file='/d/a'/><target dev='vda'/>"
     "<encryption format='luks'/></disk>",
     {.name = "s1"},
     OFFSHOT_ERROR_REFUSED,
     "encrypted"},
    {"<disk type='file'><driver type='qcow2'/><source file='/d/a'><encryption format='luks'/>"
     "</source><target dev='vda'/></disk>",
     {.name = "s1"},
     OFFSHOT_ERROR_REFUSED,
     "encrypted"},
    {"<disk type='file'><driver type='raw'/><source file='/d/a'><slices><slice type='storage' "
     "offset='0' size='512'/></slices></source><target dev='vda'/></disk>",
     {.name = "s1"},
     OFFSHOT_ERROR_REFUSED,
     "<slices>"},
    {"<disk type='file'><driver type='qcow2'/><source file='/d/a'/><backingStore type='file'>"
     "<format type='raw'/><source file='/d/b'/></backingStore><target dev='vda'/></disk>",
     {.name = "s1", .keep_filename = true},
     OFFSHOT_ERROR_REFUSED,
     "would hide the frozen image"},
    {"<disk type='block'><driver type='raw'/><source dev='/dev/x'/><target dev='vda'/></disk>",
     {.name = "s1"},
     OFFSHOT_ERROR_USAGE,
     "--diskspec vda,file=PATH"},
    /* --keep-filename */
    {TWO, {.name = "s1", .keep_filename = true}, OFFSHOT_ERROR_REFUSED, "disk 'vdb' is raw"},
    {TWO,
     {.name = "s1", .keep_filename = true, .disk_specs = {"vda,file=/d/x", "vdb,snapshot=no"}},
     OFFSHOT_ERROR_REFUSED,
     "is given a file"},
    {"<disk type='block'><driver type='qcow2'/><source dev='/dev/x'/><target dev='vda'/></disk>",
     {.name = "s1", .keep_filename = true},
     OFFSHOT_ERROR_REFUSED,
     "is a block device"},
    /* options */
    {TWO,
     {.name = "s1", .overlay_options = "backing_file=x"},
     OFFSHOT_ERROR_REFUSED,
     "backing_file"},
};

START_TEST(request_is_refused_with_its_code)
{
    const struct refused *wanted = &refused[_i];
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;

    planner_init(&planner, wanted->disks);
    planner_give_images(&planner);
    planner_store(&planner, "taken", NULL, "shutoff", true, "");
    planner_link(&planner);
    plan = plan_asked(&wanted->asked, &def, &error);
    ck_assert_msg(plan == NULL, "planned, but should say: %s", wanted->fragment);
    unit_assert_error(error, wanted->code, wanted->fragment);
}
END_TEST

START_TEST(chain_that_is_said_to_be_another_is_refused)
{
    static const struct asked asked[] = {{.name = "s1"},
                                         {.name = "s1", .disk_specs = {"vda,snapshot=internal"}}};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;

    planner_init(&planner, PLANNER_DISK("vda", "qcow2", "/d/a"));
    planner_give_images(&planner);
    planner_link(&planner);
    planner_disk(&planner, "vda")->overruled = true;
    plan = plan_asked(&asked[_i], &def, &error);
    ck_assert_ptr_null(plan);
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "disk 'vda' has a <backingStore>");
}
END_TEST

START_TEST(names_that_become_too_long_are_refused)
{
    static const struct asked plain = {.name = "s1"};
    static const struct asked keep = {.name = "s1", .keep_filename = true};
    const struct asked *asked = _i == 0 ? &plain : &keep;
    g_autofree char *stem = g_strnfill(252, 'x');
    g_autofree char *disk = g_strdup_printf("<disk type='file'><driver type='qcow2'/><source "
                                            "file='/d/%s%s'/><target dev='vda'/></disk>",
                                            stem, _i == 0 ? "" : ".a");
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;

    planner_init(&planner, disk);
    planner_give_images(&planner);
    plan = plan_asked(asked, &def, &error);
    if (_i == 0) {
        /* 252 bytes and ".s1" are 255: just short enough */
        unit_assert_ok(plan != NULL, error);
        return;
    }
    ck_assert_ptr_null(plan);
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "longer than 255 bytes");
}
END_TEST

START_TEST(symbolic_links_are_refused_where_a_name_would_pass)
{
    static const struct asked keep = {.name = "s1", .keep_filename = true};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;

    planner_init(&planner, PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"));
    planner_give_images(&planner);
    if (_i == 0)
        ((struct image *)g_ptr_array_index(planner.images, 0))->symlink = true;
    else
        planner.state.domain_is_symlink = true;
    ck_assert_ptr_null(plan_asked(&keep, &def, &error));
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "symbolic link");
}
END_TEST

START_TEST(domain_of_several_names_is_not_rewritten)
{
    static const struct asked asked[] = {{.name = "s1"},
                                         {.name = "s1", .keep_filename = true},
                                         {.name = "s1", .internal = true}};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;

    planner_init(&planner, PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"));
    planner_give_images(&planner);
    planner.state.domain_links = 2;
    plan = plan_asked(&asked[_i], &def, &error);
    if (_i > 0) {
        unit_assert_ok(plan != NULL, error);
        return;
    }
    ck_assert_ptr_null(plan);
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "'/d/vm.xml' has further names (hard links)");
}
END_TEST

START_TEST(relative_link_starts_where_the_directory_really_is)
{
    static const struct asked asked = {.name = "s1",
                                       .backing_path = BACKING_PATH_RELATIVE,
                                       .disk_specs = {"vda,file=/l/o", "vdb,snapshot=no"}};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;

    planner_init(&planner, TWO);
    planner_give_images(&planner);
    g_hash_table_insert(planner.state.directories, g_strdup("/l"), g_strdup("/e/f/g"));
    plan = plan_asked(&asked, &def, &error);
    unit_assert_ok(plan != NULL, error);
    ck_assert_str_eq(((struct step *)g_ptr_array_index(plan->prepare, 0))->overlay.backing,
                     "../../../d/a.qcow2");
}
END_TEST

START_TEST(fault_of_an_image_counts_only_for_its_disk)
{
    static const struct asked both = {.name = "s1"};
    static const struct asked without = {.name = "s1", .disk_specs = {"vdb,snapshot=no"}};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(snapshot_def) def_without = NULL;
    scoped(plan) plan = NULL;
    struct state_disk *disk;

    planner_init(&planner, TWO);
    planner_give_images(&planner);
    disk = planner_disk(&planner, "vdb");
    disk->image = NULL;
    g_set_error(&disk->error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT, "the base is missing");
    ck_assert_ptr_null(plan_asked(&both, &def, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, "disk 'vdb': the base is missing");
    plan = plan_asked(&without, &def_without, &error);
    unit_assert_ok(plan != NULL, error);
}
END_TEST

/* Images of vda and vdb that have to do with each other. */
static const struct shared {
    const char *mine; /* which image vda has: "base", "a" or "b" (both on base) */
    const char *other;
    bool readonly;        /* vdb */
    const char *fragment; /* NULL: planned */
} shared[] = {
    {"a", "a", false, "have the same image"},
    {"a", "a", true, "have the same image"},
    {"a", "b", false, NULL},
    {"base", "a", false, "share a backing chain"},
    {"base", "a", true, "share a backing chain"},
    {"a", "base", false, "share a backing chain"},
    {"a", "base", true, NULL},
};

START_TEST(disk_must_not_write_what_another_depends_on)
{
    const struct shared *case_ = &shared[_i];
    static const struct asked asked = {.name = "s1", .disk_specs = {"vda", "vdb,snapshot=no"}};
    g_autofree char *disks = g_strdup_printf(
        "<disk type='file'><driver type='qcow2'/><source file='/d/x'/><target dev='vda'/></disk>"
        "<disk type='file'><driver type='qcow2'/><source file='/d/y'/><target dev='vdb'/>%s</disk>",
        case_->readonly ? "<readonly/>" : "");
    g_autoptr(GError) error = NULL;
    g_autoptr(GHashTable) images = g_hash_table_new(g_str_hash, g_str_equal);
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    struct image *base;

    planner_init(&planner, disks);
    base = planner_image(&planner, "/d/base", "qcow2", NULL);
    g_hash_table_insert(images, (char *)"base", base);
    g_hash_table_insert(images, (char *)"a", planner_image(&planner, "/d/a", "qcow2", base));
    g_hash_table_insert(images, (char *)"b", planner_image(&planner, "/d/b", "qcow2", base));
    planner_disk(&planner, "vda")->image = g_hash_table_lookup(images, case_->mine);
    planner_disk(&planner, "vdb")->image = g_hash_table_lookup(images, case_->other);
    plan = plan_asked(&asked, &def, &error);
    if (!case_->fragment) {
        unit_assert_ok(plan != NULL, error);
        return;
    }
    ck_assert_ptr_null(plan);
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, case_->fragment);
}
END_TEST

START_TEST(chain_grows_to_200_and_not_beyond)
{
    static const struct asked asked = {.name = "s1"};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    struct image *image = NULL;

    planner_init(&planner, PLANNER_DISK("vda", "qcow2", "/d/top"));
    for (int i = 0; i < 199 + _i; i++)
        image = planner_image(&planner, "/d/layer", "qcow2", image);
    planner_disk(&planner, "vda")->image = image;
    plan = plan_asked(&asked, &def, &error);
    if (_i == 0) {
        unit_assert_ok(plan != NULL, error);
        return;
    }
    ck_assert_ptr_null(plan);
    unit_assert_error(error, OFFSHOT_ERROR_REFUSED, "chain of 200 images");
}
END_TEST

/* Overlays that the user made. */
static const struct reused {
    const char *backing; /* NULL: none */
    uint64_t size;
    const char *fragment; /* NULL: planned */
} reused[] = {
    {"mine", 1024 * 1024, NULL},
    {"mine", 2 * 1024 * 1024, NULL},
    {"mine", 512, "smaller than it"},
    {"other", 1024 * 1024, "is no overlay of '/d/a.qcow2'"},
    {NULL, 1024 * 1024, "is no overlay of '/d/a.qcow2'"},
};

START_TEST(overlay_of_the_user_must_be_one_of_this_image)
{
    const struct reused *case_ = &reused[_i];
    static const struct asked asked = {.name = "s1",
                                       .reuse_external = true,
                                       .disk_specs = {"vda,file=/d/o"}};
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;
    g_autofree char *steps = NULL;
    g_autofree char *checks = NULL;
    struct image *mine;
    struct image *other;
    struct image *overlay;

    planner_init(&planner, PLANNER_DISK("vda", "qcow2", "/d/a.qcow2"));
    planner_give_images(&planner);
    mine = g_ptr_array_index(planner.images, 0);
    other = planner_image(&planner, "/d/other", "qcow2", NULL);
    overlay =
        planner_image(&planner, "/d/o", "qcow2",
                      case_->backing ? (strcmp(case_->backing, "mine") == 0 ? mine : other) : NULL);
    overlay->size = case_->size;
    g_hash_table_insert(planner.state.overlays, g_strdup("/d/o"), overlay);
    plan = plan_asked(&asked, &def, &error);
    if (case_->fragment) {
        ck_assert_ptr_null(plan);
        unit_assert_error(error, OFFSHOT_ERROR_REFUSED, case_->fragment);
        return;
    }
    unit_assert_ok(plan != NULL, error);
    steps = planner_steps(plan);
    checks = planner_checks(plan);
    ck_assert_ptr_null(strstr(steps, "create-overlay"));
    ck_assert_ptr_null(strstr(steps, "/d/o"));
    ck_assert_ptr_nonnull(strstr(checks, "lock /d/a.qcow2\nlock /d/o\n"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("create-refused");
    TCase *cases = tcase_create("create-refused");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, create_setup, create_teardown);
    tcase_add_loop_test(cases, request_is_refused_with_its_code, 0, G_N_ELEMENTS(refused));
    tcase_add_loop_test(cases, chain_that_is_said_to_be_another_is_refused, 0, 2);
    tcase_add_loop_test(cases, names_that_become_too_long_are_refused, 0, 2);
    tcase_add_loop_test(cases, symbolic_links_are_refused_where_a_name_would_pass, 0, 2);
    tcase_add_loop_test(cases, domain_of_several_names_is_not_rewritten, 0, 3);
    tcase_add_test(cases, relative_link_starts_where_the_directory_really_is);
    tcase_add_test(cases, fault_of_an_image_counts_only_for_its_disk);
    tcase_add_loop_test(cases, disk_must_not_write_what_another_depends_on, 0,
                        G_N_ELEMENTS(shared));
    tcase_add_loop_test(cases, chain_grows_to_200_and_not_beyond, 0, 2);
    tcase_add_loop_test(cases, overlay_of_the_user_must_be_one_of_this_image, 0,
                        G_N_ELEMENTS(reused));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
