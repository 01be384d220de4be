/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "image/tags.h"
#include "unit/scratch.h"
#include "unit/unit.h"
#include "util/error.h"
#include "util/scope.h"

#define IMAGE "a.qcow2"

static int
image_fd(int flags)
{
    g_autofree char *path = scratch_path(IMAGE);
    int fd = open(path, flags | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    return fd;
}

static GPtrArray *
read_tags(void)
{
    scoped_fd fd = image_fd(O_RDONLY);
    g_autoptr(GError) error = NULL;
    GPtrArray *tags = image_tags_read(fd, IMAGE, &error);

    ck_assert_msg(tags != NULL, "%s", error ? error->message : "");
    return tags;
}

static void
read_bad(const char *fragment)
{
    scoped_fd fd = image_fd(O_RDONLY);
    g_autoptr(GError) error = NULL;

    ck_assert_ptr_null(image_tags_read(fd, IMAGE, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, fragment);
}

/* Write VALUE, WIDTH bytes and big-endian, at OFFSET of the image. */
static void
poke(off_t offset, unsigned width, uint64_t value)
{
    scoped_fd fd = image_fd(O_WRONLY);
    uint8_t bytes[8];

    for (unsigned i = 0; i < width; i++)
        bytes[width - 1 - i] = (uint8_t)(value >> 8 * i);
    ck_assert_int_eq(pwrite(fd, bytes, width, offset), (ssize_t)width);
}

static off_t
table_offset(void)
{
    size_t got;
    g_autofree uint8_t *header = scratch_read(IMAGE, 72, &got);
    off_t offset = 0;

    ck_assert_uint_eq(got, 72);
    for (int i = 64; i < 72; i++)
        offset = offset << 8 | header[i];
    return offset;
}

static bool
is_active(const char *name)
{
    g_autoptr(GPtrArray) tags = read_tags();
    const struct image_tag *tag = image_tags_find(tags, name);
    scoped_fd fd = image_fd(O_RDONLY);
    g_autoptr(GError) error = NULL;
    bool active = false;

    ck_assert_ptr_nonnull(tag);
    unit_assert_ok(image_tag_is_active(fd, IMAGE, tag, &active, &error), error);
    return active;
}

static const char *const layouts[] = {"compat=1.1", "compat=0.10", "compat=1.1,cluster_size=512",
                                      "compat=1.1,extended_l2=on"};

START_TEST(tags_are_read_in_the_order_of_the_table)
{
    g_autoptr(GPtrArray) none = NULL;
    g_autoptr(GPtrArray) tags = NULL;
    const struct image_tag *second;

    scratch_do("qemu-img create -q -f qcow2 -o %s " IMAGE " 64M", layouts[_i]);
    none = read_tags();
    ck_assert_uint_eq(none->len, 0);
    scratch_do("for t in one two three; do qemu-img snapshot -c $t " IMAGE "; done;"
               "qemu-img snapshot -d one " IMAGE);
    tags = read_tags();
    ck_assert_uint_eq(tags->len, 2);
    second = tags->pdata[1];
    ck_assert_str_eq(((struct image_tag *)tags->pdata[0])->name, "two");
    ck_assert_str_eq(((struct image_tag *)tags->pdata[0])->id, "2");
    ck_assert_str_eq(second->name, "three");
    ck_assert_str_eq(second->id, "3");
    ck_assert_uint_eq(second->size, 64 << 20);
    ck_assert_uint_eq(second->vm_state_size, 0);
    ck_assert_int_ge(second->date, 1600000000);
    ck_assert_uint_gt(second->l1_offset, 0);
    ck_assert_uint_gt(second->l1_entries, 0);
    ck_assert_ptr_null(image_tags_find(tags, "one"));
    ck_assert_ptr_eq(image_tags_find(tags, "three"), second);
}
END_TEST

/* As the shell's printf writes them. */
static const char *const names[] = {"a b",    "\\t",   "a\\nb",   "\\377\\376x", "\\303\\244", "",
                                    "--help", "json:", "a,b=c%%", "\"q\"",       "'"};

START_TEST(names_of_any_bytes_are_exact)
{
    g_autofree char *script = g_strdup_printf("printf -- '%s'", names[_i]);
    g_autofree char *name = NULL;
    g_autoptr(GPtrArray) tags = NULL;

    if (strcmp(names[_i], "'") == 0) {
        g_free(script);
        script = g_strdup("printf \"'\"");
    }
    name = scratch_run(script);
    scratch_do("qemu-img create -q -f qcow2 " IMAGE " 1M; qemu-img snapshot -c \"$(%s)\" " IMAGE,
               script);
    tags = read_tags();
    ck_assert_uint_eq(tags->len, 1);
    ck_assert_str_eq(((struct image_tag *)tags->pdata[0])->name, name);
    ck_assert_uint_eq(image_tags_count(tags, name), 1);
    ck_assert_str_eq(image_tags_selector(tags, tags->pdata[0], 'd'), name);
    ck_assert_str_eq(image_tags_selector(tags, tags->pdata[0], 'a'), name);
}
END_TEST

START_TEST(a_table_longer_than_the_first_read_is_read)
{
    g_autofree char *name = g_strnfill(255, 'n');
    g_autoptr(GPtrArray) tags = NULL;

    scratch_do("qemu-img create -q -f qcow2 -o cluster_size=64k " IMAGE " 1M;"
               "i=0; while [ $i -lt 250 ]; do qemu-img snapshot -c %s " IMAGE "; i=$((i+1)); done",
               name);
    tags = read_tags();
    ck_assert_uint_eq(tags->len, 250);
    ck_assert_uint_eq(image_tags_count(tags, name), 250);
    ck_assert_str_eq(((struct image_tag *)tags->pdata[249])->id, "250");
    ck_assert_ptr_null(image_tags_selector(tags, tags->pdata[0], 'd'));
    ck_assert_str_eq(image_tags_selector(tags, tags->pdata[249], 'a'), "250");
}
END_TEST

/* Tags as ID and name; which words mean the tag MEANT. */
static const struct selector_case {
    const char *tags[3][2];
    unsigned meant;
    const char *apply;
    const char *delete;
} selectors[] = {
    {{{"1", "a"}, {"2", "b"}}, 1, "b", "b"},   {{{"1", "1"}, {"2", "2"}}, 1, "2", "2"},
    {{{"1", "2"}, {"2", "1"}}, 0, NULL, NULL}, {{{"1", "2"}, {"2", "b"}}, 0, "1", NULL},
    {{{"1", "2"}, {"2", "b"}}, 1, "b", "b"},   {{{"1", "b"}, {"2", "1"}}, 1, "2", NULL},
    {{{"1", "a"}, {"2", "a"}}, 0, "1", NULL},  {{{"1", "a"}, {"1", "a"}}, 0, NULL, NULL},
    {{{"1", ""}, {"2", "b"}}, 0, "", ""},
};

START_TEST(a_selector_means_one_tag_only)
{
    const struct selector_case *one = &selectors[_i];
    g_autoptr(GPtrArray) tags = g_ptr_array_new();
    struct image_tag made[G_N_ELEMENTS(one->tags)] = {0};

    for (unsigned i = 0; one->tags[i][0]; i++) {
        made[i].id = (char *)one->tags[i][0];
        made[i].name = (char *)one->tags[i][1];
        g_ptr_array_add(tags, &made[i]);
    }
    ck_assert_pstr_eq(image_tags_selector(tags, tags->pdata[one->meant], 'a'), one->apply);
    ck_assert_pstr_eq(image_tags_selector(tags, tags->pdata[one->meant], 'd'), one->delete);
}
END_TEST

START_TEST(selectors_mean_the_same_to_qemu_img)
{
    g_autoptr(GPtrArray) tags = NULL;
    g_autoptr(GPtrArray) left = NULL;

    /* (ID 1, "2"), (ID 2, "b"), (ID 3, "c") */
    scratch_do("qemu-img create -q -f qcow2 " IMAGE " 1M;"
               "for t in 2 b c; do qemu-io -c 'write -P '${#t}' 0 64k' " IMAGE " >/dev/null;"
               "qemu-img snapshot -c $t " IMAGE "; done;"
               "qemu-io -c 'write -P 9 0 64k' " IMAGE " >/dev/null");
    tags = read_tags();
    scratch_do("qemu-img snapshot -a '%s' " IMAGE,
               image_tags_selector(tags, image_tags_find(tags, "2"), 'a'));
    ck_assert(is_active("2"));
    ck_assert(!is_active("b"));
    scratch_do("qemu-img snapshot -d '%s' " IMAGE,
               image_tags_selector(tags, image_tags_find(tags, "b"), 'd'));
    left = read_tags();
    ck_assert_uint_eq(left->len, 2);
    ck_assert_ptr_null(image_tags_find(left, "b"));
}
END_TEST

START_TEST(active_is_the_tag_nothing_was_written_since)
{
    scratch_do("qemu-img create -q -f qcow2 -o %s " IMAGE " 64M;"
               "qemu-io -c 'write -P 1 0 1M' " IMAGE " >/dev/null;"
               "qemu-img snapshot -c one " IMAGE,
               layouts[_i]);
    ck_assert(is_active("one"));
    scratch_do("qemu-io -c 'write -P 1 0 64k' " IMAGE " >/dev/null");
    ck_assert(!is_active("one"));
    scratch_do("qemu-img snapshot -c two " IMAGE);
    ck_assert(!is_active("one"));
    ck_assert(is_active("two"));
    scratch_do("qemu-img snapshot -a one " IMAGE);
    ck_assert(is_active("one"));
    ck_assert(!is_active("two"));
    scratch_do("qemu-img snapshot -d two " IMAGE);
    ck_assert(is_active("one"));
    /* where nothing was before */
    scratch_do("qemu-io -c 'write -P 1 32M 64k' " IMAGE " >/dev/null");
    ck_assert(!is_active("one"));
}
END_TEST

START_TEST(a_resized_image_is_not_the_tag)
{
    scratch_do("qemu-img create -q -f qcow2 -o cluster_size=512 " IMAGE " 1M;"
               "qemu-img snapshot -c one " IMAGE "; qemu-img resize -q " IMAGE " 64M");
    ck_assert(!is_active("one"));
    scratch_do("qemu-img snapshot -a one " IMAGE);
    ck_assert(is_active("one"));
}
END_TEST

/* A field of the image or of its snapshot table set to VALUE. */
static const struct damage {
    bool table; /* OFFSET counts from the table */
    off_t offset;
    unsigned width;
    uint64_t value;
    const char *fragment;
} damages[] = {
    {false, 0, 4, 0, "not a qcow2 image"},
    {false, 4, 4, 4, "not a qcow2 image"},
    {false, 20, 4, 40, "not a qcow2 image"},
    {false, 60, 4, 65537, "65537 snapshots"},
    {false, 60, 4, UINT32_MAX, "4294967295 snapshots"},
    {false, 60, 4, 65536, "cut short"},
    {false, 64, 8, 1, "snapshot table outside"},
    {false, 64, 8, UINT64_C(1) << 40, "snapshot table outside"},
    {false, 64, 8, UINT64_MAX & ~UINT64_C(65535), "snapshot table outside"},
    {true, 36, 4, 1025, "overlong"},
    {true, 36, 4, UINT32_MAX, "overlong"},
    {true, 12, 4, UINT32_MAX, "cut short"},
    {true, 0, 8, 1, "L1 table"},
    {true, 0, 8, UINT64_C(1) << 40, "L1 table"},
    {true, 0, 8, UINT64_MAX & ~UINT64_C(65535), "L1 table"},
    {true, 8, 4, UINT32_MAX, "L1 table"},
    {true, 8, 4, 4 * 1024 * 1024, "L1 table"},
};

START_TEST(damaged_tables_are_told)
{
    const struct damage *damage = &damages[_i];

    scratch_do("qemu-img create -q -f qcow2 " IMAGE " 1M; qemu-img snapshot -c one " IMAGE);
    poke(damage->offset + (damage->table ? table_offset() : 0), damage->width, damage->value);
    read_bad(damage->fragment);
}
END_TEST

START_TEST(a_file_cut_anywhere_is_read_within_its_bounds)
{
    scratch_do("qemu-img create -q -f qcow2 -o cluster_size=512 " IMAGE " 64k;"
               "qemu-img snapshot -c one " IMAGE "; qemu-img snapshot -c two " IMAGE);
    for (off_t length = table_offset() + 200; length >= 0; length -= 7) {
        scoped_fd fd = image_fd(O_RDWR);
        g_autoptr(GPtrArray) tags = NULL;

        ck_assert_int_eq(ftruncate(fd, length), 0);
        tags = image_tags_read(fd, IMAGE, NULL);
        ck_assert(!tags || tags->len == 2);
    }
    read_bad("not a qcow2 image");
}
END_TEST

START_TEST(entries_without_extra_data_are_those_of_old_images)
{
    uint8_t table[44] = {0};
    g_autoptr(GPtrArray) tags = NULL;
    const struct image_tag *tag;
    bool cut;

    table[13] = 1;
    table[15] = 2;
    table[35] = 7; /* the 32-bit size of the memory */
    memcpy(table + 40, "1ab", 3);
    tags = image_tags_parse(table, 43, 1, &cut, NULL);
    ck_assert_ptr_nonnull(tags);
    tag = tags->pdata[0];
    ck_assert_str_eq(tag->id, "1");
    ck_assert_str_eq(tag->name, "ab");
    ck_assert_uint_eq(tag->vm_state_size, 7);
    ck_assert_uint_eq(tag->size, 0);
    ck_assert_ptr_null(image_tags_parse(table, 42, 1, &cut, NULL));
    ck_assert(cut);
    ck_assert_ptr_null(image_tags_parse(table, 44, 2, &cut, NULL));
    ck_assert(cut);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tags");
    TCase *pure = tcase_create("pure");
    TCase *real = tcase_create("real");

    tcase_add_loop_test(pure, a_selector_means_one_tag_only, 0, G_N_ELEMENTS(selectors));
    tcase_add_test(pure, entries_without_extra_data_are_those_of_old_images);
    suite_add_tcase(suite, pure);
    tcase_set_timeout(real, 120);
    tcase_add_checked_fixture(real, scratch_setup, scratch_teardown);
    if (scratch_has("qemu-img") && scratch_has("qemu-io")) {
        tcase_add_loop_test(real, tags_are_read_in_the_order_of_the_table, 0,
                            G_N_ELEMENTS(layouts));
        tcase_add_loop_test(real, names_of_any_bytes_are_exact, 0, G_N_ELEMENTS(names));
        tcase_add_test(real, a_table_longer_than_the_first_read_is_read);
        tcase_add_test(real, selectors_mean_the_same_to_qemu_img);
        tcase_add_loop_test(real, active_is_the_tag_nothing_was_written_since, 0,
                            G_N_ELEMENTS(layouts));
        tcase_add_test(real, a_resized_image_is_not_the_tag);
        tcase_add_loop_test(real, damaged_tables_are_told, 0, G_N_ELEMENTS(damages));
        tcase_add_test(real, a_file_cut_anywhere_is_read_within_its_bounds);
    }
    suite_add_tcase(suite, real);
    return unit_run(suite);
}
