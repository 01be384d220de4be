/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/disk-spec.h"

#include <unistd.h>

#include "unit/unit.h"

static const struct disk {
    const char *text;
    const char *name;
    enum snapshot_location snapshot;
    enum disk_type type;
    const char *format;
    const char *source;
} disks[] = {
    {"vda", "vda", SNAPSHOT_LOCATION_DEFAULT, DISK_TYPE_FILE, NULL, NULL},
    {"vda,snapshot=no", "vda", SNAPSHOT_LOCATION_NO, DISK_TYPE_FILE, NULL, NULL},
    {"vda,snapshot=internal", "vda", SNAPSHOT_LOCATION_INTERNAL, DISK_TYPE_FILE, NULL, NULL},
    {"vda,snapshot=external", "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_FILE, NULL, NULL},
    {"vda,snapshot=manual", "vda", SNAPSHOT_LOCATION_MANUAL, DISK_TYPE_FILE, NULL, NULL},
    {"vda,driver=qcow2", "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_FILE, "qcow2", NULL},
    {"vda,file=/d/o", "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_FILE, NULL, "/d/o"},
    {"vda,file=/d/o,snapshot=no", "vda", SNAPSHOT_LOCATION_NO, DISK_TYPE_FILE, NULL, "/d/o"},
    {"vda,stype=block,file=/dev/x", "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_BLOCK, NULL,
     "/dev/x"},
    {"vda,stype=file", "vda", SNAPSHOT_LOCATION_DEFAULT, DISK_TYPE_FILE, NULL, NULL},
    {"vda,file=/d/a,,b,,,,c", "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_FILE, NULL, "/d/a,b,,c"},
    {"/d/a,,b.qcow2,snapshot=no", "/d/a,b.qcow2", SNAPSHOT_LOCATION_NO, DISK_TYPE_FILE, NULL, NULL},
    {"vda,,snapshot=no", "vda,snapshot=no", SNAPSHOT_LOCATION_DEFAULT, DISK_TYPE_FILE, NULL, NULL},
    {"vda,file=/d/a=b", "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_FILE, NULL, "/d/a=b"},
    {"vda,file=/d/two words\n", "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_FILE, NULL,
     "/d/two words\n"},
    {"vda,file=o", "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_FILE, NULL, "/o"},
    {"vda,file=-o", "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_FILE, NULL, "/-o"},
    {"vda,file=o,driver=qed,stype=file,snapshot=external", "vda", SNAPSHOT_LOCATION_EXTERNAL,
     DISK_TYPE_FILE, "qed", "/o"},
};

START_TEST(disk_is_read)
{
    const struct disk *want = &disks[_i];
    g_autoptr(GError) error = NULL;
    scoped(snapshot_disk) disk = NULL;

    ck_assert_int_eq(chdir("/"), 0);
    disk = disk_spec_parse(want->text, &error);
    unit_assert_ok(disk != NULL, error);
    ck_assert_str_eq(disk->name, want->name);
    ck_assert_int_eq(disk->snapshot, want->snapshot);
    ck_assert_int_eq(disk->type, want->type);
    ck_assert_int_eq(g_strcmp0(disk->format, want->format), 0);
    ck_assert_msg(g_strcmp0(disk->source, want->source) == 0, "%s", disk->source);
    ck_assert_int_eq(disk->has_source, want->source != NULL);
}
END_TEST

static const char *const bad_disks[] = {
    "",
    ",snapshot=no",
    "vda,",
    "vda,snapshot",
    "vda,snapshot=",
    "vda,snapshot=default",
    "vda,snapshot=maybe",
    "vda,snapshot=no,snapshot=no",
    "vda,stype=network",
    "vda,stype=dir",
    "vda,stype=",
    "vda,driver=",
    "vda,driver=qcow2,driver=qcow2",
    "vda,file=",
    "vda,file=/a,file=/b",
    "vda,file=/a\x01",
    "vda,file=/\xff",
    "vda,Snapshot=no",
    "vda,format=qcow2",
    "vda,no",
    "vda, snapshot=no",
    "vd\x02",
    "\xff",
};

START_TEST(malformed_disk_is_refused)
{
    g_autoptr(GError) error = NULL;

    ck_assert_msg(!disk_spec_parse(bad_disks[_i], &error), "accepted: %s", bad_disks[_i]);
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "--diskspec");
}
END_TEST

static const struct memory {
    const char *text;
    enum snapshot_location memory;
    const char *file;
} memories[] = {
    {"/d/m", SNAPSHOT_LOCATION_EXTERNAL, "/d/m"},
    {"m", SNAPSHOT_LOCATION_EXTERNAL, "/m"},
    {"file=/d/m", SNAPSHOT_LOCATION_EXTERNAL, "/d/m"},
    {"/d/m,snapshot=external", SNAPSHOT_LOCATION_EXTERNAL, "/d/m"},
    {"snapshot=external,file=/d/m", SNAPSHOT_LOCATION_EXTERNAL, "/d/m"},
    {"snapshot=no", SNAPSHOT_LOCATION_NO, NULL},
    {"snapshot=internal", SNAPSHOT_LOCATION_INTERNAL, NULL},
    {"/d/a,,b", SNAPSHOT_LOCATION_EXTERNAL, "/d/a,b"},
};

START_TEST(memory_is_read)
{
    const struct memory *want = &memories[_i];
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = snapshot_def_new();

    ck_assert_int_eq(chdir("/"), 0);
    unit_assert_ok(memory_spec_parse(def, want->text, &error), error);
    ck_assert_int_eq(def->memory, want->memory);
    ck_assert_int_eq(g_strcmp0(def->memory_file, want->file), 0);
}
END_TEST

static const char *const bad_memories[] = {
    "",
    ",",
    "file=",
    "/d/m,",
    "/d/m,/d/n",
    "/d/m,file=/d/n",
    "/d/m,snapshot=no",
    "/d/m,snapshot=internal",
    "snapshot=external",
    "snapshot=manual",
    "snapshot=default",
    "snapshot=",
    "/d/\x01",
    "/d/\xff",
};

START_TEST(malformed_memory_is_refused)
{
    g_autoptr(GError) error = NULL;
    scoped(snapshot_def) def = snapshot_def_new();

    ck_assert_msg(!memory_spec_parse(def, bad_memories[_i], &error), "accepted: %s",
                  bad_memories[_i]);
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "--memspec");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("disk-spec");
    TCase *cases = tcase_create("disk-spec");

    tcase_add_loop_test(cases, disk_is_read, 0, G_N_ELEMENTS(disks));
    tcase_add_loop_test(cases, malformed_disk_is_refused, 0, G_N_ELEMENTS(bad_disks));
    tcase_add_loop_test(cases, memory_is_read, 0, G_N_ELEMENTS(memories));
    tcase_add_loop_test(cases, malformed_memory_is_refused, 0, G_N_ELEMENTS(bad_memories));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
