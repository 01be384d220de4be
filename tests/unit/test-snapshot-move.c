/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-def.h"
#include "unit/unit.h"

/* Images of stored snapshots that are called otherwise, and are of another format or kind then. */

#define START "<domainsnapshot><name>x</name><state>shutoff</state><creationTime>1</creationTime>"
#define END "<active>0</active></domainsnapshot>"
#define DOMAIN(name, disk)                                                                         \
    "<" name " type='kvm'><name>n</name><devices><disk" disk                                       \
    "<target dev='vda'/></disk></devices></" name ">"

static const struct snapshot_def_move raw = {"/p", "/q", "raw", false, DISK_TYPE_FILE};
static const struct snapshot_def_move block = {"/p", "/dev/q", "raw", true, DISK_TYPE_BLOCK};
static const struct snapshot_def_move file = {"/p", "/q", NULL, true, DISK_TYPE_FILE};

static const struct change {
    const struct snapshot_def_move *move;
    const char *text;
    const char *result;
} changes[] = {
    /* the driver follows … */
    {&raw, "<disks><disk name='vda'><driver type='qcow2'/><source file='/p'/></disk></disks>",
     "<disks><disk name='vda'><driver type='raw'/><source file='/q'/></disk></disks>"},
    {&raw,
     "<revertDisks><disk name='vda'><driver type=\"qcow2\" x='1'/><source dev='/x'/></disk>"
     "<disk name='vdb'><driver type='qcow2'/><source file='/p'/></disk></revertDisks>",
     "<revertDisks><disk name='vda'><driver type=\"qcow2\" x='1'/><source dev='/x'/></disk>"
     "<disk name='vdb'><driver type='raw'/><source file='/q'/></disk></revertDisks>"},
    {&raw, DOMAIN("domain", "><driver name='qemu' type='qcow2' cache='none'/><source file='/p'/>"),
     DOMAIN("domain", "><driver name='qemu' type='raw' cache='none'/><source file='/q'/>")},
    {&raw, DOMAIN("inactiveDomain", "><driver type='qcow2'/><source file='/p'/>"),
     DOMAIN("inactiveDomain", "><driver type='raw'/><source file='/q'/>")},
    /* what does not count has the name alone */
    {&block, "<disks><disk name='vda'><source file='/p'/><source file='/p'/></disk></disks>",
     "<disks><disk name='vda' type='block'><driver type='raw'/><source dev='/dev/q'/>"
     "<source file='/dev/q'/></disk></disks>"},
    {&block, "<disks><disk name='vda'><source dir='/p' file='/p' dev='/p'/></disk></disks>",
     "<disks><disk name='vda' type='block'><driver type='raw'/><source dir='/dev/q' "
     "dev='/dev/q'/></disk></disks>"},
    {&block, "<disks><disk name='vda'><source dev='/p'/></disk></disks>",
     "<disks><disk name='vda'><source dev='/dev/q'/></disk></disks>"},
    {&block,
     DOMAIN("domain", "><backingStore type='file'><source file='/p'/><source file='/p'/>"
                      "<source dev='/p'/></backingStore>"),
     DOMAIN("domain", "><backingStore type='block'><source dev='/dev/q'/><source file='/dev/q'/>"
                      "<source dev='/dev/q'/></backingStore>")},
    /* … and is added where none is */
    {&raw, "<disks><disk name='vda'><source file='/p'/></disk></disks>",
     "<disks><disk name='vda'><driver type='raw'/><source file='/q'/></disk></disks>"},
    {&raw, DOMAIN("domain", "><source file='/p'/>"),
     DOMAIN("domain", "><driver name='qemu' type='raw'/><source file='/q'/>")},
    {&raw, DOMAIN("domain", "><driver name='qemu'/><source file='/p'/>"),
     DOMAIN("domain", "><driver name='qemu' type='raw'/><source file='/q'/>")},
    {&raw, DOMAIN("inactiveDomain", " type='file'><source file='/p'/>"),
     DOMAIN("inactiveDomain", " type='file'><driver name='qemu' type='raw'/><source file='/q'/>")},
    /* what lies below an image is no image of the disk's own */
    {&raw,
     DOMAIN("domain", "><driver type='qcow2'/><source file='/o'/><backingStore type='file'>"
                      "<format type='qcow2'/><source file='/p'/></backingStore>"),
     DOMAIN("domain", "><driver type='qcow2'/><source file='/o'/><backingStore type='file'>"
                      "<format type='raw'/><source file='/q'/></backingStore>")},
    {&raw,
     DOMAIN("domain", "><driver type='qcow2'/><source file='/o'/><backingStore type='file'>"
                      "<source file='/p'/></backingStore>"),
     DOMAIN("domain", "><driver type='qcow2'/><source file='/o'/><backingStore type='file'>"
                      "<source file='/q'/></backingStore>")},
    {&block,
     DOMAIN("domain", "><source file='/o'/><backingStore type='file'>"
                      "<format type='qcow2'/><source file='/p'/></backingStore>"),
     DOMAIN("domain", "><source file='/o'/><backingStore type='block'>"
                      "<format type='raw'/><source dev='/dev/q'/></backingStore>")},
    /* a file becomes a device, and a device a file */
    {&block,
     "<disks><disk name='vda' type='file'><driver type='qcow2'/><source file='/p'/></disk>"
     "</disks>" DOMAIN("domain", "><driver type='qcow2'/><source file='/p' index='1'/>"),
     "<disks><disk name='vda' type='block'><driver type='raw'/><source dev='/dev/q'/></disk>"
     "</disks>" DOMAIN("domain",
                       " type='block'><driver type='raw'/><source dev='/dev/q' index='1'/>")},
    {&file, DOMAIN("domain", " type='block'><driver type='raw'/><source dev='/p'/>"),
     DOMAIN("domain", " type='file'><driver type='raw'/><source file='/q'/>")},
    /* others stay */
    {&block, DOMAIN("domain", "><driver type='qcow2'/><source file='/pp'/>"),
     DOMAIN("domain", "><driver type='qcow2'/><source file='/pp'/>")},
    {&raw, DOMAIN("domain", " type='block'><driver type='qcow2'/><source dev='/o' file='/p'/>"),
     DOMAIN("domain", " type='block'><driver type='qcow2'/><source dev='/o' file='/q'/>")},
};

static char *
rewrite(const char *text, const struct snapshot_def_move *moves, size_t count)
{
    const struct snapshot_def_change change = {.active = -1, .moves = moves, .move_count = count};
    GError *error = NULL;
    scoped(snapshot_def) def =
        snapshot_def_parse(text, strlen(text), "s.xml", SNAPSHOT_DEF_STORED, &error);
    char *result = def ? snapshot_def_rewrite(def, &change, &error) : NULL;

    unit_assert_ok(result != NULL, error);
    return result;
}

START_TEST(a_moved_image_changes_its_disk_and_no_other_byte)
{
    g_autofree char *text = g_strconcat(START, changes[_i].text, END, NULL);
    g_autofree char *expected = g_strconcat(START, changes[_i].result, END, NULL);
    g_autofree char *result = rewrite(text, changes[_i].move, 1);

    ck_assert_str_eq(result, expected);
}
END_TEST

START_TEST(images_that_swap_their_names_do_so_at_once)
{
    static const struct snapshot_def_move swap[] = {
        {.path = "/a", .new_path = "/b"},
        {.path = "/b", .new_path = "/a"},
    };
    g_autofree char *result =
        rewrite(START
                "<disks><disk name='vda'><source file='/a'/></disk><disk name='vdb'>"
                "<source file='/b'/></disk><disk name='vdc'><source file='/c'/></disk></disks>" END,
                swap, G_N_ELEMENTS(swap));

    ck_assert_str_eq(
        result,
        START "<disks><disk name='vda'><source file='/b'/></disk><disk name='vdb'>"
              "<source file='/a'/></disk><disk name='vdc'><source file='/c'/></disk></disks>" END);
}
END_TEST

static const struct {
    const char *text;
    bool goes;
} chains[] = {
    {"<source file='/m'/>%s", true},
    {"<source dev='/m'/>%s", true},
    {"<source file='/o'/>%s", false},
    {"%s<!-- its <source file='/m'/> is missing -->", false},
    {"<mirror><source file='/m'/></mirror><source file='/o'/>%s", false},
};
static const struct {
    const char *layers;
    bool goes;
} layers[] = {
    {"<backingStore/>", false},
    {"<backingStore><source file='/b'/><backingStore/></backingStore>", false},
    {"<backingStore><source file='/m'/></backingStore>", true},
    {"<backingStore><source file='/b'/><backingStore type='block'><source dev='/m'/>"
     "<backingStore/></backingStore></backingStore>",
     true},
};

START_TEST(what_is_said_of_chains_goes_where_they_have_changed)
{
    g_autoptr(GHashTable) merged = g_hash_table_new(g_str_hash, g_str_equal);
    const struct snapshot_def_change change = {
        .active = -1, .merged = merged, .moves = &raw, .move_count = 1};
    unsigned i = (unsigned)_i % G_N_ELEMENTS(chains);
    unsigned j = (unsigned)_i / G_N_ELEMENTS(chains);
    bool goes = chains[i].goes || layers[j].goes;
    g_autofree char *disk =
        g_strconcat(START DOMAIN("domain", "><driver/>DISK") DOMAIN("inactiveDomain", ">DISK") END,
                    NULL);
    g_autofree char *with = unit_replace(chains[i].text, "%s", layers[j].layers);
    g_autofree char *without = unit_replace(chains[i].text, "%s", goes ? "" : layers[j].layers);
    g_auto(GStrv) parts = g_strsplit(disk, "DISK", -1);
    g_autofree char *text = g_strjoinv(with, parts);
    g_autofree char *expected = g_strjoinv(without, parts);
    GError *error = NULL;
    scoped(snapshot_def) def =
        snapshot_def_parse(text, strlen(text), "s.xml", SNAPSHOT_DEF_STORED, &error);
    g_autofree char *result = NULL;

    unit_assert_ok(def != NULL, error);
    g_hash_table_add(merged, (gpointer) "/m");
    result = snapshot_def_rewrite(def, &change, &error);
    unit_assert_ok(result != NULL, error);
    ck_assert_str_eq(result, expected);
}
END_TEST

START_TEST(a_merged_image_moves_without_what_was_said_of_its_chain)
{
    g_autoptr(GHashTable) merged = g_hash_table_new(g_str_hash, g_str_equal);
    const struct snapshot_def_change change = {
        .active = -1, .merged = merged, .moves = &raw, .move_count = 1};
    static const char text[] =
        START DOMAIN("domain", "><driver type='qcow2'/><source file='/p'/>"
                               "<backingStore><source file='/q'/></backingStore>") END;
    static const char expected[] =
        START DOMAIN("domain", "><driver type='raw'/><source file='/q'/>") END;
    scoped(snapshot_def) def =
        snapshot_def_parse(text, strlen(text), "s.xml", SNAPSHOT_DEF_STORED, NULL);
    g_autofree char *result = NULL;

    g_hash_table_add(merged, (gpointer) "/p");
    g_hash_table_add(merged, (gpointer) "/q");
    result = snapshot_def_rewrite(def, &change, NULL);
    ck_assert_str_eq(result, expected);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("snapshot-move");
    TCase *cases = tcase_create("snapshot-move");

    tcase_add_loop_test(cases, a_moved_image_changes_its_disk_and_no_other_byte, 0,
                        G_N_ELEMENTS(changes));
    tcase_add_test(cases, images_that_swap_their_names_do_so_at_once);
    tcase_add_loop_test(cases, what_is_said_of_chains_goes_where_they_have_changed, 0,
                        G_N_ELEMENTS(chains) * G_N_ELEMENTS(layers));
    tcase_add_test(cases, a_merged_image_moves_without_what_was_said_of_its_chain);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
