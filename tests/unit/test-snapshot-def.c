/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-def.h"
#include "unit/unit.h"

#define START "<domainsnapshot><name>x</name><state>shutoff</state><creationTime>1</creationTime>"
#define END_ACTIVE "<active>0</active></domainsnapshot>"

static struct snapshot_def *
parse(const char *text, enum snapshot_def_source source)
{
    g_autoptr(GError) error = NULL;
    struct snapshot_def *def = snapshot_def_parse(text, strlen(text), "s.xml", source, &error);

    ck_assert_msg(def != NULL, "%s", error ? error->message : "no error");
    return def;
}

static char *
format(const struct snapshot_def *def, bool with_active)
{
    g_autoptr(GError) error = NULL;
    char *text = snapshot_def_format(def, with_active, &error);

    ck_assert_msg(text != NULL, "%s", error ? error->message : "no error");
    return text;
}

static const struct snapshot_disk *
disk_at(const struct snapshot_def *def, unsigned index)
{
    ck_assert_uint_lt(index, def->disks->len);
    return g_ptr_array_index(def->disks, index);
}

/* What a file of the corpus is for is said by its name. */
static enum snapshot_def_source
source_of(const char *name)
{
    if (g_str_has_prefix(name, "request"))
        return SNAPSHOT_DEF_REQUEST;
    return g_str_has_prefix(name, "redefine") ? SNAPSHOT_DEF_REDEFINE : SNAPSHOT_DEF_STORED;
}

static void
check_corpus(const char *from)
{
    g_autofree char *in = unit_path(from);
    g_autofree char *out = unit_path("snapshot/out");
    g_autoptr(GPtrArray) names = unit_list(in, ".xml");

    for (unsigned i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *text = unit_load(in, name, NULL);
        g_autofree char *expected = unit_load(out, name, NULL);
        scoped(snapshot_def) def = parse(text, source_of(name));
        g_autofree char *formatted = format(def, source_of(name) == SNAPSHOT_DEF_STORED);

        ck_assert_str_eq(def->document, text);
        ck_assert_msg(strcmp(formatted, expected) == 0, "%s becomes:\n%s", name, formatted);
    }
}

START_TEST(the_corpus_is_formatted_as_expected)
{
    check_corpus("snapshot/in");
}
END_TEST

START_TEST(what_was_formatted_is_formatted_the_same_again)
{
    check_corpus("snapshot/out");
}
END_TEST

START_TEST(every_bad_snapshot_is_refused_with_its_message)
{
    g_autofree char *dir = unit_path("snapshot/bad");
    g_autoptr(GPtrArray) names = unit_list(dir, ".xml");

    for (unsigned i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        size_t length;
        g_autofree char *text = unit_load(dir, name, &length);
        GError *error = NULL;

        ck_assert_msg(!snapshot_def_parse(text, length, name, source_of(name), &error),
                      "%s is taken", name);
        ck_assert(g_utf8_validate(error->message, -1, NULL));
        unit_check_expected(dir, name, &error);
    }
}
END_TEST

START_TEST(every_element_is_read)
{
    g_autofree char *in = unit_path("snapshot/in");
    g_autofree char *text = unit_load(in, "running.xml", NULL);
    scoped(snapshot_def) def = parse(text, SNAPSHOT_DEF_STORED);

    ck_assert_str_eq(def->name, "live");
    ck_assert_ptr_null(def->description);
    ck_assert_str_eq(def->state, "running");
    ck_assert_ptr_null(def->parent);
    ck_assert_int_eq(def->creation_time, 1767225601);
    ck_assert_int_eq(def->memory, SNAPSHOT_LOCATION_EXTERNAL);
    ck_assert_str_eq(def->memory_file, "/var/lib/libvirt/qemu/save/live.mem");
    ck_assert_uint_eq(def->disks->len, 3);
    ck_assert_str_eq(disk_at(def, 0)->source, "/srv/images/root.live");
    ck_assert_int_eq(disk_at(def, 1)->type, DISK_TYPE_NETWORK);
    ck_assert(disk_at(def, 1)->has_source && !disk_at(def, 1)->source);
    ck_assert_int_eq(disk_at(def, 2)->type, DISK_TYPE_BLOCK);
    ck_assert_str_eq(def->domain->name, "builder");
    ck_assert_str_eq(def->inactive_domain->name, "builder");
    ck_assert(g_str_has_prefix(def->inactive_domain->document, "<domain "));
    ck_assert(g_str_has_suffix(def->inactive_domain->document, "</domain>"));
    ck_assert(g_str_has_prefix(def->cookie, "<cookie>"));
    ck_assert(def->has_active && !def->active);
}
END_TEST

START_TEST(a_request_ignores_what_is_not_for_the_user_to_say)
{
    g_autofree char *in = unit_path("snapshot/in");
    g_autofree char *text = unit_load(in, "request.xml", NULL);
    scoped(snapshot_def) def = parse(text, SNAPSHOT_DEF_REQUEST);

    ck_assert_str_eq(def->name, "wish");
    ck_assert_ptr_null(def->state);
    ck_assert_ptr_null(def->parent);
    ck_assert_ptr_null(def->domain);
    ck_assert_int_eq(def->creation_time, -1);
    ck_assert_str_eq(disk_at(def, 3)->source, "/srv/it's \"\n\t<new>");
}
END_TEST

START_TEST(the_mode_of_a_disk_follows_from_what_it_has)
{
    static const struct {
        const char *disk;
        enum snapshot_location expected;
    } cases[] = {
        {"<disk name='a'/>", SNAPSHOT_LOCATION_DEFAULT},
        {"<disk name='a' type='block'/>", SNAPSHOT_LOCATION_DEFAULT},
        {"<disk name='a'><driver/><source/></disk>", SNAPSHOT_LOCATION_DEFAULT},
        {"<disk name='a'><source file=''/></disk>", SNAPSHOT_LOCATION_DEFAULT},
        {"<disk name='a'><source file='/x'/></disk>", SNAPSHOT_LOCATION_EXTERNAL},
        {"<disk name='a'><driver type='qed'/></disk>", SNAPSHOT_LOCATION_EXTERNAL},
        {"<disk name='a' type='network'><source protocol='nbd'/></disk>",
         SNAPSHOT_LOCATION_EXTERNAL},
        {"<disk name='a' snapshot='no'><driver type='qed'/></disk>", SNAPSHOT_LOCATION_NO},
        {"<disk name='a' snapshot='internal'/>", SNAPSHOT_LOCATION_INTERNAL},
        {"<disk name='a' snapshot='manual'/>", SNAPSHOT_LOCATION_MANUAL},
        {"<disk name='a' snapshot='external'/>", SNAPSHOT_LOCATION_EXTERNAL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strdup_printf("<domainsnapshot><disks>%s</disks></domainsnapshot>", cases[i].disk);
        scoped(snapshot_def) def = parse(text, SNAPSHOT_DEF_REQUEST);

        ck_assert_msg(disk_at(def, 0)->snapshot == cases[i].expected, "%s", cases[i].disk);
    }
}
END_TEST

START_TEST(memory_that_is_not_said_follows_from_the_state)
{
    static const struct {
        const char *state;
        const char *memory;
        enum snapshot_location expected;
    } cases[] = {
        {"shutoff", "", SNAPSHOT_LOCATION_NO},
        {"disk-snapshot", "<memory/>", SNAPSHOT_LOCATION_NO},
        {"running", "", SNAPSHOT_LOCATION_INTERNAL},
        {"paused", "<memory/>", SNAPSHOT_LOCATION_INTERNAL},
        {"pmsuspended", "", SNAPSHOT_LOCATION_INTERNAL},
        {"nostate", "", SNAPSHOT_LOCATION_INTERNAL},
        {"crashed", "<memory snapshot='no'/>", SNAPSHOT_LOCATION_NO},
        {"blocked", "<memory file='/m'/>", SNAPSHOT_LOCATION_EXTERNAL},
        {"shutdown", "<memory snapshot='external' file='/m'/>", SNAPSHOT_LOCATION_EXTERNAL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strdup_printf("<domainsnapshot><name>x</name><creationTime>1</creationTime>"
                            "%s<state>%s</state>" END_ACTIVE,
                            cases[i].memory, cases[i].state);
        scoped(snapshot_def) def = parse(text, SNAPSHOT_DEF_STORED);

        ck_assert_msg(def->memory == cases[i].expected, "%s", cases[i].state);
    }
    snapshot_def_free(parse("<domainsnapshot/>", SNAPSHOT_DEF_REQUEST));
}
END_TEST

START_TEST(external_goes_before_internal_goes_before_none)
{
    static const struct {
        enum snapshot_location memory;
        enum snapshot_location disk;
        enum snapshot_location expected;
    } cases[] = {
        {SNAPSHOT_LOCATION_NO, SNAPSHOT_LOCATION_NO, SNAPSHOT_LOCATION_NO},
        {SNAPSHOT_LOCATION_NO, SNAPSHOT_LOCATION_MANUAL, SNAPSHOT_LOCATION_NO},
        {SNAPSHOT_LOCATION_NO, SNAPSHOT_LOCATION_INTERNAL, SNAPSHOT_LOCATION_INTERNAL},
        {SNAPSHOT_LOCATION_INTERNAL, SNAPSHOT_LOCATION_NO, SNAPSHOT_LOCATION_INTERNAL},
        {SNAPSHOT_LOCATION_INTERNAL, SNAPSHOT_LOCATION_EXTERNAL, SNAPSHOT_LOCATION_EXTERNAL},
        {SNAPSHOT_LOCATION_EXTERNAL, SNAPSHOT_LOCATION_INTERNAL, SNAPSHOT_LOCATION_EXTERNAL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        scoped(snapshot_def) def = snapshot_def_new();
        struct snapshot_disk *disk = snapshot_disk_new("vda");

        def->memory = cases[i].memory;
        disk->snapshot = cases[i].disk;
        g_ptr_array_add(def->disks, disk);
        ck_assert_int_eq(snapshot_def_location(def), cases[i].expected);
    }
}
END_TEST

START_TEST(the_frozen_image_is_that_of_the_embedded_domain)
{
    scoped(snapshot_def) def =
        parse(START "<disks><disk name='vda' snapshot='external'/>"
                    "<disk name='vdb' snapshot='no'/><disk name='vdc' snapshot='internal'/>"
                    "<disk name='vdd' snapshot='external'/><disk name='vde' snapshot='external'/>"
                    "</disks><domain type='kvm'><name>n</name><devices>"
                    "<disk><source file='/a'/><target dev='vda'/></disk>"
                    "<disk><source file='/b'/><target dev='vdb'/></disk>"
                    "<disk type='block'><source dev='/c'/><target dev='vdc'/></disk>"
                    "<disk type='network'><source protocol='nbd'/><target dev='vdd'/></disk>"
                    "</devices></domain>" END_ACTIVE,
              SNAPSHOT_DEF_STORED);

    ck_assert_str_eq(snapshot_def_frozen_path(def, "vda"), "/a");
    ck_assert_ptr_null(snapshot_def_frozen_path(def, "vdb")); /* not covered */
    ck_assert_str_eq(snapshot_def_frozen_path(def, "vdc"), "/c");
    ck_assert_ptr_null(snapshot_def_frozen_path(def, "vdd")); /* no path */
    ck_assert_ptr_null(snapshot_def_frozen_path(def, "vde")); /* not in the domain */
    ck_assert_ptr_null(snapshot_def_frozen_path(def, "vdf"));
    ck_assert_ptr_null(snapshot_def_frozen_path(def, "/a"));
}
END_TEST

static void
add_disk(struct snapshot_def *def, const char *name, enum snapshot_location location,
         enum disk_type type, const char *source)
{
    struct snapshot_disk *disk = snapshot_disk_new(name);

    disk->snapshot = location;
    disk->type = type;
    disk->source = g_strdup(source);
    disk->has_source = source != NULL;
    disk->format = source ? g_strdup("qcow2") : NULL;
    g_ptr_array_add(def->disks, disk);
}

START_TEST(a_definition_made_by_us_has_the_form_of_libvirt)
{
    static const char domain[] = "<domain type='kvm'>\n  <name>n</name>\n</domain>";
    scoped(snapshot_def) def = snapshot_def_new();
    g_autofree char *text = NULL;

    def->name = g_strdup("it's");
    def->description = g_strdup("<a>\t\r\n");
    def->state = g_strdup("shutoff");
    def->parent = g_strdup("p");
    def->creation_time = 7;
    def->memory = SNAPSHOT_LOCATION_NO;
    def->active = true;
    add_disk(def, "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_FILE, "/a\n'b'");
    add_disk(def, "vdb", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_BLOCK, "/dev/b");
    add_disk(def, "vdc", SNAPSHOT_LOCATION_NO, DISK_TYPE_FILE, NULL);
    def->domain = domain_def_parse(domain, strlen(domain), "vm.xml", NULL);
    text = format(def, true);
    ck_assert_str_eq(strstr(text, "<domainsnapshot>"),
                     "<domainsnapshot>\n"
                     "  <name>it&apos;s</name>\n"
                     "  <description>&lt;a&gt;\t&#13;\n</description>\n"
                     "  <state>shutoff</state>\n"
                     "  <parent>\n    <name>p</name>\n  </parent>\n"
                     "  <creationTime>7</creationTime>\n"
                     "  <memory snapshot='no'/>\n"
                     "  <disks>\n"
                     "    <disk name='vda' snapshot='external' type='file'>\n"
                     "      <driver type='qcow2'/>\n"
                     "      <source file='/a&#10;&apos;b&apos;'/>\n"
                     "    </disk>\n"
                     "    <disk name='vdb' snapshot='external' type='block'>\n"
                     "      <driver type='qcow2'/>\n"
                     "      <source dev='/dev/b'/>\n"
                     "    </disk>\n"
                     "    <disk name='vdc' snapshot='no'/>\n"
                     "  </disks>\n"
                     "  <domain type='kvm'>\n  <name>n</name>\n</domain>\n"
                     "  <active>1</active>\n"
                     "</domainsnapshot>\n");
    ck_assert(g_str_has_prefix(text, "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE."));
}
END_TEST

START_TEST(text_that_cannot_stand_in_xml_is_refused)
{
    static const char *const bad[] = {"caf\xe9", "bell\x07", "\xef\xbf\xbe"};

    for (size_t i = 0; i < G_N_ELEMENTS(bad) * 4; i++) {
        scoped(snapshot_def) def = snapshot_def_new();
        const char *text = bad[i / 4];
        GError *error = NULL;

        def->name = g_strdup(i % 4 == 0 ? text : "x");
        def->description = g_strdup(i % 4 == 1 ? text : "x");
        def->memory_file = g_strdup(i % 4 == 2 ? text : "/x");
        add_disk(def, "vda", SNAPSHOT_LOCATION_EXTERNAL, DISK_TYPE_FILE, i % 4 == 3 ? text : "/x");
        ck_assert_ptr_null(snapshot_def_format(def, true, &error));
        unit_assert_error(error, OFFSHOT_ERROR_USAGE, "cannot be written in XML");
    }
}
END_TEST

/* One disk as it is read, what is then set, and what is written. */
START_TEST(a_disk_that_was_read_is_changed_in_place)
{
    static const struct {
        const char *disk;
        struct snapshot_disk set;
        const char *expected;
    } cases[] = {
        {"<disk name='vda'/>",
         {.name = (char *)"vda",
          .snapshot = SNAPSHOT_LOCATION_EXTERNAL,
          .source = (char *)"/o",
          .format = (char *)"qcow2"},
         "<disk name='vda' snapshot='external' type='file'>\n"
         "      <driver type='qcow2'/>\n      <source file='/o'/>\n    </disk>"},
        {"<disk name='vda'></disk>",
         {.name = (char *)"vda", .snapshot = SNAPSHOT_LOCATION_DEFAULT},
         "<disk name='vda'/>"},
        {"<disk snapshot=\"external\" name=\"/srv/a.img\" ><!-- c --></disk>",
         {.name = (char *)"vda",
          .snapshot = SNAPSHOT_LOCATION_EXTERNAL,
          .source = (char *)"/o",
          .type = DISK_TYPE_BLOCK},
         "<disk snapshot=\"external\" name=\"vda\" type=\"block\" ><!-- c --><source dev='/o'/>"
         "</disk>"},
        {"<disk name='vda'><driver type='qed'><metadata_cache/></driver></disk>",
         {.name = (char *)"vda",
          .snapshot = SNAPSHOT_LOCATION_EXTERNAL,
          .source = (char *)"/o",
          .format = (char *)"qed"},
         "<disk name='vda' snapshot='external' type='file'><driver type='qed'><metadata_cache/>"
         "</driver><source file='/o'/></disk>"},
        {"<disk name='vda' type='block'><source dev='/x'><slices/></source></disk>",
         {.name = (char *)"vda",
          .snapshot = SNAPSHOT_LOCATION_EXTERNAL,
          .source = (char *)"/x",
          .format = (char *)"qcow2",
          .type = DISK_TYPE_BLOCK},
         "<disk name='vda' type='block' snapshot='external'><driver type='qcow2'/>"
         "<source dev='/x'><slices/></source></disk>"},
        {"<disk name='vda' snapshot='external'><driver type='raw'/><source file='/x'/></disk>",
         {.name = (char *)"vda", .snapshot = SNAPSHOT_LOCATION_NO},
         "<disk name='vda' snapshot='no'/>"},
        {"<disk name='vda' snapshot='external' x='1'><driver type='raw'/>"
         "<source file='/x'/></disk>",
         {.name = (char *)"vda", .snapshot = SNAPSHOT_LOCATION_NO},
         "<disk name='vda' snapshot='no' x='1'><driver/></disk>"},
        {"<disk name='vda' type='network'><source protocol='nbd'><host name='h'/></source></disk>",
         {.name = (char *)"vdz",
          .snapshot = SNAPSHOT_LOCATION_EXTERNAL,
          .type = DISK_TYPE_NETWORK,
          .has_source = true},
         "<disk name='vdz' type='network' snapshot='external'><source protocol='nbd'>"
         "<host name='h'/></source></disk>"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text =
            g_strdup_printf("<domainsnapshot><disks>%s</disks></domainsnapshot>", cases[i].disk);
        g_autofree char *expected = g_strdup_printf("    %s\n", cases[i].expected);
        g_autofree char *formatted = NULL;
        scoped(snapshot_def) def = parse(text, SNAPSHOT_DEF_REQUEST);
        struct snapshot_disk *disk = g_ptr_array_index(def->disks, 0);
        struct snapshot_disk old = *disk;

        *disk = cases[i].set;
        disk->element = old.element;
        formatted = format(def, false);
        *disk = old;
        ck_assert_msg(strstr(formatted, expected) != NULL, "%s\nnot:\n%s", expected, formatted);
    }
}
END_TEST

START_TEST(what_could_not_be_read_again_is_not_written)
{
    scoped(snapshot_def) def = snapshot_def_new();
    GError *error = NULL;

    def->name = g_strdup("x");
    def->description = g_strnfill(1024 * 1024, 'x');
    ck_assert_ptr_null(snapshot_def_format(def, true, &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "larger than 1 MiB");
    g_clear_pointer(&def->description, g_free);
    def->cookie = g_strdup("<cookie>");
    for (int i = 0; i < 300; i++) {
        g_autofree char *old = def->cookie;

        def->cookie = g_strconcat(old, "<a>", NULL);
    }
    ck_assert_ptr_null(snapshot_def_format(def, true, &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "nested too deep");
}
END_TEST

UNIT_MAIN("snapshot-def", the_corpus_is_formatted_as_expected,
          what_was_formatted_is_formatted_the_same_again,
          every_bad_snapshot_is_refused_with_its_message, every_element_is_read,
          a_request_ignores_what_is_not_for_the_user_to_say,
          the_mode_of_a_disk_follows_from_what_it_has,
          memory_that_is_not_said_follows_from_the_state,
          external_goes_before_internal_goes_before_none,
          the_frozen_image_is_that_of_the_embedded_domain,
          a_definition_made_by_us_has_the_form_of_libvirt, text_that_cannot_stand_in_xml_is_refused,
          a_disk_that_was_read_is_changed_in_place, what_could_not_be_read_again_is_not_written)
