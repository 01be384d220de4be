/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/names.h"
#include "unit/unit.h"

START_TEST(every_location_is_parsed_from_its_own_name)
{
    for (int i = SNAPSHOT_LOCATION_DEFAULT; i <= SNAPSHOT_LOCATION_MANUAL; i++) {
        enum snapshot_location location = SNAPSHOT_LOCATION_DEFAULT;

        ck_assert(snapshot_location_parse(snapshot_location_format(i), &location));
        ck_assert_int_eq(location, i);
    }
}
END_TEST

START_TEST(every_disk_type_but_other_is_parsed_from_its_own_name)
{
    for (int i = DISK_TYPE_FILE; i < DISK_TYPE_OTHER; i++) {
        enum disk_type type = DISK_TYPE_OTHER;

        ck_assert(disk_type_parse(disk_type_format(i), &type));
        ck_assert_int_eq(type, i);
    }
}
END_TEST

START_TEST(every_device_is_parsed_from_its_own_name)
{
    for (int i = DISK_DEVICE_DISK; i <= DISK_DEVICE_LUN; i++) {
        enum disk_device device = DISK_DEVICE_DISK;

        ck_assert(disk_device_parse(disk_device_format(i), &device));
        ck_assert_int_eq(device, i);
    }
}
END_TEST

START_TEST(a_name_that_is_none_leaves_the_result_alone)
{
    static const char *const names[] = {"", "External", "external ", "other", "x", NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        enum snapshot_location location = SNAPSHOT_LOCATION_MANUAL;
        enum disk_type type = DISK_TYPE_VOLUME;
        enum disk_device device = DISK_DEVICE_LUN;

        ck_assert(!snapshot_location_parse(names[i], &location));
        ck_assert(!disk_type_parse(names[i], &type));
        ck_assert(!disk_device_parse(names[i], &device));
        ck_assert_int_eq(location, SNAPSHOT_LOCATION_MANUAL);
        ck_assert_int_eq(type, DISK_TYPE_VOLUME);
        ck_assert_int_eq(device, DISK_DEVICE_LUN);
    }
}
END_TEST

START_TEST(only_file_block_and_dir_have_a_path)
{
    ck_assert_str_eq(disk_type_source_attribute(DISK_TYPE_FILE), "file");
    ck_assert_str_eq(disk_type_source_attribute(DISK_TYPE_BLOCK), "dev");
    ck_assert_str_eq(disk_type_source_attribute(DISK_TYPE_DIR), "dir");
    for (int i = DISK_TYPE_NETWORK; i <= DISK_TYPE_OTHER; i++)
        ck_assert_ptr_null(disk_type_source_attribute(i));
}
END_TEST

START_TEST(text_of_xml_is_utf8_without_control_characters)
{
    static const struct {
        const char *text;
        bool expected;
    } cases[] = {
        {"", true},
        {"tab\tnewline\nreturn\r", true},
        {"größe 磁盘 \xf0\x9f\x92\xbe", true},
        {"\x7f", true},
        {"\x01", false},
        {"\x1f", false},
        {"\x1b[31m", false},
        {"\xff", false},
        {"\xc0\xaf", false},
        {"\xed\xa0\x80", false},     /* a surrogate */
        {"\xef\xbf\xbe", false},     /* U+FFFE */
        {"\xef\xbf\xbf", false},     /* U+FFFF */
        {"\xef\xbf\xbd", true},      /* U+FFFD */
        {"\xf4\x90\x80\x80", false}, /* beyond Unicode */
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        ck_assert_msg(text_is_xml(cases[i].text) == cases[i].expected, "case %zu", i);
}
END_TEST

START_TEST(names_of_snapshots_keep_to_the_rules)
{
    g_autofree char *longest = g_strnfill(247, 'x');
    g_autofree char *too_long = g_strnfill(248, 'x');
    const struct {
        const char *name;
        const char *rule; /* NULL: allowed */
    } cases[] = {
        {"s1", NULL},
        {"20260101-120000", NULL},
        {"before upgrade, \"maybe\": 100% 'done'", NULL},
        {"größe 磁盘 \xf0\x9f\x92\xbe", NULL},
        {" ", NULL},
        {"a.b-c", NULL},
        {longest, NULL},
        {"", "must not be empty"},
        {too_long, "must not be longer than 247 bytes"},
        {"a/b", "must not contain '/'"},
        {"/", "must not contain '/'"},
        {".hidden", "must not begin with '.' or '-'"},
        {"..", "must not begin with '.' or '-'"},
        {"-v", "must not begin with '.' or '-'"},
        {"a\nb", "must not contain control characters"},
        {"a\tb", "must not contain control characters"},
        {"\x1b[31m", "must not contain control characters"},
        {"\x7f", "must not contain control characters"},
        {"\xc2\x85", "must not contain control characters"},
        {"\xef\xbf\xbf", "must not contain control characters"},
        {"caf\xe9", "must be valid UTF-8"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        GError *error = NULL;
        bool allowed = snapshot_name_check(cases[i].name, &error);

        ck_assert_msg(allowed == !cases[i].rule, "case %zu", i);
        if (!cases[i].rule)
            continue;
        ck_assert(g_utf8_validate(error->message, -1, NULL));
        ck_assert_ptr_null(strchr(error->message, '\n'));
        ck_assert_ptr_null(strchr(error->message, '\x1b'));
        unit_assert_error(error, OFFSHOT_ERROR_USAGE, cases[i].rule);
    }
}
END_TEST

UNIT_MAIN("names", every_location_is_parsed_from_its_own_name,
          every_disk_type_but_other_is_parsed_from_its_own_name,
          every_device_is_parsed_from_its_own_name, a_name_that_is_none_leaves_the_result_alone,
          only_file_block_and_dir_have_a_path, text_of_xml_is_utf8_without_control_characters,
          names_of_snapshots_keep_to_the_rules)
