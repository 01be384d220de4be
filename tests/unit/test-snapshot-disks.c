/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-def.h"
#include "unit/unit.h"

/* Lists of disks of stored snapshots, replaced in the text that libvirt wrote. */

#define HEAD "<domainsnapshot>\n  <name>s</name>\n  <state>shutoff</state>\n"
#define TIME "  <creationTime>1</creationTime>\n"
#define MEMORY "  <memory snapshot='no'/>\n"
#define TAIL "  <cookie/>\n  <active>1</active>\n</domainsnapshot>\n"
#define NEW_DISK(name)                                                                             \
    "    <disk name='" name "' snapshot='external' type='file'>\n"                                 \
    "      <driver type='qcow2'/>\n"                                                               \
    "      <source file='/new'/>\n"                                                                \
    "    </disk>\n"

static struct snapshot_def *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct snapshot_def *def =
        snapshot_def_parse(text, strlen(text), "s.xml", SNAPSHOT_DEF_STORED, &error);

    ck_assert_msg(def != NULL, "%s", error ? error->message : "no error");
    return def;
}

static char *
rewrite(const struct snapshot_def *def, const GPtrArray *disks, const GPtrArray *revert_disks)
{
    const struct snapshot_def_change change = {.active = -1,
                                               .disks = disks,
                                               .revert_disks = revert_disks};
    GError *error = NULL;
    char *text = snapshot_def_rewrite(def, &change, &error);

    unit_assert_ok(text != NULL, error);
    return text;
}

static GPtrArray *
no_disks(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)snapshot_disk_free);
}

/* An overlay "/new" for NAME. */
static struct snapshot_disk *
new_disk(const char *name)
{
    struct snapshot_disk *disk = snapshot_disk_new(name);

    disk->snapshot = SNAPSHOT_LOCATION_EXTERNAL;
    disk->format = g_strdup("qcow2");
    disk->source = g_strdup("/new");
    disk->has_source = true;
    return disk;
}

START_TEST(lists_that_say_the_same_keep_every_byte)
{
    static const char *const files[] = {"any-order.xml", "old.xml", "revert-disks.xml",
                                        "running.xml", "stored.xml"};
    g_autofree char *dir = unit_path("snapshot/in");

    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *text = unit_load(dir, files[i], NULL);
        scoped(snapshot_def) def = parse(text);
        g_autofree char *same = rewrite(def, def->disks, def->revert_disks);

        ck_assert_str_eq(same, text);
    }
}
END_TEST

START_TEST(what_is_only_implied_is_not_written_out)
{
    static const char text[] =
        HEAD TIME "<disks><disk name='vda'><source file='/a'/></disk><!-- c --><disk name='vdb'/>"
                  "<disk name='vdc' type='network' snapshot='external'><source protocol='nbd' "
                  "name='x'><host name='h'/></source></disk></disks>" TAIL;
    scoped(snapshot_def) def = parse(text);
    g_autofree char *same = rewrite(def, def->disks, NULL);

    ck_assert_str_eq(same, text);
}
END_TEST

START_TEST(a_list_that_is_missing_goes_where_libvirt_writes_it)
{
    static const struct {
        const char *text;
        bool revert;
        const char *result;
    } cases[] = {
        {HEAD TIME MEMORY TAIL, false,
         HEAD TIME MEMORY "  <disks>\n" NEW_DISK("vda") "  </disks>\n" TAIL},
        {HEAD TIME TAIL, true,
         HEAD TIME "  <revertDisks>\n" NEW_DISK("vda") "  </revertDisks>\n" TAIL},
        {HEAD TIME MEMORY "  <disks>\n    <disk name='vda'/>\n  </disks>\n" TAIL, true,
         HEAD TIME MEMORY "  <disks>\n    <disk name='vda'/>\n  </disks>\n"
                          "  <revertDisks>\n" NEW_DISK("vda") "  </revertDisks>\n" TAIL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        scoped(snapshot_def) def = parse(cases[i].text);
        g_autoptr(GPtrArray) disks = no_disks();
        g_autofree char *text = NULL;

        g_ptr_array_add(disks, new_disk("vda"));
        text = rewrite(def, cases[i].revert ? NULL : disks, cases[i].revert ? disks : NULL);
        ck_assert_str_eq(text, cases[i].result);
    }
}
END_TEST

START_TEST(both_lists_can_be_added_at_once)
{
    scoped(snapshot_def) def = parse(HEAD TIME TAIL);
    g_autoptr(GPtrArray) disks = no_disks();
    g_autofree char *text = NULL;

    g_ptr_array_add(disks, new_disk("vda"));
    g_ptr_array_add(disks, new_disk("a'b"));
    text = rewrite(def, disks, disks);
    ck_assert_str_eq(text,
                     HEAD TIME "  <disks>\n" NEW_DISK("vda")
                         NEW_DISK("a&apos;b") "  </disks>\n"
                                              "  <revertDisks>\n" NEW_DISK("vda")
                                                  NEW_DISK("a&apos;b") "  </revertDisks>\n" TAIL);
}
END_TEST

START_TEST(an_empty_list_has_no_element)
{
    g_autofree char *dir = unit_path("snapshot/in");
    g_autofree char *text = unit_load(dir, "revert-disks.xml", NULL);
    const struct snapshot_def_change drop = {.active = 0, .drop_revert_disks = true};
    scoped(snapshot_def) def = parse(text);
    g_autoptr(GPtrArray) none = no_disks();
    g_autofree char *emptied = rewrite(def, NULL, none);
    g_autofree char *dropped = snapshot_def_rewrite(def, &drop, NULL);
    g_autofree char *expected = unit_replace(dropped, "<active>0", "<active>1");
    const char *start = strstr(text, "  <revertDisks>");
    const char *end = strstr(text, "  <domain ");
    g_autofree char *head = g_strndup(text, (size_t)(start - text));

    ck_assert(g_str_has_prefix(emptied, head));
    ck_assert_str_eq(emptied + strlen(head), end);
    ck_assert_str_eq(emptied, expected);
}
END_TEST

/* <disks> as virsh has written it, and somebody else has edited it. */
static const char edited[] =
    HEAD TIME "  <disks xmlns:a='urn:a'>\n"
              "    <!-- the first -->\n"
              "    <disk name='vda' snapshot='external' type='file' a:b=\"c\">\n"
              "      <driver type='qcow2' a:kept=''>\n"
              "        <metadata_cache><max_size unit='bytes'>1</max_size></metadata_cache>\n"
              "      </driver>\n"
              "      <source file='/old'><a:more/></source>\n"
              "    </disk>\n"
              "    <disk name='vdb'  snapshot='no' />\n"
              "    <disk name='vdc' snapshot='internal'/>\n"
              "    <!-- the end -->\n"
              "  </disks>\n" TAIL;

START_TEST(one_disk_changes_and_its_neighbours_keep_every_byte)
{
    scoped(snapshot_def) def = parse(edited);
    scoped(snapshot_def) copy = snapshot_def_copy(def);
    struct snapshot_disk *vda = g_ptr_array_index(copy->disks, 0);
    g_autofree char *text = NULL;
    g_autofree char *expected = unit_replace(edited, "file='/old'", "file='/new &lt;one&gt;'");

    g_free(vda->source);
    vda->source = g_strdup("/new <one>");
    text = rewrite(def, copy->disks, NULL);
    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(disks_come_and_go)
{
    scoped(snapshot_def) def = parse(edited);
    scoped(snapshot_def) copy = snapshot_def_copy(def);
    g_autofree char *without = unit_replace(edited, "    <disk name='vdb'  snapshot='no' />\n", "");
    g_autofree char *expected =
        unit_replace(without, "    <disk name='vdc' snapshot='internal'/>\n",
                     "    <disk name='vdc' snapshot='internal'/>\n" //
                     NEW_DISK("vdd"));
    g_autofree char *text = NULL;

    g_ptr_array_remove_index(copy->disks, 1);
    g_ptr_array_add(copy->disks, new_disk("vdd"));
    text = rewrite(def, copy->disks, NULL);
    ck_assert_str_eq(text, expected);
}
END_TEST

START_TEST(all_disks_of_a_list_can_be_others)
{
    scoped(snapshot_def) def = parse(HEAD TIME "  <disks>\n    <disk name='a'/>\n"
                                               "    <disk name='b'/>\n  </disks>\n" TAIL);
    g_autoptr(GPtrArray) disks = no_disks();
    g_autofree char *text = NULL;

    g_ptr_array_add(disks, new_disk("vda"));
    text = rewrite(def, disks, NULL);
    ck_assert_str_eq(text, HEAD TIME "  <disks>\n" NEW_DISK("vda") "  </disks>\n" TAIL);
}
END_TEST

START_TEST(a_disk_can_lose_its_overlay)
{
    scoped(snapshot_def) def = parse(HEAD TIME "  <disks>\n" NEW_DISK("vda") "  </disks>\n" TAIL);
    g_autoptr(GPtrArray) disks = no_disks();
    g_autofree char *text = NULL;
    scoped(snapshot_def) after = NULL;
    const struct snapshot_disk *disk;

    g_ptr_array_add(disks, snapshot_disk_new("vda"));
    text = rewrite(def, disks, NULL);
    after = parse(text);
    ck_assert_uint_eq(after->disks->len, 1);
    disk = g_ptr_array_index(after->disks, 0);
    ck_assert_ptr_null(disk->source);
    ck_assert_ptr_null(disk->format);
    ck_assert_int_eq(disk->snapshot, SNAPSHOT_LOCATION_DEFAULT);
}
END_TEST

START_TEST(a_source_that_meant_nothing_does_not_become_one)
{
    static const char *const elements[] = {
        "type='network'><source file='relative'/>",
        "type='network'><source file='/else'/>",
        "type='network'><source protocol='nbd' name='x'/>",
        "type='network'>",
        "type='file'><source file='/a'/><source file='relative'/> <source file='/b'/>",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(elements); i++) {
        g_autofree char *before =
            g_strdup_printf(HEAD TIME
                            "<disks><disk name='vda' snapshot='external' %s</disk></disks>" TAIL,
                            elements[i]);
        scoped(snapshot_def) def = parse(before);
        g_autoptr(GPtrArray) disks = no_disks();
        g_autofree char *text = NULL;

        g_ptr_array_add(disks, snapshot_disk_new("vda"));
        text = rewrite(def, disks, NULL);
        ck_assert_ptr_null(strstr(text, "<source"));
    }
}
END_TEST

START_TEST(a_disk_that_cannot_stand_in_xml_is_refused)
{
    scoped(snapshot_def) def = parse(HEAD TIME TAIL);
    g_autoptr(GPtrArray) disks = no_disks();
    const struct snapshot_def_change changes[] = {
        {.active = -1, .disks = disks},
        {.active = -1, .revert_disks = disks},
    };

    g_ptr_array_add(disks, new_disk("a\x01"));
    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        GError *error = NULL;

        ck_assert_ptr_null(snapshot_def_rewrite(def, &changes[i], &error));
        unit_assert_error(error, OFFSHOT_ERROR_USAGE, "name of a disk cannot be written in XML");
    }
}
END_TEST

START_TEST(a_move_comes_on_top_of_a_new_list)
{
    static const struct snapshot_def_move move = {.path = "/new", .new_path = "/newer"};
    scoped(snapshot_def) def = parse(edited);
    g_autoptr(GPtrArray) disks = no_disks();
    const struct snapshot_def_change change = {
        .active = -1, .revert_disks = disks, .moves = &move, .move_count = 1};
    g_autofree char *text = NULL;

    g_ptr_array_add(disks, new_disk("vda"));
    text = snapshot_def_rewrite(def, &change, NULL);
    ck_assert_ptr_nonnull(strstr(text, "<source file='/newer'/>"));
    ck_assert_ptr_null(strstr(text, "'/new'"));
}
END_TEST

UNIT_MAIN("snapshot-disks", lists_that_say_the_same_keep_every_byte,
          what_is_only_implied_is_not_written_out,
          a_list_that_is_missing_goes_where_libvirt_writes_it, both_lists_can_be_added_at_once,
          an_empty_list_has_no_element, one_disk_changes_and_its_neighbours_keep_every_byte,
          disks_come_and_go, all_disks_of_a_list_can_be_others, a_disk_can_lose_its_overlay,
          a_source_that_meant_nothing_does_not_become_one,
          a_disk_that_cannot_stand_in_xml_is_refused, a_move_comes_on_top_of_a_new_list)
