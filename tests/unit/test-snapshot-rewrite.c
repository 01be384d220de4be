/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-def.h"
#include "conf/snapshot-facts.h"
#include "unit/unit.h"

#define START "<domainsnapshot><name>x</name><state>shutoff</state><creationTime>1</creationTime>"
#define END_ACTIVE "<active>0</active></domainsnapshot>"
#define MOVE(number) .moves = &moves[number], .move_count = 1

static const struct snapshot_def_move moves[] = {
    {.path = "/srv/images/root.qcow2", .new_path = "/it's"},
    {.path = "/srv/images/root.before upgrade", .new_path = "/new"},
    {.path = "/srv/images/other", .new_path = "/new"},
    {.path = "/p", .new_path = "/q"},
    {.path = "/p", .new_path = "/\xff"},
    {.path = "/p", .new_path = "/q", .format = "\x01"},
};

static struct snapshot_def *
parse(const char *text, enum snapshot_def_source source)
{
    g_autoptr(GError) error = NULL;
    struct snapshot_def *def = snapshot_def_parse(text, strlen(text), "s.xml", source, &error);

    ck_assert_msg(def != NULL, "%s", error ? error->message : "no error");
    return def;
}

static char *
rewrite(const char *text, const struct snapshot_def_change *change)
{
    scoped(snapshot_def) def = parse(text, SNAPSHOT_DEF_STORED);
    g_autoptr(GError) error = NULL;
    char *changed = snapshot_def_rewrite(def, change, &error);

    ck_assert_msg(changed != NULL, "%s", error ? error->message : "no error");
    return changed;
}

START_TEST(a_rewrite_changes_what_it_should_and_no_other_byte)
{
    static const struct {
        struct snapshot_def_change change;
        const char *from;
        const char *to;
    } cases[] = {
        {{.active = -1}, "", ""},
        {{.active = 1}, "<active>1</active>", "<active>1</active>"},
        {{.active = 0}, "<active>1</active>", "<active>0</active>"},
        {{.active = -1, .set_parent = true, .parent = "a & b"},
         "<name>installed</name>",
         "<name>a &amp; b</name>"},
        {{.active = -1, .set_parent = true},
         "  <parent>\n    <name>installed</name>\n  </parent>\n",
         ""},
        {{.active = -1, MOVE(0)}, "/srv/images/root.qcow2", "/it&apos;s"},
        {{.active = -1, MOVE(1)}, "/srv/images/root.before upgrade", "/new"},
        {{.active = -1, MOVE(2)}, "", ""},
    };
    g_autofree char *dir = unit_path("snapshot/in");
    g_autofree char *text = unit_load(dir, "stored.xml", NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *changed = rewrite(text, &cases[i].change);
        g_autofree char *expected =
            *cases[i].from ? unit_replace(text, cases[i].from, cases[i].to) : g_strdup(text);

        ck_assert_msg(strcmp(changed, expected) == 0, "case %zu:\n%s", i, changed);
    }
}
END_TEST

START_TEST(a_parent_is_added_where_libvirt_writes_it)
{
    static const struct snapshot_def_change change = {.active = -1,
                                                      .set_parent = true,
                                                      .parent = "new <one>"};
    g_autofree char *dir = unit_path("snapshot/in");
    g_autofree char *text = unit_load(dir, "running.xml", NULL);
    g_autofree char *changed = rewrite(text, &change);
    g_autofree char *expected =
        unit_replace(text, "</state>\n",
                     "</state>\n  <parent>\n    <name>new &lt;one&gt;</name>\n  </parent>\n");

    ck_assert_str_eq(changed, expected);
}
END_TEST

START_TEST(a_parent_without_a_name_gets_one)
{
    static const struct snapshot_def_change change = {.active = 1,
                                                      .set_parent = true,
                                                      .parent = "p"};
    static const char *const parents[] = {"<parent/>", "<parent> </parent>",
                                          "<parent><x/></parent>"};

    for (size_t i = 0; i < G_N_ELEMENTS(parents); i++) {
        g_autofree char *text = g_strconcat(START, parents[i], END_ACTIVE, NULL);
        g_autofree char *changed = rewrite(text, &change);
        scoped(snapshot_def) def = parse(changed, SNAPSHOT_DEF_STORED);

        ck_assert_str_eq(def->parent, "p");
        ck_assert(def->active);
    }
}
END_TEST

START_TEST(a_renamed_image_is_renamed_in_every_source_of_a_disk_and_nowhere_else)
{
    static const struct snapshot_def_change change = {.active = -1, MOVE(3)};
    static const char text[] =
        START "<disks><disk name='vda'><source file='/p'/></disk></disks>"
              "<revertDisks><disk name='vda' type='block'><source dev='/p'/></disk></revertDisks>"
              "<domain type='kvm'><name>n</name><metadata><source file='/p'/></metadata>"
              "<os><nvram><source file='/p'/></nvram></os><devices>"
              "<disk type='file'><source file='/p'/><target dev='vda'/><backingStore><source "
              "file='/p'/></backingStore></disk>"
              "<disk type='dir'><source dir='/p'/><target dev='vdb'/></disk>"
              "<serial><source path='/p' file='/p'/></serial><filesystem><source dir='/p'/>"
              "</filesystem></devices></domain>"
              "<inactiveDomain type='kvm'><name>n</name><devices><disk><source file='/p'/>"
              "<target dev='vda'/></disk></devices></inactiveDomain>"
              "<cookie><source file='/p'/></cookie>" END_ACTIVE;
    g_autofree char *changed = rewrite(text, &change);
    scoped(snapshot_def) before = parse(text, SNAPSHOT_DEF_STORED);
    scoped(snapshot_def) after = parse(changed, SNAPSHOT_DEF_STORED);
    g_auto(GStrv) parts = g_strsplit(changed, "'/q'", -1);

    ck_assert_uint_eq(g_strv_length(parts) - 1, 6);
    ck_assert(snapshot_def_names_path(before, "/p") && !snapshot_def_names_path(before, "/q"));
    ck_assert(snapshot_def_names_path(after, "/q") && !snapshot_def_names_path(after, "/p"));
    ck_assert_ptr_nonnull(strstr(changed, "<metadata><source file='/p'/></metadata>"));
    ck_assert_ptr_nonnull(strstr(changed, "<nvram><source file='/p'/></nvram>"));
    ck_assert_ptr_nonnull(strstr(changed, "<cookie><source file='/p'/></cookie>"));
}
END_TEST

START_TEST(what_is_on_record_of_a_disk_follows_its_image)
{
    static const char text[] =
        START "<domain><name>vm</name><metadata><o:snapshot xmlns:o='urn:offshot:snapshot:1'>"
              "<o:frozen disk='vda' inode='1' size='2' mtime='3'/>"
              "<o:frozen disk='vdb' inode='4' size='5' mtime='6'/></o:snapshot></metadata>"
              "</domain>" END_ACTIVE;
    g_autoptr(GHashTable) disks = g_hash_table_new(g_str_hash, g_str_equal);
    const struct frozen_record record = {{.inode = 7}, 8};
    const struct snapshot_def_change change = {.active = -1, .refiled = disks};
    const struct snapshot_def_change both = {.active = 1, .refiled = disks};
    g_autofree char *expected =
        unit_replace(text, "inode='1' size='2' mtime='3'", "inode='7' directory='8'");
    g_autofree char *same = rewrite(text, &change);
    g_autofree char *changed = NULL;
    g_autofree char *other = NULL;

    ck_assert_str_eq(same, text);
    g_hash_table_insert(disks, (gpointer) "vda", (gpointer)&record);
    changed = rewrite(text, &change);
    ck_assert_str_eq(changed, expected);
    other = rewrite(text, &both);
    ck_assert_ptr_nonnull(strstr(other, "<active>1</active>"));
    ck_assert_ptr_nonnull(strstr(other, "inode='7' directory='8'"));
}
END_TEST

START_TEST(a_change_that_cannot_stand_in_xml_is_refused)
{
    static const struct snapshot_def_change changes[] = {
        {.active = -1, .set_parent = true, .parent = "\x01"},
        {.active = -1, MOVE(4)},
        {.active = -1, MOVE(5)},
    };
    scoped(snapshot_def) def = parse(START END_ACTIVE, SNAPSHOT_DEF_STORED);

    for (size_t i = 0; i < G_N_ELEMENTS(changes); i++) {
        GError *error = NULL;

        ck_assert_ptr_null(snapshot_def_rewrite(def, &changes[i], &error));
        unit_assert_error(error, OFFSHOT_ERROR_USAGE, "cannot be written in XML");
    }
}
END_TEST

START_TEST(a_dump_is_the_element_without_active)
{
    g_autofree char *dir = unit_path("snapshot/in");
    g_autofree char *text = unit_load(dir, "stored.xml", NULL);
    scoped(snapshot_def) def = parse(text, SNAPSHOT_DEF_STORED);
    g_autofree char *dump = snapshot_def_dump(def);
    const char *element = strstr(text, "<domainsnapshot>");
    g_autofree char *expected = unit_replace(element, "  <active>1</active>\n", "");

    ck_assert_str_eq(dump, expected);
}
END_TEST

START_TEST(everything_formatted_is_valid)
{
    g_autofree char *schema = unit_path("../../data/schemas/domainsnapshot.rng");
    g_autofree char *out = unit_path("snapshot/out");
    g_autoptr(GPtrArray) names = unit_list(out, ".xml");

    for (unsigned i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *text = unit_load(out, name, NULL);
        GError *error = NULL;

        /* "unheardOf" is there to be kept, not to be valid */
        if (strcmp(name, "any-order.xml") == 0)
            continue;
        unit_assert_ok(snapshot_document_validate(text, strlen(text), name, schema, &error), error);
    }
}
END_TEST

START_TEST(usual_mistakes_are_not_valid)
{
    static const char *const bodies[] = {
        "<nmae>x</nmae>",
        "<name/>",
        "<state>off</state>",
        "<creationTime>today</creationTime>",
        "<creationTime>-1</creationTime>",
        "<active>yes</active>",
        "<parent>x</parent>",
        "<memory snapshot='external'/>",
        "<memory snapshot='no' file='/m'/>",
        "<memory file='m'/>",
        "<disks><disk/></disks>",
        "<disks><disc name='vda'/></disks>",
        "<disks><disk name='vda' snapshot='yes'/></disks>",
        "<disks><disk name='vda' file='/x'/></disks>",
        "<disks><disk name='vda' snapshot='internal'><source file='/x'/></disk></disks>",
        "<disks><disk name='vda'><source file='x'/></disk></disks>",
        "<disks><disk name='vda'><source dev='/dev/x'/></disk></disks>",
        "<disks><disk name='vda' type='block'><source file='/x'/></disk></disks>",
        "<disks><disk name='vda'><driver name='qemu' type='qcow2'/></disk></disks>",
        "<disks><disk name='vda'><driver>qcow2</driver></disk></disks>",
        "<disks/><disks/>",
        "<name>x</name><name>y</name>",
        "words",
    };
    g_autofree char *schema = unit_path("../../data/schemas/domainsnapshot.rng");

    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        g_autofree char *text = g_strdup_printf("<domainsnapshot>\n%s</domainsnapshot>", bodies[i]);
        GError *error = NULL;

        ck_assert_msg(!snapshot_document_validate(text, strlen(text), "s.xml", schema, &error),
                      "valid: %s", bodies[i]);
        ck_assert_ptr_null(strchr(error->message, '\n'));
        unit_assert_error(error, OFFSHOT_ERROR_USAGE, "s.xml:");
    }
}
END_TEST

START_TEST(a_schema_that_cannot_be_read_is_an_error_of_its_own)
{
    static const char text[] = "<domainsnapshot/>";
    g_autofree char *no_schema = unit_path("snapshot/in/stored.xml");
    GError *error = NULL;

    ck_assert(!snapshot_document_validate(text, strlen(text), "s.xml", "/nowhere/x.rng", &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "cannot read the schema '/nowhere/x.rng'");
    ck_assert(!snapshot_document_validate(text, strlen(text), "s.xml", no_schema, &error));
    unit_assert_error(error, OFFSHOT_ERROR_FAILED, "cannot read the schema");
    ck_assert(!snapshot_document_validate("<!DOCTYPE a><a/>", 16, "s.xml", no_schema, &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "s.xml:1: a document type");
}
END_TEST

UNIT_MAIN("snapshot-rewrite", a_rewrite_changes_what_it_should_and_no_other_byte,
          a_parent_is_added_where_libvirt_writes_it, a_parent_without_a_name_gets_one,
          a_renamed_image_is_renamed_in_every_source_of_a_disk_and_nowhere_else,
          what_is_on_record_of_a_disk_follows_its_image,
          a_change_that_cannot_stand_in_xml_is_refused, a_dump_is_the_element_without_active,
          everything_formatted_is_valid, usual_mistakes_are_not_valid,
          a_schema_that_cannot_be_read_is_an_error_of_its_own)
