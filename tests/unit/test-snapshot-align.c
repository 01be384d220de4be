/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-align.h"
#include "unit/unit.h"

/* Every kind of drive that a rule looks at. */
static const char drives[] =
    "<domain type='kvm'><name>n</name><devices>"
    "<disk><source file='/a.qcow2'/><target dev='vda'/></disk>"
    "<disk><source file='/ro'/><target dev='vdb'/><readonly/></disk>"
    "<disk snapshot='no'><source file='/no'/><target dev='vdc'/></disk>"
    "<disk snapshot='manual'><source file='/manual'/><target dev='vdd'/></disk>"
    "<disk snapshot='internal'><source file='/internal'/><target dev='vde'/><readonly/></disk>"
    "<disk device='cdrom'><source file='/cd'/><target dev='sda'/></disk>"
    "<disk device='cdrom' snapshot='external'><source file='/cdx'/><target dev='sdb'/></disk>"
    "<disk device='cdrom' snapshot='external'><target dev='sdc'/></disk>"
    "<disk device='floppy'><source file='/fl'/><target dev='fda'/></disk>"
    "<disk device='floppy'><target dev='fdb'/></disk>"
    "<disk type='network'><source protocol='nbd'/><target dev='vdn'/></disk>"
    "<disk><source file='/twice'/><target dev='vdy'/></disk>"
    "<disk><source file='/twice'/><target dev='vdz'/></disk>"
    "</devices></domain>";

static struct domain_def *
drives_domain(void)
{
    g_autoptr(GError) error = NULL;
    struct domain_def *def = domain_def_parse(drives, strlen(drives), "vm.xml", &error);

    ck_assert_msg(def != NULL, "%s", error ? error->message : "no error");
    return def;
}

static struct snapshot_def *
request(const char *disks)
{
    g_autofree char *text =
        g_strdup_printf("<domainsnapshot><disks>%s</disks></domainsnapshot>", disks);
    struct snapshot_def *def =
        snapshot_def_parse(text, strlen(text), "s.xml", SNAPSHOT_DEF_REQUEST, NULL);

    ck_assert_ptr_nonnull(def);
    return def;
}

/* The disks of DEF as "vda=external vdb=no …". */
static char *
summary(const struct snapshot_def *def)
{
    GString *text = g_string_new(NULL);

    for (unsigned i = 0; i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);

        g_string_append_printf(text, "%s%s=%s", i > 0 ? " " : "", disk->name,
                               snapshot_location_format(disk->snapshot));
    }
    return g_string_free(text, FALSE);
}

START_TEST(nothing_asked_for_means_what_the_domain_says)
{
    static const struct {
        enum snapshot_location location;
        const char *expected;
    } cases[] = {
        {SNAPSHOT_LOCATION_EXTERNAL,
         "vda=external vdb=no vdc=no vdd=manual vde=internal sda=no sdb=external sdc=no "
         "fda=external fdb=no vdn=external vdy=external vdz=external"},
        {SNAPSHOT_LOCATION_INTERNAL,
         "vda=internal vdb=no vdc=no vdd=manual vde=internal sda=no sdb=external sdc=no "
         "fda=internal fdb=no vdn=internal vdy=internal vdz=internal"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        scoped(domain_def) domain = drives_domain();
        scoped(snapshot_def) def = snapshot_def_new();
        g_autofree char *text = NULL;
        GError *error = NULL;

        unit_assert_ok(snapshot_def_align_disks(def, domain, cases[i].location, &error), error);
        text = summary(def);
        ck_assert_str_eq(text, cases[i].expected);
    }
}
END_TEST

START_TEST(a_request_is_completed_from_the_domain)
{
    static const struct {
        const char *disk;
        const char *expected;
    } cases[] = {
        {"<disk name='vda'/>", "vda=external"},
        {"<disk name='vda' snapshot='no'/>", "vda=no"},
        {"<disk name='vda' snapshot='internal'/>", "vda=internal"},
        {"<disk name='/a.qcow2' snapshot='manual'/>", "vda=manual"},
        {"<disk name='vda' snapshot='no'><driver type='qed'/></disk>", "vda=no"},
        {"<disk name='vdb'/>", "vdb=no"}, /* read-only */
        {"<disk name='vdb' snapshot='external'/>", "vdb=external"},
        {"<disk name='vdb'><source file='/o'/></disk>", "vdb=external"},
        {"<disk name='vdc'/>", "vdc=no"},
        {"<disk name='vdc'><source file='/o'/></disk>", "vdc=external"},
        {"<disk name='vdd'/>", "vdd=manual"},
        {"<disk name='vde'/>", "vde=internal"},
        {"<disk name='sda'/>", "sda=no"},
        {"<disk name='sdc'/>", "sdc=external"}, /* asked for, though the drive is empty */
        {"<disk name='fdb'/>", "fdb=external"},
        {"<disk name='vdz' snapshot='no'/>", "vdz=no"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        scoped(domain_def) domain = drives_domain();
        scoped(snapshot_def) def = request(cases[i].disk);
        g_autofree char *text = NULL;
        GError *error = NULL;

        unit_assert_ok(snapshot_def_align_disks(def, domain, SNAPSHOT_LOCATION_EXTERNAL, &error),
                       error);
        text = summary(def);
        ck_assert_uint_eq(def->disks->len, domain->disks->len);
        ck_assert_msg(strstr(text, cases[i].expected) != NULL, "%s: %s", cases[i].disk, text);
    }
}
END_TEST

START_TEST(requests_come_out_in_the_order_of_the_domain_with_all_they_said)
{
    scoped(domain_def) domain = drives_domain();
    scoped(snapshot_def) def = request(
        "<disk name='vdz' snapshot='no'/>"
        "<disk name='/a.qcow2' type='block'><driver type='qed'/><source dev='/dev/o'/></disk>");
    const struct snapshot_disk *disk;
    GError *error = NULL;

    unit_assert_ok(snapshot_def_align_disks(def, domain, SNAPSHOT_LOCATION_INTERNAL, &error),
                   error);
    disk = g_ptr_array_index(def->disks, 0);
    ck_assert_str_eq(disk->name, "vda");
    ck_assert_str_eq(disk->source, "/dev/o");
    ck_assert_str_eq(disk->format, "qed");
    ck_assert_int_eq(disk->type, DISK_TYPE_BLOCK);
    disk = g_ptr_array_index(def->disks, def->disks->len - 1);
    ck_assert_str_eq(disk->name, "vdz");
    ck_assert_int_eq(disk->snapshot, SNAPSHOT_LOCATION_NO);
}
END_TEST

START_TEST(an_impossible_request_is_refused_and_left_alone)
{
    static const struct {
        const char *disks;
        enum offshot_error code;
        const char *message;
    } cases[] = {
        {"<disk name='hda'/>", OFFSHOT_ERROR_NOT_FOUND, "no disk named 'hda'"},
        {"<disk name='/nowhere'/>", OFFSHOT_ERROR_NOT_FOUND, "no disk named '/nowhere'"},
        {"<disk name='/twice'/>", OFFSHOT_ERROR_USAGE, "more than one disk has the source"},
        {"<disk name='vda'/><disk name='vda'/>", OFFSHOT_ERROR_USAGE, "disk 'vda' is given twice"},
        {"<disk name='vda'/><disk name='/a.qcow2'/>", OFFSHOT_ERROR_USAGE,
         "disk 'vda' is given twice"},
        {"<disk name='vdb'/><disk name='vda' snapshot='no'><source file='/o'/></disk>",
         OFFSHOT_ERROR_USAGE, "disk 'vda': a path needs an external snapshot, not 'no'"},
        {"<disk name='vda' snapshot='internal'><source file='/o'/></disk>", OFFSHOT_ERROR_USAGE,
         "not 'internal'"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        scoped(domain_def) domain = drives_domain();
        scoped(snapshot_def) def = request(cases[i].disks);
        g_autofree char *before = summary(def);
        g_autofree char *after = NULL;
        GError *error = NULL;

        ck_assert(!snapshot_def_align_disks(def, domain, SNAPSHOT_LOCATION_EXTERNAL, &error));
        unit_assert_error(error, cases[i].code, cases[i].message);
        after = summary(def);
        ck_assert_str_eq(after, before);
    }
}
END_TEST

START_TEST(overlays_are_named_as_libvirt_names_them)
{
    static const struct {
        const char *path;
        const char *overlay;
        const char *frozen;
    } cases[] = {
        {"/d/a.qcow2", "/d/a.s1", "/d/a.s1.qcow2"},
        {"/d/a.b.img", "/d/a.b.s1", "/d/a.b.s1.img"},
        {"/d/a", "/d/a.s1", "/d/a.s1"},
        {"/d.x/a", "/d.x/a.s1", "/d.x/a.s1"},
        {"/d/.hidden", "/d/.s1", "/d/.hidden.s1"},
        {"/d/a.", "/d/a.s1", "/d/a.s1."},
        {"/d/größe.x", "/d/größe.s1", "/d/größe.s1.x"},
        {"a.x", "a.s1", "a.s1.x"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *overlay = snapshot_overlay_name(cases[i].path, "s1");
        g_autofree char *frozen = snapshot_frozen_name(cases[i].path, "s1");

        ck_assert_str_eq(overlay, cases[i].overlay);
        ck_assert_str_eq(frozen, cases[i].frozen);
    }
}
END_TEST

UNIT_MAIN("snapshot-align", nothing_asked_for_means_what_the_domain_says,
          a_request_is_completed_from_the_domain,
          requests_come_out_in_the_order_of_the_domain_with_all_they_said,
          an_impossible_request_is_refused_and_left_alone, overlays_are_named_as_libvirt_names_them)
