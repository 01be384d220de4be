/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/qemu-limits.h"
#include "unit/scratch.h"
#include "unit/unit.h"
#include "util/sandbox.h"

#define GIB (UINT64_C(1) << 30)

START_TEST(each_image_is_given_memory_and_files)
{
    scoped(sandbox) sandbox = sandbox_new();
    struct child_limits before = qemu_img_limits(NULL);

    ck_assert_uint_ge(before.memory, 2 * GIB);
    ck_assert_uint_eq(before.cpu_seconds, 0);
    ck_assert_uint_eq(before.wall_seconds, 0);
    ck_assert(!before.writes_nothing);
    for (int i = 1; i <= 200; i++) {
        g_autofree char *name = g_strdup_printf("/none/%d", i);
        struct child_limits now;

        sandbox_allow(sandbox, name, SANDBOX_READ);
        sandbox_allow(sandbox, name, SANDBOX_WRITE);
        now = qemu_img_limits(sandbox);
        ck_assert_uint_ge(now.memory, before.memory + GIB / 8);
        ck_assert_uint_ge(now.files, before.files + 2);
        before = now;
    }
    ck_assert_uint_lt(before.memory, 100 * GIB);
    ck_assert_uint_lt(before.files, 1024);
}
END_TEST

static const struct length {
    const char *script;
    uint64_t bytes;
    uint64_t least, most; /* what the memory grows by */
} lengths[] = {
    {":", 0, 0, 0},
    {"truncate -s 1T file", UINT64_C(1) << 40, 2 * GIB, 8 * GIB},
    {"mkfifo file", 0, 0, 0},
    {"truncate -s 9223372036854775807 file", INT64_MAX, 16 * GIB, 64 * GIB},
};

START_TEST(a_large_file_is_given_memory_to_check_it)
{
    const struct length *length = &lengths[_i];
    g_autofree char *path = scratch_path("file");
    g_autofree char *command =
        g_strdup_printf("cd '%s'; %s 2>/dev/null", scratch_directory, length->script);
    scoped(sandbox) none = sandbox_new();
    scoped(sandbox) sandbox = sandbox_new();
    uint64_t bytes, more;

    if (system(command) != 0)
        return; /* no file system has files that large */
    sandbox_allow(none, "/none", SANDBOX_READ);
    sandbox_allow(sandbox, path, SANDBOX_READ);
    ck_assert_uint_eq(sandbox_measure(sandbox, &bytes), 1);
    ck_assert_uint_eq(bytes, length->bytes);
    more = qemu_img_limits(sandbox).memory - qemu_img_limits(none).memory;
    ck_assert_uint_ge(more, length->least);
    ck_assert_uint_le(more, length->most);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("qemu-limits");
    TCase *cases = tcase_create("qemu-limits");

    tcase_add_checked_fixture(cases, scratch_setup, scratch_teardown);
    tcase_add_test(cases, each_image_is_given_memory_and_files);
    tcase_add_loop_test(cases, a_large_file_is_given_memory_to_check_it, 0, G_N_ELEMENTS(lengths));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
