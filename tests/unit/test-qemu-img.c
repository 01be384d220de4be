/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "image/backing.h"
#include "image/format.h"
#include "image/overlay-options.h"
#include "image/qemu-img.h"
#include "unit/scratch.h"
#include "unit/unit.h"
#include "util/child.h"
#include "util/error.h"

START_TEST(create_gives_everything_and_opens_nothing)
{
    const struct overlay_spec spec = {
        .path = "/d/a,b.s1",
        .format = "qcow2",
        .backing = "a,b.qcow2",
        .backing_format = "raw",
        .size = UINT64_MAX,
        .options = "cluster_size=4096",
    };
    g_auto(GStrv) argv = qemu_img_create_argv(&spec, NULL);
    g_autofree char *line = g_strjoinv("|", argv);

    ck_assert_str_eq(line, "qemu-img|create|-q|-u|-f|qcow2|-F|raw|-b|a,b.qcow2|"
                           "-o|cluster_size=4096|--|/d/a,b.s1|18446744073709551615");
}
END_TEST

START_TEST(create_leaves_out_empty_options)
{
    struct overlay_spec spec = {"/d/x", "qed", "y", "qed", 512, NULL};
    g_auto(GStrv) without = qemu_img_create_argv(&spec, NULL);
    g_auto(GStrv) empty = NULL;

    spec.options = "";
    empty = qemu_img_create_argv(&spec, NULL);
    ck_assert(!g_strv_contains((const char *const *)without, "-o"));
    ck_assert(g_strv_equal((const char *const *)without, (const char *const *)empty));
}
END_TEST

START_TEST(info_forces_the_format_and_ignores_locks)
{
    g_auto(GStrv) argv = qemu_img_info_argv("/d/-x", "vdi", NULL);
    g_autofree char *line = g_strjoinv("|", argv);

    ck_assert_str_eq(line, "qemu-img|info|-U|--output=json|-f|vdi|--|/d/-x");
}
END_TEST

/* What a builder made of /d/a,b "c and its fellows. */
static void
assert_argv(char **argv, const char *expected)
{
    g_autofree char *line = g_strjoinv("|", argv);

    ck_assert_str_eq(line, expected);
    g_strfreev(argv);
}

static const struct qemu_img_target file_target = {"/d/a,b \"c", "qcow2", false, NULL};
static const struct qemu_img_target device_target = {"/dev/x", "qcow2", true, NULL};

START_TEST(snapshots_and_repairs_open_the_image_alone)
{
    assert_argv(qemu_img_snapshot_argv(&file_target, 'c', "-t", NULL),
                "qemu-img|snapshot|-q|-c|-t|--|json:{\"driver\":\"qcow2\",\"file\":{\"driver\":"
                "\"file\",\"filename\":\"/d/a,b \\\"c\",\"locking\":\"off\"},\"backing\":null}");
    assert_argv(qemu_img_snapshot_argv(&device_target, 'd', "t,\377", NULL),
                "qemu-img|snapshot|-q|-d|t,\377|--|json:{\"driver\":\"qcow2\",\"file\":{"
                "\"driver\":\"host_device\",\"filename\":\"/dev/x\",\"locking\":\"off\"},"
                "\"backing\":null}");
    assert_argv(qemu_img_repair_argv(&device_target, NULL),
                "qemu-img|check|-q|-r|all|--|json:{\"driver\":\"qcow2\",\"file\":{"
                "\"driver\":\"host_device\",\"filename\":\"/dev/x\",\"locking\":\"off\"},"
                "\"backing\":null}");
}
END_TEST

#define FILE_OPTIONS "driver=qcow2,file.driver=file,file.filename=/d/a,,b \"c,file.locking=off"

START_TEST(commits_and_rebases_double_commas_only_in_options)
{
    assert_argv(qemu_img_commit_argv(&file_target,
                                     &(struct commit_spec){.base = "/d/b,ase", .depth = 1}, NULL),
                "qemu-img|commit|-q|-d|-b|/d/b,ase|--image-opts|--|" FILE_OPTIONS
                ",backing.file.locking=off");
    assert_argv(qemu_img_commit_argv(
                    &file_target,
                    &(struct commit_spec){.base = "/d/b", .depth = 3, .progress = true}, NULL),
                "qemu-img|commit|-p|-d|-b|/d/b|--image-opts|--|" FILE_OPTIONS
                ",backing.file.locking=off,backing.backing.file.locking=off"
                ",backing.backing.backing.file.locking=off");
    assert_argv(qemu_img_rebase_argv(
                    &file_target, &(struct rebase_spec){"b,\377", "raw", NULL, true, false}, NULL),
                "qemu-img|rebase|-q|-u|-F|raw|-b|b,\377|--image-opts|--|" FILE_OPTIONS);
    assert_argv(qemu_img_rebase_argv(&file_target,
                                     &(struct rebase_spec){NULL, NULL, NULL, false, true}, NULL),
                "qemu-img|rebase|-p|-b||--image-opts|--|" FILE_OPTIONS);
}
END_TEST

START_TEST(chains_are_shared_from_a_level_on)
{
    char **argv = qemu_img_commit_argv(&file_target, &(struct commit_spec){.depth = 1}, NULL);

    qemu_img_share_below(argv, 2);
    assert_argv(argv, "qemu-img|commit|-q|-d|--image-opts|--|" FILE_OPTIONS
                      ",backing.file.locking=off,backing.backing.force-share=on");
    argv = qemu_img_rebase_argv(&file_target, &(struct rebase_spec){"b", "raw", NULL, false, false},
                                NULL);
    assert_argv(qemu_img_share_base(argv),
                "qemu-img|rebase|-q|-U|-F|raw|-b|b|--image-opts|--|" FILE_OPTIONS);
}
END_TEST

START_TEST(images_below_are_named_at_their_level)
{
    const struct qemu_img_target raw = {"/d/r,1", "raw", true, NULL};
    char **argv = qemu_img_commit_argv(&file_target, &(struct commit_spec){.depth = 1}, NULL);

    qemu_img_name_below(argv, 1, &raw);
    assert_argv(argv, "qemu-img|commit|-q|-d|--image-opts|--|" FILE_OPTIONS
                      ",backing.file.locking=off,backing.driver=raw,"
                      "backing.file.driver=host_device,backing.file.filename=/d/r,,1");
    argv = qemu_img_commit_argv(&file_target,
                                &(struct commit_spec){.base = "/d/r,1", .depth = 2, .into = &raw},
                                NULL);
    assert_argv(argv, "qemu-img|commit|-q|-d|-b|/d/r,1|--image-opts|--|" FILE_OPTIONS
                      ",backing.file.locking=off,backing.backing.file.locking=off,"
                      "backing.backing.driver=raw,backing.backing.file.driver=host_device,"
                      "backing.backing.file.filename=/d/r,,1");
}
END_TEST

/* "/d/top" on "/d/mid" on "/d/base". */
static struct image base_image = {.path = (char *)"/d/base"};
static struct image mid_image = {.path = (char *)"/d/mid", .backing = &base_image};
static struct image top_image = {.path = (char *)"/d/top", .backing = &mid_image};
static struct image other_image = {.path = (char *)"/d/other", .backing = &base_image};
static const struct qemu_img_target top_target = {"/d/top", "qcow2", false, &top_image};
static const struct qemu_img_target top_alone = {"/d/top", "qcow2", false, NULL};
static const struct qemu_img_target other_target = {"/d/other", "qcow2", false, &other_image};

static char **
create_rights(struct sandbox *sandbox)
{
    const struct overlay_spec spec = {"/d/new", "qcow2", "top", "qcow2", 512, NULL};

    return qemu_img_create_argv(&spec, sandbox);
}

static char **
info_rights(struct sandbox *sandbox)
{
    return qemu_img_info_argv("/d/top", "vdi", sandbox);
}

static char **
snapshot_rights(struct sandbox *sandbox)
{
    return qemu_img_snapshot_argv(&top_alone, 'a', "tag", sandbox);
}

static char **
repair_rights(struct sandbox *sandbox)
{
    return qemu_img_repair_argv(&top_alone, sandbox);
}

static char **
commit_rights(struct sandbox *sandbox)
{
    return qemu_img_commit_argv(&top_target, &(struct commit_spec){.depth = 1}, sandbox);
}

static char **
deep_commit_rights(struct sandbox *sandbox)
{
    return qemu_img_commit_argv(&top_target, &(struct commit_spec){.base = "/d/base", .depth = 2},
                                sandbox);
}

/* What the links lead to is another image by now, maybe: it gets no right by its path. */
static char **
commit_into_rights(struct sandbox *sandbox)
{
    const struct qemu_img_target into = {"/d/new", "qcow2", false, &mid_image};

    return qemu_img_commit_argv(&top_target, &(struct commit_spec){.depth = 1, .into = &into},
                                sandbox);
}

static char **
compare_rights(struct sandbox *sandbox)
{
    return qemu_img_compare_argv(&top_target, &other_target, sandbox);
}

static char **
rebase_rights(struct sandbox *sandbox)
{
    const struct rebase_spec spec = {.backing = "x",
                                     .backing_format = "qcow2",
                                     .base = &other_image};

    return qemu_img_rebase_argv(&top_target, &spec, sandbox);
}

static char **
relink_rights(struct sandbox *sandbox)
{
    const struct rebase_spec spec = {.backing = "/d/base", .backing_format = "raw", .unsafe = true};

    return qemu_img_rebase_argv(&top_alone, &spec, sandbox);
}

static char **
convert_rights(struct sandbox *sandbox)
{
    const struct convert_spec spec = {.source = "/d/top",
                                      .format = "qcow2",
                                      .chain = &top_image,
                                      .target = "/d/new",
                                      .target_format = "raw"};

    return qemu_img_convert_argv(&spec, sandbox);
}

static const char *const right_names[] = {"/d/top", "/d/mid", "/d/base", "/d/other", "/d/new"};

/* Of each of the names in turn: w, r, or - for nothing. */
static const struct rights {
    char **(*build)(struct sandbox *sandbox);
    const char *rights;
} rights[] = {
    {create_rights, "----w"},      {info_rights, "r----"},    {snapshot_rights, "w----"},
    {repair_rights, "w----"},      {commit_rights, "wwr--"},  {deep_commit_rights, "wrw--"},
    {commit_into_rights, "w-r-w"}, {compare_rights, "rrrr-"}, {rebase_rights, "wrrr-"},
    {relink_rights, "w----"},      {convert_rights, "rrr-w"},
};

START_TEST(each_vector_comes_with_the_files_that_it_needs)
{
    scoped(sandbox) sandbox = sandbox_new();
    g_auto(GStrv) argv = rights[_i].build(sandbox);
    g_autofree char *line = g_strjoinv(" ", argv);
    char got[G_N_ELEMENTS(right_names) + 1] = {0};

    for (size_t i = 0; i < G_N_ELEMENTS(right_names); i++)
        got[i] = sandbox_allows(sandbox, right_names[i], SANDBOX_WRITE)  ? 'w'
                 : sandbox_allows(sandbox, right_names[i], SANDBOX_READ) ? 'r'
                                                                         : '-';
    ck_assert_msg(strcmp(got, rights[_i].rights) == 0, "%s instead of %s: %s", got,
                  rights[_i].rights, line);
}
END_TEST

START_TEST(convert_names_a_tag_by_id_and_name)
{
    struct convert_spec spec = {
        .source = "/d/a,b", .format = "qcow2", .target = "/d/o", .target_format = "raw"};

    assert_argv(qemu_img_convert_argv(&spec, NULL),
                "qemu-img|convert|-q|-f|qcow2|-O|raw|--|/d/a,b|/d/o");
    spec.tag_id = "1";
    spec.tag_name = "t,1";
    spec.compress = true;
    spec.progress = true;
    assert_argv(qemu_img_convert_argv(&spec, NULL),
                "qemu-img|convert|-p|-c|-f|qcow2|-O|raw|-l|snapshot.id=1,snapshot.name=t,,1|--|"
                "/d/a,b|/d/o");
}
END_TEST

static const struct info_case {
    const char *json;
    bool good;
    struct qemu_img_info info;
} infos[] = {
    {"{\"virtual-size\": 1048576}", true, {1048576, false, false}},
    {"{\"virtual-size\": 0, \"encrypted\": true}", true, {0, false, true}},
    {"{\"virtual-size\": 1, \"encrypted\": false, \"backing-filename\": \"b\"}",
     true,
     {1, true, false}},
    {"{\"virtual-size\": 1, \"full-backing-filename\": \"b\"}", true, {1, true, false}},
    {"", false, {0}},
    {"{", false, {0}},
    {"[]", false, {0}},
    {"\"virtual-size\"", false, {0}},
    {"{}", false, {0}},
    {"{\"virtual-size\": \"1\"}", false, {0}},
    {"{\"virtual-size\": 1.5}", false, {0}},
    {"{\"virtual-size\": -1}", false, {0}},
    {"{\"virtual-size\": 18446744073709551616}", false, {0}},
    {"{\"virtual-size\": 1} trailing", false, {0}},
};

START_TEST(info_is_parsed_strictly)
{
    const struct info_case *one = &infos[_i];
    struct qemu_img_info info;
    g_autoptr(GError) error = NULL;

    ck_assert_int_eq(qemu_img_info_parse(&info, one->json, strlen(one->json), &error), one->good);
    ck_assert_uint_eq(info.virtual_size, one->info.virtual_size);
    ck_assert_int_eq(info.has_backing, one->info.has_backing);
    ck_assert_int_eq(info.encrypted, one->info.encrypted);
    if (!one->good)
        ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_FAILED));
}
END_TEST

static const char *const layout[] = {"cluster_size=65536", "extended_l2=on", NULL};

static const struct options_case {
    const char *format;
    const char *user;
    const char *joined; /* NULL: refused, with CODE */
    int code;
} options[] = {
    {"qcow2", NULL, "cluster_size=65536,extended_l2=on", 0},
    {"qcow2", "", "cluster_size=65536,extended_l2=on", 0},
    {"qcow2", "cluster_size=128k", "cluster_size=128k,extended_l2=on", 0},
    {"qcow2", "extended_l2=off,compat=1.1", "extended_l2=off,compat=1.1,cluster_size=65536", 0},
    {"qcow2", "nocow=on,preallocation=metadata",
     "nocow=on,preallocation=metadata,cluster_size=65536,extended_l2=on", 0},
    {"qed", NULL, "cluster_size=65536", 0},
    {"qed", "table_size=4", "table_size=4,cluster_size=65536", 0},
    {"qed", "extended_l2=on", NULL, OFFSHOT_ERROR_USAGE},
    {"qed", "table_size=1", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", "cluster_size", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", "cluster_size=", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", "=64k", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", ",", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", "compat=1.1,", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", "compat=1.1,compat=1.1", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", "compat=1.1,,data_file=x", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", "compat=a b", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", "Compat=1.1", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", "unknown=1", NULL, OFFSHOT_ERROR_USAGE},
    {"qcow2", "size=1G", NULL, OFFSHOT_ERROR_REFUSED},
    {"qcow2", "backing_file=/etc/passwd", NULL, OFFSHOT_ERROR_REFUSED},
    {"qcow2", "backing_fmt=raw", NULL, OFFSHOT_ERROR_REFUSED},
    {"qcow2", "data_file=x", NULL, OFFSHOT_ERROR_REFUSED},
    {"qcow2", "data_file_raw=on", NULL, OFFSHOT_ERROR_REFUSED},
    {"qcow2", "encryption=on", NULL, OFFSHOT_ERROR_REFUSED},
    {"qcow2", "encrypt.format=luks", NULL, OFFSHOT_ERROR_REFUSED},
};

START_TEST(users_options_win_and_only_harmless_ones_are_taken)
{
    const struct options_case *one = &options[_i];
    g_autoptr(GError) error = NULL;
    g_autofree char *joined = overlay_options_join(one->format, layout, one->user, &error);

    ck_assert_pstr_eq(joined, one->joined);
    if (!joined)
        ck_assert(g_error_matches(error, OFFSHOT_ERROR, one->code));
}
END_TEST

START_TEST(no_defaults_and_no_wishes_are_no_options)
{
    g_autofree char *joined = overlay_options_join("qcow2", NULL, NULL, NULL);

    ck_assert_str_eq(joined, "");
}
END_TEST

static const struct backing_case {
    const char *overlay;
    const char *base;
    const char *relative;
} backings[] = {
    {"/d/vm.s1", "/d/vm.qcow2", "vm.qcow2"},
    {"/d//vm.s1", "/d/./vm.qcow2", "vm.qcow2"},
    {"/d/e/vm.s1", "/d/vm.qcow2", "../vm.qcow2"},
    {"/d/vm.s1", "/d/e/vm.qcow2", "e/vm.qcow2"},
    {"/d/a/b/vm.s1", "/d/c/vm.qcow2", "../../c/vm.qcow2"},
    {"/a/vm.s1", "/b/vm.qcow2", "../b/vm.qcow2"},
    {"/vm.s1", "/vm.qcow2", "vm.qcow2"},
    {"/vm.s1", "/d/vm.qcow2", "d/vm.qcow2"},
    {"/d/vm.s1", "/d/nbd:host", "./nbd:host"},
    {"/d/vm.s1", "/d/:", "./:"},
    {"/d/vm.s1", "/d/json:{}", "./json:{}"},
    {"/d/vm.s1", "/d/a:b/c", "./a:b/c"},
    {"/d/vm.s1", "/d/e/a:b", "e/a:b"},
    {"/d/vm.s1", "/d/-x,y=z %s", "-x,y=z %s"},
    {"/d/../vm.s1", "/d/../base", "base"},
    {"/a/../vm.s1", "/b/base", "/b/base"},
};

START_TEST(relative_backing_leads_back_to_the_base)
{
    const struct backing_case *one = &backings[_i];
    g_autofree char *relative = backing_string(one->overlay, one->base, true, NULL);
    g_autofree char *absolute = backing_string(one->overlay, one->base, false, NULL);
    g_autofree char *reached = backing_string_resolve(one->overlay, relative, NULL);
    g_autofree char *plain = g_canonicalize_filename(reached, NULL);
    g_autofree char *expected = g_canonicalize_filename(one->base, NULL);

    ck_assert_str_eq(relative, one->relative);
    ck_assert_str_eq(absolute, one->base);
    ck_assert_str_eq(plain, expected);
}
END_TEST

START_TEST(backing_longer_than_a_header_holds_is_refused)
{
    g_autofree char *name = g_strnfill(1023, 'n');
    g_autofree char *base = g_strconcat("/", name, NULL);
    g_autofree char *fits = backing_string("/vm", base, true, NULL);
    g_autoptr(GError) error = NULL;

    ck_assert_str_eq(fits, name);
    ck_assert_ptr_null(backing_string("/vm", base, false, &error));
    ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED));
}
END_TEST

static const struct resolve_case {
    const char *path;
    const char *backing;
    const char *reached; /* NULL: refused */
} resolves[] = {
    {"/d/vm", "base", "/d/base"},
    {"/d/vm", "../base", "/d/../base"},
    {"/d/vm", "/base", "/base"},
    {"/d/vm", "./a:b", "/d/a:b"},
    {"/d/vm", ".//a:b", "/d/a:b"},
    {"/d/vm", "e/a:b", "/d/e/a:b"},
    {"/vm", "base", "/base"},
    {"/d/vm", "", NULL},
    {"/d/vm", "json:{\"driver\":\"file\"}", NULL},
    {"/d/vm", "nbd://host/x", NULL},
    {"/d/vm", "file:base", NULL},
    {"/d/vm", "fat:rw:/etc", NULL},
    {"/d/vm", ":", NULL},
};

START_TEST(only_plain_paths_are_resolved)
{
    const struct resolve_case *one = &resolves[_i];
    g_autoptr(GError) error = NULL;
    g_autofree char *reached = backing_string_resolve(one->path, one->backing, &error);

    ck_assert_pstr_eq(reached, one->reached);
    if (!reached)
        ck_assert(g_error_matches(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED));
}
END_TEST

static const struct format_case {
    const char *libvirt;
    const char *qemu; /* NULL: there is no such format */
    bool overlay;
} format_cases[] = {
    {NULL, "raw", false},   {"raw", "raw", false},   {"qcow2", "qcow2", true},
    {"qed", "qed", true},   {"qcow", "qcow", false}, {"vmdk", "vmdk", false},
    {"vhd", "vhdx", false}, {"vpc", "vpc", false},   {"ploop", "parallels", false},
    {"iso", NULL, false},   {"fat", NULL, false},    {"luks", NULL, false},
    {"vhdx", NULL, false},  {"", NULL, false},
};

START_TEST(formats_have_libvirts_and_qemus_name)
{
    const struct format_case *one = &format_cases[_i];
    const struct image_format *format = image_format_find_libvirt(one->libvirt);

    ck_assert_int_eq(format != NULL, one->qemu != NULL);
    if (!format)
        return;
    ck_assert_str_eq(format->qemu, one->qemu);
    ck_assert_int_eq(format->overlay, one->overlay);
    ck_assert_ptr_eq(image_format_find_qemu(one->qemu), format);
}
END_TEST

START_TEST(plain_file_drivers_of_old_links_are_raw)
{
    ck_assert_str_eq(image_format_find_qemu("host_device")->qemu, "raw");
    ck_assert_str_eq(image_format_find_qemu("file")->qemu, "raw");
    ck_assert_ptr_null(image_format_find_qemu("nbd"));
    ck_assert_ptr_null(image_format_find_qemu(NULL));
}
END_TEST

/* File names that qemu-img may not misread. */
static const char *const nasty_names[] = {
    "plain.s1", "a b", "a,b",      "a,,b", "a=b",    "-x",   "--help", "nbd:x",
    "json:{}",  ":",   "%s%n",     "a\"b", "a'b",    "a\nb", "~",      "$HOME",
    "\\",       "*",   "\303\244", "\377", "file:x", "#",    ";ls",    "x?",
};

START_TEST(real_overlays_get_any_name_and_backing)
{
    g_autofree char *overlay = scratch_path(nasty_names[_i]);
    g_autofree char *base_name = g_strdup_printf("base-%s", nasty_names[_i]);
    g_autofree char *nasty_base = scratch_path(base_name);
    g_autofree char *backing = backing_string(overlay, nasty_base, true, NULL);
    struct overlay_spec spec = {overlay, "qcow2", backing, "raw", 1 << 20, "cluster_size=4k"};
    g_auto(GStrv) create = qemu_img_create_argv(&spec, NULL);
    g_auto(GStrv) chain = qemu_img_info_argv(overlay, "qcow2", NULL);
    struct child made = {.argv = create};
    struct child asked = {.argv = chain};
    struct child *first[] = {&made};
    struct child *second[] = {&asked};
    struct qemu_img_info info;
    g_autoptr(GError) error = NULL;

    ck_assert(g_file_set_contents(nasty_base, "x", 1, NULL));
    ck_assert(child_run(first, 1, 1, &error) && child_run(second, 1, 1, &error));
    ck_assert_msg(child_check(&made, &error), "%s", error ? error->message : "");
    ck_assert_msg(child_check(&asked, &error), "%s", error ? error->message : "");
    ck_assert(qemu_img_info_parse(&info, asked.out->str, asked.out->len, &error));
    ck_assert_uint_eq(info.virtual_size, 1 << 20);
    ck_assert(info.has_backing);
    ck_assert(g_file_test(overlay, G_FILE_TEST_IS_REGULAR));
    child_clear(&made);
    child_clear(&asked);
}
END_TEST

/* Run ARGV, which has to succeed. */
static void
run_argv(char **argv)
{
    struct child child = {.argv = argv};
    struct child *children[] = {&child};
    g_autoptr(GError) error = NULL;

    unit_assert_ok(child_run(children, 1, 1, &error), error);
    unit_assert_ok(child_check(&child, &error), error);
    child_clear(&child);
    g_strfreev(argv);
}

/* Whether NAME holds 64 KiB of PATTERN at OFFSET. */
static void
assert_pattern(const char *path, const char *format, int pattern, int offset)
{
    g_autofree char *quoted = g_shell_quote(path);

    scratch_do("qemu-io -r -f %s -c 'read -P %d %dk 64k' -- %s | grep -q 'read 65536'", format,
               pattern, offset, quoted);
}

START_TEST(real_images_of_any_name_are_changed)
{
    g_autofree char *top = scratch_path(nasty_names[_i]);
    g_autofree char *base_name = g_strdup_printf("base-%s", nasty_names[_i]);
    g_autofree char *base = scratch_path(base_name);
    g_autofree char *middle = g_strconcat(base, "m", NULL);
    char *quoted[] = {g_shell_quote(base), g_shell_quote(middle), g_shell_quote(top)};
    struct qemu_img_target image = {top, "qcow2", false, NULL};
    bool utf8 = g_utf8_validate(top, -1, NULL);

    scratch_do("qemu-img create -q -f qcow2 -- %s 1M; qemu-io -f qcow2 -c 'write -P 1 0 64k' -- "
               "%s >/dev/null",
               quoted[0], quoted[0]);
    for (int i = 1; i < 3; i++)
        scratch_do("qemu-img create -q -f qcow2 -F qcow2 -b %s -- %s; qemu-io -f qcow2 "
                   "-c 'write -P %d %dk 64k' -- %s >/dev/null",
                   quoted[i - 1], quoted[i], i + 1, i * 64, quoted[i]);
    if (utf8)
        run_argv(qemu_img_snapshot_argv(&image, 'c', nasty_names[_i], NULL));
    if (utf8)
        run_argv(qemu_img_repair_argv(&image, NULL));
    if (utf8)
        run_argv(qemu_img_snapshot_argv(&image, 'd', nasty_names[_i], NULL));
    run_argv(qemu_img_commit_argv(&image, &(struct commit_spec){.base = base, .depth = 2}, NULL));
    assert_pattern(base, "qcow2", 3, 128);
    run_argv(qemu_img_rebase_argv(&image, &(struct rebase_spec){base, "qcow2", NULL, false, false},
                                  NULL));
    unlink(middle);
    assert_pattern(top, "qcow2", 2, 64);
    run_argv(
        qemu_img_rebase_argv(&image, &(struct rebase_spec){NULL, NULL, NULL, false, true}, NULL));
    unlink(base);
    assert_pattern(top, "qcow2", 1, 0);
    assert_pattern(top, "qcow2", 2, 64);
    for (int i = 0; i < 3; i++)
        g_clear_pointer(&quoted[i], g_free);
}
END_TEST

START_TEST(real_tags_are_copied_out)
{
    g_autofree char *source = scratch_path("a,b");
    g_autofree char *target = scratch_path("o,ut");
    struct convert_spec spec = {.source = source,
                                .format = "qcow2",
                                .tag_id = "1",
                                .tag_name = "t,1",
                                .target = target,
                                .target_format = "raw"};

    scratch_do("qemu-img create -q -f qcow2 a,b 1M; qemu-io -c 'write -P 1 0 64k' a,b >/dev/null;"
               "qemu-img snapshot -c t,1 a,b; qemu-io -c 'write -P 2 0 64k' a,b >/dev/null");
    run_argv(qemu_img_convert_argv(&spec, NULL));
    assert_pattern(target, "raw", 1, 0);
    spec.tag_name = NULL;
    run_argv(qemu_img_convert_argv(&spec, NULL));
    assert_pattern(target, "raw", 2, 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("qemu-img");
    TCase *pure = tcase_create("pure");
    TCase *real = tcase_create("real");

    tcase_add_test(pure, create_gives_everything_and_opens_nothing);
    tcase_add_test(pure, create_leaves_out_empty_options);
    tcase_add_test(pure, info_forces_the_format_and_ignores_locks);
    tcase_add_test(pure, snapshots_and_repairs_open_the_image_alone);
    tcase_add_test(pure, commits_and_rebases_double_commas_only_in_options);
    tcase_add_test(pure, images_below_are_named_at_their_level);
    tcase_add_test(pure, chains_are_shared_from_a_level_on);
    tcase_add_loop_test(pure, each_vector_comes_with_the_files_that_it_needs, 0,
                        G_N_ELEMENTS(rights));
    tcase_add_test(pure, convert_names_a_tag_by_id_and_name);
    tcase_add_loop_test(pure, info_is_parsed_strictly, 0, G_N_ELEMENTS(infos));
    tcase_add_loop_test(pure, users_options_win_and_only_harmless_ones_are_taken, 0,
                        G_N_ELEMENTS(options));
    tcase_add_test(pure, no_defaults_and_no_wishes_are_no_options);
    tcase_add_loop_test(pure, relative_backing_leads_back_to_the_base, 0, G_N_ELEMENTS(backings));
    tcase_add_test(pure, backing_longer_than_a_header_holds_is_refused);
    tcase_add_loop_test(pure, only_plain_paths_are_resolved, 0, G_N_ELEMENTS(resolves));
    tcase_add_loop_test(pure, formats_have_libvirts_and_qemus_name, 0, G_N_ELEMENTS(format_cases));
    tcase_add_test(pure, plain_file_drivers_of_old_links_are_raw);
    suite_add_tcase(suite, pure);
    tcase_add_checked_fixture(real, scratch_setup, scratch_teardown);
    if (scratch_has("qemu-img"))
        tcase_add_loop_test(real, real_overlays_get_any_name_and_backing, 0,
                            G_N_ELEMENTS(nasty_names));
    if (scratch_has("qemu-img") && scratch_has("qemu-io")) {
        tcase_set_timeout(real, 120);
        tcase_add_loop_test(real, real_images_of_any_name_are_changed, 0,
                            G_N_ELEMENTS(nasty_names));
        tcase_add_test(real, real_tags_are_copied_out);
    }
    suite_add_tcase(suite, real);
    return unit_run(suite);
}
