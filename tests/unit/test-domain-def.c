/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/domain-def.h"
#include "unit/unit.h"

#define UUID "6b0e3a1c-2f4d-4a57-9c1e-0d5f8a7b3c21"

static struct domain_def *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct domain_def *def = domain_def_parse(text, strlen(text), "vm.xml", &error);

    ck_assert_msg(def != NULL, "%s", error ? error->message : "no error");
    return def;
}

static const struct domain_disk *
disk_at(const struct domain_def *def, unsigned index)
{
    ck_assert_uint_lt(index, def->disks->len);
    return g_ptr_array_index(def->disks, index);
}

/* How the corpus is rewritten: all hard disks go to a new qcow2 file, vdb to a block device. */
static char *
rewrite_all(const struct domain_def *def, GError **error)
{
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(struct domain_disk_change));
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    for (unsigned i = 0; i < def->disks->len; i++) {
        const struct domain_disk *disk = disk_at(def, i);
        bool block = strcmp(disk->target, "vdb") == 0;
        struct domain_disk_change change = {.target = disk->target, .format = "qcow2"};

        if (disk->device != DISK_DEVICE_DISK)
            continue;
        change.type = block ? DISK_TYPE_BLOCK : DISK_TYPE_FILE;
        change.source =
            g_strdup_printf(block ? "/dev/new/%s" : "/new/<%s> & 'co'.qcow2", disk->target);
        g_ptr_array_add(paths, (void *)change.source);
        g_array_append_val(changes, change);
    }
    return domain_def_rewrite(def, (struct domain_disk_change *)(void *)changes->data, changes->len,
                              false, error);
}

START_TEST(the_corpus_is_rewritten_as_expected)
{
    g_autofree char *in = unit_path("domain/in");
    g_autofree char *out = unit_path("domain/out");
    g_autoptr(GPtrArray) names = unit_list(in, ".xml");

    for (unsigned i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *text = unit_load(in, name, NULL);
        g_autofree char *expected = unit_load(out, name, NULL);
        scoped(domain_def) def = parse(text);
        g_autofree char *rewritten = rewrite_all(def, NULL);

        ck_assert_str_eq(def->document, text);
        ck_assert_ptr_nonnull(rewritten);
        ck_assert_msg(strcmp(rewritten, expected) == 0, "%s becomes:\n%s", name, rewritten);
    }
}
END_TEST

START_TEST(a_rewritten_domain_says_what_was_written)
{
    g_autofree char *out = unit_path("domain/out");
    g_autoptr(GPtrArray) names = unit_list(out, ".xml");

    for (unsigned i = 0; i < names->len; i++) {
        g_autofree char *text = unit_load(out, g_ptr_array_index(names, i), NULL);
        scoped(domain_def) def = parse(text);
        g_autofree char *again = rewrite_all(def, NULL);

        ck_assert_str_eq(again, text); /* nothing to change the second time */
        for (unsigned j = 0; j < def->disks->len; j++) {
            const struct domain_disk *disk = disk_at(def, j);
            bool block = strcmp(disk->target, "vdb") == 0;
            g_autofree char *path =
                g_strdup_printf(block ? "/dev/new/%s" : "/new/<%s> & 'co'.qcow2", disk->target);

            if (disk->device != DISK_DEVICE_DISK)
                continue;
            ck_assert_int_eq(disk->type, block ? DISK_TYPE_BLOCK : DISK_TYPE_FILE);
            ck_assert_str_eq(disk->source, path);
            ck_assert_str_eq(disk->format, "qcow2");
            ck_assert(!disk->layers && !disk->has_encryption && !disk->has_slices);
        }
    }
}
END_TEST

START_TEST(every_bad_domain_is_refused_with_its_message)
{
    g_autofree char *dir = unit_path("domain/bad");
    g_autoptr(GPtrArray) names = unit_list(dir, ".xml");

    for (unsigned i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        size_t length;
        g_autofree char *text = unit_load(dir, name, &length);
        GError *error = NULL;

        ck_assert_msg(domain_def_parse(text, length, name, &error) == NULL, "%s is taken", name);
        ck_assert(g_utf8_validate(error->message, -1, NULL));
        unit_check_expected(dir, name, &error);
    }
}
END_TEST

START_TEST(everything_that_we_ask_of_a_domain_is_read)
{
    scoped(domain_def) def =
        parse("<!-- x -->\n<domain type='kvm'><name>n &amp; m</name>"
              "<uuid> 6B0E3A1C2F4D4A579C1E0D5F8A7B3C21 </uuid>"
              "<os><loader readonly='yes' type='pflash'>/fw/code.fd</loader>"
              "<nvram template='/fw/vars.fd'>/var/n m.fd</nvram></os>"
              "<devices><tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>"
              "<interface type='user'><mac address='52:54:00:5c:fb:00'/></interface>"
              "<interface type='user'/></devices></domain>\n");
    g_autofree char *element = domain_def_element(def);

    ck_assert_str_eq(def->type, "kvm");
    ck_assert_str_eq(def->name, "n & m");
    ck_assert_str_eq(def->uuid, UUID);
    ck_assert_str_eq(def->loader, "/fw/code.fd");
    ck_assert_str_eq(def->nvram, "/var/n m.fd");
    ck_assert(def->has_tpm);
    ck_assert(def->lacks_mac);
    ck_assert_uint_eq(def->disks->len, 0);
    ck_assert(g_str_has_prefix(element, "<domain type") && g_str_has_suffix(element, "</domain>"));
}
END_TEST

START_TEST(what_is_not_there_is_null)
{
    scoped(domain_def) def =
        parse("<domain><name>n</name><os><loader/><nvram template='/x'/></os>"
              "<devices><tpm><backend type='passthrough'/></tpm><interface type='user'>"
              "<mac address='52:54:00:5c:fb:00'/></interface></devices></domain>");

    ck_assert_ptr_null(def->type);
    ck_assert_ptr_null(def->uuid);
    ck_assert_ptr_null(def->loader);
    ck_assert_ptr_null(def->nvram);
    ck_assert(!def->has_tpm);
    ck_assert(!def->lacks_mac);
}
END_TEST

START_TEST(nvram_may_be_a_source)
{
    scoped(domain_def) def = parse("<domain><name>n</name><os><nvram type='file'>\n"
                                   "<source file='/var/n.fd'/>\n</nvram></os></domain>");

    ck_assert_str_eq(def->nvram, "/var/n.fd");
}
END_TEST

START_TEST(disks_of_every_kind_are_read)
{
    static const struct {
        const char *disk; /* attributes, then content; %s is the target */
        struct domain_disk expected;
    } cases[] = {
        {"><source file='/a'/>", {.source = (char *)"/a", .has_source = true}},
        {" type='block'><driver type='raw'/><source dev='/dev/a'/>",
         {.type = DISK_TYPE_BLOCK,
          .format = (char *)"raw",
          .source = (char *)"/dev/a",
          .has_source = true}},
        {" type='dir'><source dir='/d'/>",
         {.type = DISK_TYPE_DIR, .source = (char *)"/d", .has_source = true}},
        {" type='network'><source protocol='nbd'><host name='h'/></source>",
         {.type = DISK_TYPE_NETWORK, .has_source = true}},
        {" type='volume'><source pool='p' volume='v'/>",
         {.type = DISK_TYPE_VOLUME, .has_source = true}},
        {" type='nvme'><source type='pci'><address domain='0'/></source>",
         {.type = DISK_TYPE_NVME, .has_source = true}},
        {" type='vhostuser'><source type='unix' path='/s'/>",
         {.type = DISK_TYPE_VHOSTUSER, .has_source = true}},
        {" type='vhostvdpa'><source dev='/dev/vhost-vdpa-0'/>",
         {.type = DISK_TYPE_VHOSTVDPA, .has_source = true}},
        {" type='holographic'><source crystal='7'/>",
         {.type = DISK_TYPE_OTHER, .has_source = true}},
        {" device='cdrom'>", {.device = DISK_DEVICE_CDROM, .readonly = true}},
        {" device='cdrom'><source file=''/>", {.device = DISK_DEVICE_CDROM, .readonly = true}},
        {" device='floppy'><source startupPolicy='optional'/>", {.device = DISK_DEVICE_FLOPPY}},
        {" device='lun' type='block'><source dev='/dev/s'/><shareable/>",
         {.device = DISK_DEVICE_LUN,
          .type = DISK_TYPE_BLOCK,
          .source = (char *)"/dev/s",
          .has_source = true,
          .shareable = true}},
        {" type='file'><source dev='/not/this'/>", {.type = DISK_TYPE_FILE}},
        {"><source file='/a'/><readonly/><transient/>",
         {.source = (char *)"/a", .has_source = true, .readonly = true, .transient = true}},
        {"><source file='/a'><encryption format='luks'/></source>",
         {.source = (char *)"/a", .has_source = true, .has_encryption = true}},
        {"><source file='/a'/><encryption format='qcow'/>",
         {.source = (char *)"/a", .has_source = true, .has_encryption = true}},
        {"><source file='/a'><slices/></source>",
         {.source = (char *)"/a", .has_source = true, .has_slices = true}},
        {" snapshot='no'>", {.snapshot = SNAPSHOT_LOCATION_NO}},
        {" snapshot='internal'>", {.snapshot = SNAPSHOT_LOCATION_INTERNAL}},
        {" snapshot='external'>", {.snapshot = SNAPSHOT_LOCATION_EXTERNAL}},
        {" snapshot='manual'>", {.snapshot = SNAPSHOT_LOCATION_MANUAL}},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const struct domain_disk *expected = &cases[i].expected;
        g_autofree char *text = g_strdup_printf("<domain><name>n</name><devices><disk%s"
                                                "<target dev='vda'/></disk></devices></domain>",
                                                cases[i].disk);
        scoped(domain_def) def = parse(text);
        const struct domain_disk *disk = disk_at(def, 0);

        ck_assert_str_eq(disk->target, "vda");
        ck_assert_msg(disk->type == expected->type && disk->device == expected->device &&
                          disk->snapshot == expected->snapshot &&
                          g_strcmp0(disk->format, expected->format) == 0 &&
                          g_strcmp0(disk->source, expected->source) == 0,
                      "%s", cases[i].disk);
        ck_assert_msg(disk->has_source == expected->has_source &&
                          disk->readonly == expected->readonly &&
                          disk->shareable == expected->shareable &&
                          disk->transient == expected->transient &&
                          disk->has_encryption == expected->has_encryption &&
                          disk->has_slices == expected->has_slices && !disk->layers,
                      "%s", cases[i].disk);
    }
}
END_TEST

#define LAYER(format, source, below)                                                               \
    "<backingStore type='file'><format type='" format "'/><source " source "/>" below              \
    "</backingStore>"

START_TEST(what_the_chain_of_a_disk_is_said_to_be_is_read)
{
    static const struct {
        const char *chain;
        const char *expected; /* of each layer format and source; "." for the end */
    } cases[] = {
        {"<backingStore/>", "."},
        {"<backingStore type='file'><format type='raw'/></backingStore>", "."},
        {LAYER("qcow2", "file='/b'", ""), "qcow2=/b "},
        {LAYER("qcow2", "file='/b'", "<backingStore/>"), "qcow2=/b ."},
        {LAYER("qcow2", "file='/b'", LAYER("raw", "file='/c' index='3'", "<backingStore/>")),
         "qcow2=/b raw=/c ."},
        {"<backingStore type='block'><source dev='/dev/b'/></backingStore>", "(none)=/dev/b "},
        {"<backingStore type='network'><format type='raw'/><source protocol='nbd'/>"
         "</backingStore>",
         "raw=(none) "},
        {"<backingStore><format type='raw'/><source file='/b'><slices/></source></backingStore>",
         "raw=(none) "},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = g_strdup_printf("<domain><name>n</name><devices><disk>"
                                                "<source file='/a'/>%s<target dev='vda'/></disk>"
                                                "</devices></domain>",
                                                cases[i].chain);
        scoped(domain_def) parsed = parse(text);
        scoped(domain_def) def = domain_def_copy(parsed);
        const struct domain_disk *disk = disk_at(def, 0);
        g_autoptr(GString) read = g_string_new(NULL);

        for (guint j = 0; j < disk->layers->len; j++) {
            const struct domain_layer *layer = g_ptr_array_index(disk->layers, j);

            g_string_append_printf(read, "%s=%s ", layer->format ? layer->format : "(none)",
                                   layer->source ? layer->source : "(none)");
        }
        g_string_append(read, disk->layers_end ? "." : "");
        ck_assert_str_eq(read->str, cases[i].expected);
    }
}
END_TEST

START_TEST(a_disk_that_stays_loses_only_what_its_chain_is_said_to_be)
{
    static const char text[] = "<domain><name>n</name><devices>\n<disk>\n"
                               "<source file='/a'><slices/></source>\n%s"
                               "<encryption format='qcow'/><target dev='vda'/></disk></devices>"
                               "</domain>";
    static const struct domain_disk_change change = {.target = "vda"};
    g_autofree char *with =
        unit_replace(text, "%s", LAYER("qcow2", "file='/b'", "<backingStore/>") "\n");
    g_autofree char *without = unit_replace(text, "%s", "");
    scoped(domain_def) def = parse(with);
    g_autofree char *result = domain_def_rewrite(def, &change, 1, false, NULL);

    ck_assert_str_eq(result, without);
}
END_TEST

static const char two_sources[] =
    "<domain type='kvm'><name>n</name><devices>"
    "<disk><source file='/one'/><target dev='vda'/></disk>"
    "<disk><source file='/two'/><target dev='vdb'/></disk>"
    "<disk><source file='/two'/><target dev='vdc'/></disk>"
    "<disk type='network'><source protocol='nbd'/><target dev='vdd'/></disk>"
    "</devices></domain>";

START_TEST(a_disk_is_found_by_target_or_by_its_only_source)
{
    scoped(domain_def) def = parse(two_sources);
    GError *error = NULL;

    ck_assert_ptr_eq(domain_def_find_disk(def, "vdb", NULL), disk_at(def, 1));
    ck_assert_ptr_eq(domain_def_find_disk(def, "/one", NULL), disk_at(def, 0));
    ck_assert_ptr_null(domain_def_find_disk(def, "/two", &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "more than one disk has the source '/two'");
    ck_assert_ptr_null(domain_def_find_disk(def, "vde", &error));
    unit_assert_error(error, OFFSHOT_ERROR_NOT_FOUND, "no disk named 'vde'");
}
END_TEST

START_TEST(a_rewrite_of_a_disk_that_is_not_there_fails)
{
    const struct domain_disk_change change = {"sda", DISK_TYPE_FILE, "/new", NULL};
    scoped(domain_def) def = parse(two_sources);
    GError *error = NULL;

    ck_assert_ptr_null(domain_def_rewrite(def, &change, 1, false, &error));
    unit_assert_error(error, OFFSHOT_ERROR_NOT_FOUND, "no disk named 'sda'");
}
END_TEST

START_TEST(a_path_that_cannot_stand_in_xml_is_refused)
{
    static const char *const paths[] = {"/caf\xe9", "/bell\x07", "/\xef\xbf\xbf"};
    scoped(domain_def) def = parse(two_sources);

    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
        const struct domain_disk_change change = {"vda", DISK_TYPE_FILE, paths[i], NULL};
        GError *error = NULL;

        ck_assert_ptr_null(domain_def_rewrite(def, &change, 1, false, &error));
        unit_assert_error(error, OFFSHOT_ERROR_USAGE, "disk 'vda' cannot be written in XML");
    }
}
END_TEST

START_TEST(nasty_paths_are_read_back_as_they_were_written)
{
    static const char *const paths[] = {
        "/a b,c:d%s\\",
        "/'single' \"double\"",
        "/<&>\t\n\r end ",
        "/-",
        "/größe/\xf0\x9f\x92\xbe",
        "/&amp;&#10;",
        "/]]>",
        "/<!--",
    };
    static const char *const documents[] = {
        two_sources,
        "<domain><name>n</name><devices><disk type=\"block\"><source dev=\"/x\"/>"
        "<target dev=\"vda\"/></disk></devices></domain>",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(paths) * G_N_ELEMENTS(documents); i++) {
        const char *path = paths[i / G_N_ELEMENTS(documents)];
        const struct domain_disk_change change = {"vda", DISK_TYPE_FILE, path, NULL};
        scoped(domain_def) def = parse(documents[i % G_N_ELEMENTS(documents)]);
        g_autofree char *text = domain_def_rewrite(def, &change, 1, false, NULL);
        scoped(domain_def) again = parse(text);

        ck_assert_str_eq(disk_at(again, 0)->source, path);
        ck_assert_ptr_null(disk_at(again, 0)->format); /* NULL leaves the driver alone */
    }
}
END_TEST

START_TEST(the_element_alone_is_rewritten_without_what_is_around_it)
{
    const struct domain_disk_change change = {"vda", DISK_TYPE_FILE, "/new", NULL};
    g_autofree char *text =
        g_strdup_printf("<?xml version='1.0'?>\n<!-- a -->\n%s<!-- b -->\n", two_sources);
    g_autofree char *expected = unit_replace(two_sources, "/one", "/new");
    scoped(domain_def) def = parse(text);
    g_autofree char *element = domain_def_rewrite(def, &change, 1, true, NULL);

    ck_assert_str_eq(element, expected);
}
END_TEST

START_TEST(no_change_changes_no_byte)
{
    g_autofree char *in = unit_path("domain/in");
    g_autoptr(GPtrArray) names = unit_list(in, ".xml");

    for (unsigned i = 0; i < names->len; i++) {
        g_autofree char *text = unit_load(in, g_ptr_array_index(names, i), NULL);
        scoped(domain_def) def = parse(text);
        g_autofree char *same = domain_def_rewrite(def, NULL, 0, false, NULL);

        ck_assert_str_eq(same, text);
    }
}
END_TEST

START_TEST(more_than_one_mebibyte_is_refused)
{
    g_autoptr(GString) text = g_string_new("<domain><name>n</name>");
    GError *error = NULL;

    while (text->len < 1024 * 1024 - strlen("</domain>"))
        g_string_append_c(text, ' ');
    g_string_append(text, "</domain>");
    domain_def_free(parse(text->str)); /* exactly 1 MiB */
    g_string_append_c(text, '\n');
    ck_assert_ptr_null(domain_def_parse(text->str, text->len, "vm.xml", &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "vm.xml: larger than 1 MiB");
}
END_TEST

START_TEST(a_rewrite_beyond_one_mebibyte_is_refused)
{
    const struct domain_disk_change change = {"vda", DISK_TYPE_FILE, "/a/longer/path", NULL};
    g_autofree char *blanks = g_strnfill(1024 * 1024 - sizeof(two_sources), ' ');
    g_autofree char *text = g_strconcat(two_sources, blanks, NULL);
    scoped(domain_def) def = parse(text);
    GError *error = NULL;

    ck_assert_ptr_null(domain_def_rewrite(def, &change, 1, false, &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "larger than 1 MiB");
}
END_TEST

/* A domain with COUNT times ITEM (a number for each '#') must fail with FRAGMENT. */
static void
check_too_many(const char *item, unsigned count, const char *fragment)
{
    g_autoptr(GString) text = g_string_new("<domain><name>n</name>\n<devices>");
    GError *error = NULL;

    for (unsigned i = 0; i < count; i++) {
        g_autofree char *number = g_strdup_printf("%u", i);
        g_autofree char *one = strchr(item, '#') ? unit_replace(item, "#", number) : g_strdup(item);

        g_string_append(text, one);
    }
    g_string_append(text, "</devices></domain>");
    ck_assert_uint_lt(text->len, 1024 * 1024);
    ck_assert_ptr_null(domain_def_parse(text->str, text->len, "vm.xml", &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, fragment);
}

START_TEST(absurd_numbers_of_things_are_refused)
{
    check_too_many("<a/>", 200000, "vm.xml:2: too many elements");
    check_too_many("<disk><target dev='vd#'/></disk>", 10001, "vm.xml:2: more than 10000 disks");
}
END_TEST

START_TEST(a_big_document_is_rewritten_at_the_right_place)
{
    g_autoptr(GString) text = g_string_new("<domain type='kvm'>\n  <name>n</name>\n  <devices>\n");
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(struct domain_disk_change));
    g_autofree char *rewritten = NULL;
    g_autofree char *moved = NULL;
    g_autofree char *expected = NULL;
    scoped(domain_def) def = NULL;

    for (unsigned i = 0; i < 3000; i++)
        g_string_append_printf(text,
                               "    <!-- größe %u <source file='/%u'/> -->\r\n"
                               "    <disk type='file' device='disk'><![CDATA[ <> ]]>\n"
                               "      <driver name=\"qemu\" type='qcow2'/>\n"
                               "      <source file='/old/ÿ%u>.img'/>\n"
                               "      <target dev='vd%u'/>\n    </disk>\n",
                               i, i, i, i);
    g_string_append(text, "  </devices>\n</domain>\n");
    def = parse(text->str);
    ck_assert_uint_eq(def->disks->len, 3000);
    for (unsigned i = 0; i < 3000; i++) {
        struct domain_disk_change change = {disk_at(def, i)->target, DISK_TYPE_FILE,
                                            disk_at(def, i)->source, "qcow2"};

        change.source = strstr(change.source, "ÿ"); /* drops "/old/" */
        g_array_append_val(changes, change);
    }
    rewritten = domain_def_rewrite(def, (struct domain_disk_change *)(void *)changes->data,
                                   changes->len, false, NULL);
    moved = unit_replace(text->str, "/old/", "");
    expected = unit_replace(moved, ">.img", "&gt;.img"); /* a new value is escaped */
    ck_assert_str_eq(rewritten, expected);
}
END_TEST

UNIT_MAIN("domain-def", the_corpus_is_rewritten_as_expected,
          a_rewritten_domain_says_what_was_written, every_bad_domain_is_refused_with_its_message,
          everything_that_we_ask_of_a_domain_is_read, what_is_not_there_is_null,
          nvram_may_be_a_source, disks_of_every_kind_are_read,
          what_the_chain_of_a_disk_is_said_to_be_is_read,
          a_disk_that_stays_loses_only_what_its_chain_is_said_to_be,
          a_disk_is_found_by_target_or_by_its_only_source,
          a_rewrite_of_a_disk_that_is_not_there_fails, a_path_that_cannot_stand_in_xml_is_refused,
          nasty_paths_are_read_back_as_they_were_written,
          the_element_alone_is_rewritten_without_what_is_around_it, no_change_changes_no_byte,
          more_than_one_mebibyte_is_refused, a_rewrite_beyond_one_mebibyte_is_refused,
          absurd_numbers_of_things_are_refused, a_big_document_is_rewritten_at_the_right_place)
