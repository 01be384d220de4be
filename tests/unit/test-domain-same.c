/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/domain-def.h"
#include "unit/unit.h"

#define DOMAIN(inside) "<domain type='kvm'><name>vm</name>" inside "</domain>"

static struct domain_def *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct domain_def *def = domain_def_parse(text, strlen(text), "vm.xml", &error);

    ck_assert_msg(def != NULL, "%s: %s", text, error ? error->message : "no error");
    return def;
}

static const struct pair {
    const char *one;
    const char *two;
} same[] =
    {
        {DOMAIN(""), DOMAIN("")},
        {DOMAIN(""), "<!-- header -->\n<domain type=\"kvm\">\n  <name>vm</name>\n</domain>\n"},
        {DOMAIN("<a b='1' c='2'/>"), DOMAIN("<a\nc=\"2\"\tb='1' ></a >")},
        {DOMAIN("<a/>"), DOMAIN("<a><!-- nothing --> </a>")},
        {DOMAIN("<a>text</a>"), DOMAIN("<a>te<!-- in the middle -->xt</a>")},
        {DOMAIN("<a>&lt;b&amp;</a>"), DOMAIN("<a><![CDATA[<b&]]></a>")},
        {DOMAIN("<a b='&#65;&quot;'/>"), DOMAIN("<a b='A\"'/>")},
        {DOMAIN("<m><x:a xmlns:x='urn:1' x:b='2'/></m>"),
         DOMAIN("<m xmlns:y='urn:1'><y:a y:b='2'/></m>")},
        {DOMAIN("<a><?pi 1?></a>"), DOMAIN("<a/>")},
},
  different[] = {
      {DOMAIN(""), "<domain type='qemu'><name>vm</name></domain>"},
      {DOMAIN(""), "<domain type='kvm'><name>wm</name></domain>"},
      {DOMAIN("<a/>"), DOMAIN("")},
      {DOMAIN("<a/><b/>"), DOMAIN("<b/><a/>")},
      {DOMAIN("<a><b/></a>"), DOMAIN("<a/><b/>")},
      {DOMAIN("<a b='1'/>"), DOMAIN("<a/>")},
      {DOMAIN("<a b='1'/>"), DOMAIN("<a b='1 '/>")},
      {DOMAIN("<a b='1'/>"), DOMAIN("<a><b>1</b></a>")},
      {DOMAIN("<a>x</a>"), DOMAIN("<a> x</a>")},
      {DOMAIN("<a>x<b/></a>"), DOMAIN("<a><b/>x</a>")},
      {DOMAIN("<a>&lt;b>&lt;/></a>"), DOMAIN("<a><b/></a>")},
      {DOMAIN("<a b='&apos; c=&apos;1'/>"), DOMAIN("<a b='' c='1'/>")},
      {DOMAIN("<m><x:a xmlns:x='urn:1'/></m>"), DOMAIN("<m><x:a xmlns:x='urn:2'/></m>")},
      {DOMAIN("<m><x:a xmlns:x='urn:1'/></m>"), DOMAIN("<m><a/></m>")},
      {DOMAIN("<m><a xmlns:x='urn:1' x:b='2'/></m>"), DOMAIN("<m><a b='2'/></m>")},
};

START_TEST(what_is_only_written_otherwise_is_the_same)
{
    scoped(domain_def) one = parse(same[_i].one);
    scoped(domain_def) two = parse(same[_i].two);

    ck_assert(domain_def_is_same(one, two));
    ck_assert(domain_def_is_same(two, one));
}
END_TEST

START_TEST(what_says_something_else_is_not)
{
    scoped(domain_def) one = parse(different[_i].one);
    scoped(domain_def) two = parse(different[_i].two);

    ck_assert(!domain_def_is_same(one, two));
    ck_assert(!domain_def_is_same(two, one));
}
END_TEST

#define DISK(attributes, inside)                                                                   \
    DOMAIN("<devices><disk type='file'" attributes ">" inside "</disk></devices>")
#define PLAIN "<driver type='qcow2'/><source file='/a'/><target dev='vda'/>"
#define FACTS(size)                                                                                \
    DOMAIN("<metadata><x:y xmlns:x='urn:z'/><o:snapshot xmlns:o='urn:offshot:snapshot:1'>"         \
           "<o:frozen disk='vda' size='" size "'/></o:snapshot></metadata>")

static const struct pair
    same_images[] =
        {
            {DOMAIN(""), "<domain><name>wm</name><vcpu>3</vcpu></domain>"},
            {DISK("", PLAIN), DISK("", "<target dev='vda' bus='ide'/><source file='/a'/>"
                                       "<driver cache='none' type='qcow2'/><boot order='1'/>")},
            {FACTS("1"), DOMAIN("<metadata><o:snapshot xmlns:o='urn:offshot:snapshot:1'>\n"
                                " <o:frozen size='1' disk='vda'/></o:snapshot></metadata>")},
},
    different_images[] = {
        {DISK("", PLAIN), DOMAIN("<devices/>")},
        {DISK("", PLAIN), DISK(" device='lun'", PLAIN)},
        {DISK("", PLAIN), DISK(" snapshot='no'", PLAIN)},
        {DISK("", PLAIN), DISK("", "<source file='/a'/><target dev='vda'/>")},
        {DISK("", PLAIN), DISK("", "<driver type='raw'/><source file='/a'/><target dev='vda'/>")},
        {DISK("", PLAIN), DISK("", "<driver type='qcow2'/><source file='/b'/><target dev='vda'/>")},
        {DISK("", PLAIN), DISK("", "<driver type='qcow2'/><source file='/a'/><target dev='vdb'/>")},
        {DISK("", PLAIN), DISK("", "<driver type='qcow2'/><source file='/a'>"
                                   "<encryption format='luks'/></source><target dev='vda'/>")},
        {DISK("", PLAIN), DISK("", PLAIN "<backingStore type='file'/>")},
        {DISK("", PLAIN), DISK("", PLAIN "<readonly/>")},
        {DISK("", PLAIN), DISK("", PLAIN "<shareable/>")},
        {DISK("", PLAIN), DISK("", PLAIN "<transient/>")},
        {DISK("", "<readonly/>" PLAIN), DISK("", "<shareable/>" PLAIN)},
        {FACTS("1"), FACTS("2")},
        {FACTS("1"), DOMAIN("")},
};

START_TEST(images_are_compared_and_nothing_else)
{
    scoped(domain_def) one = parse(same_images[_i].one);
    scoped(domain_def) two = parse(same_images[_i].two);

    ck_assert(domain_def_has_same_images(one, two));
    ck_assert(domain_def_has_same_images(two, one));
}
END_TEST

START_TEST(whatever_an_image_is_counts)
{
    scoped(domain_def) one = parse(different_images[_i].one);
    scoped(domain_def) two = parse(different_images[_i].two);

    ck_assert(!domain_def_has_same_images(one, two));
    ck_assert(!domain_def_has_same_images(two, one));
}
END_TEST

/* Elements of different names may change places, and nothing else may. */
START_TEST(order_of_different_elements_does_not_count_for_libvirt)
{
    static const struct {
        struct pair pair;
        bool equivalent;
    } cases[] = {
        {{DOMAIN("<a/><b/>"), DOMAIN("<b/><a/>")}, true},
        {{DOMAIN("<d><a/><b x='1'/><b x='2'/></d>"), DOMAIN("<d><b x='1'/><a/><b x='2'/></d>")},
         true},
        {{DOMAIN("<d><b x='1'/><b x='2'/></d>"), DOMAIN("<d><b x='2'/><b x='1'/></d>")}, false},
        {{DOMAIN("<a/><b/>"), DOMAIN("<b/>")}, false},
        {{DOMAIN("<a><b/></a>"), DOMAIN("<b/><a/>")}, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        scoped(domain_def) one = parse(cases[i].pair.one);
        scoped(domain_def) two = parse(cases[i].pair.two);

        ck_assert(!domain_def_is_same(one, two));
        ck_assert_msg(domain_def_is_equivalent(one, two) == cases[i].equivalent, "%zu", i);
        ck_assert(domain_def_is_equivalent(two, one) == cases[i].equivalent);
        ck_assert(domain_def_is_equivalent(one, one));
    }
}
END_TEST

START_TEST(each_of_our_files_is_only_the_same_as_itself)
{
    g_autofree char *dir = unit_path("domain/in");
    g_autoptr(GPtrArray) names = unit_list(dir, ".xml");

    for (unsigned i = 0; i < names->len; i++) {
        g_autofree char *text = unit_load(dir, g_ptr_array_index(names, i), NULL);
        scoped(domain_def) one = parse(text);

        for (unsigned j = 0; j < names->len; j++) {
            g_autofree char *other = unit_load(dir, g_ptr_array_index(names, j), NULL);
            scoped(domain_def) two = parse(other);

            ck_assert_msg(domain_def_is_same(one, two) == (i == j), "%s and %s",
                          (char *)g_ptr_array_index(names, i), (char *)g_ptr_array_index(names, j));
        }
    }
}
END_TEST

START_TEST(the_element_of_a_file_is_replaced_and_what_stands_around_it_kept)
{
    static const struct {
        const char *file;
        const char *element;
        const char *result;
    } cases[] = {
        {"<domain><name>vm</name></domain>", "<domain><name>x</name></domain>",
         "<domain><name>x</name></domain>"},
        {"<?xml version='1.0'?>\n<!-- a -->\n\n<domain><name>vm</name></domain>\n<!-- b -->\n",
         "<domain type='kvm'>\r\n\t<name>x</name></domain>",
         "<?xml version='1.0'?>\n<!-- a -->\n\n<domain type='kvm'>\r\n\t<name>x</name></domain>\n"
         "<!-- b -->\n"},
        {"<domain><name>vm</name></domain>\n",
         " <!-- not this --><domain><name>%s</name></domain>\n",
         "<domain><name>%s</name></domain>\n"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        scoped(domain_def) file = parse(cases[i].file);
        GError *error = NULL;
        g_autofree char *result = domain_def_replace_element(file, cases[i].element, &error);

        unit_assert_ok(result != NULL, error);
        ck_assert_str_eq(result, cases[i].result);
    }
}
END_TEST

START_TEST(name_of_a_domain_is_replaced_and_nothing_else)
{
    GError *error = NULL;
    g_autofree char *text =
        domain_def_rename_element("<domain><!-- <name/> --><name >a</name><x/></domain>", "b&c",
                                  &error);

    unit_assert_ok(text != NULL, error);
    ck_assert_str_eq(text, "<domain><!-- <name/> --><name >b&amp;c</name><x/></domain>");
}
END_TEST

START_TEST(only_a_domain_can_replace_a_domain)
{
    scoped(domain_def) file = parse(DOMAIN(""));
    g_autofree char *large = g_strnfill(1024 * 1024 - 20, ' ');
    g_autofree char *too_large = g_strconcat("<domain>", large, "</domain>", NULL);
    GError *error = NULL;

    ck_assert_ptr_null(domain_def_replace_element(file, "<inactiveDomain/>", &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "not <domain>");
    ck_assert_ptr_null(domain_def_replace_element(file, "<domain>", &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "vm");
    g_free(file->document);
    file->document = g_strdup("<!-- some more bytes --><domain/>");
    file->start = strlen("<!-- some more bytes -->");
    file->length = strlen("<domain/>");
    ck_assert_ptr_null(domain_def_replace_element(file, too_large, &error));
    unit_assert_error(error, OFFSHOT_ERROR_USAGE, "larger than 1 MiB");
}
END_TEST

START_TEST(a_copy_is_a_definition_of_its_own)
{
    g_autofree char *dir = unit_path("domain/in");
    g_autofree char *text = unit_load(dir, "comments.xml", NULL);
    struct domain_def *def = parse(text);
    scoped(domain_def) copy = domain_def_copy(def);
    g_autofree char *element = domain_def_element(def);
    g_autofree char *again = NULL;
    unsigned disks = def->disks->len;

    domain_def_free(def);
    again = domain_def_element(copy);
    ck_assert_str_eq(again, element);
    ck_assert_str_eq(copy->document, text);
    ck_assert(disks > 0);
    ck_assert_uint_eq(copy->disks->len, disks);
    ck_assert_ptr_nonnull(((const struct domain_disk *)g_ptr_array_index(copy->disks, 0))->target);
}
END_TEST

#define ONE "<uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
#define ONE_IN_CAPITALS "<uuid>C7A5FDBDEDAF9455926AD65C16DB1809</uuid>"
#define TWO "<uuid>d7a5fdbd-edaf-9455-926a-d65c16db1809</uuid>"
#define NAMED(name, uuid) "<domain><name>" name "</name>" uuid "</domain>"

static const struct {
    struct pair pair;
    bool same;
} domains[] = {
    {{NAMED("a", ONE), NAMED("a", ONE)}, true},
    {{NAMED("a", ONE), NAMED("b", ONE_IN_CAPITALS "<memory>1</memory>")}, true},
    {{NAMED("a", ONE), NAMED("a", TWO)}, false},
    {{NAMED("a", ONE), NAMED("a", "")}, false},
    {{NAMED("a", ""), NAMED("a", "<memory>1</memory>")}, true},
    {{NAMED("a", ""), NAMED("b", "")}, false},
};

START_TEST(a_domain_is_known_by_uuid_and_only_without_one_by_name)
{
    scoped(domain_def) one = parse(domains[_i].pair.one);
    scoped(domain_def) two = parse(domains[_i].pair.two);

    ck_assert_int_eq(domain_def_is_same_domain(one, two), domains[_i].same);
    ck_assert_int_eq(domain_def_is_same_domain(two, one), domains[_i].same);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("domain-same");
    TCase *cases = tcase_create("domain-same");

    tcase_add_loop_test(cases, what_is_only_written_otherwise_is_the_same, 0, G_N_ELEMENTS(same));
    tcase_add_loop_test(cases, what_says_something_else_is_not, 0, G_N_ELEMENTS(different));
    tcase_add_loop_test(cases, images_are_compared_and_nothing_else, 0, G_N_ELEMENTS(same_images));
    tcase_add_loop_test(cases, whatever_an_image_is_counts, 0, G_N_ELEMENTS(different_images));
    tcase_add_test(cases, order_of_different_elements_does_not_count_for_libvirt);
    tcase_add_test(cases, each_of_our_files_is_only_the_same_as_itself);
    tcase_add_test(cases, the_element_of_a_file_is_replaced_and_what_stands_around_it_kept);
    tcase_add_test(cases, name_of_a_domain_is_replaced_and_nothing_else);
    tcase_add_test(cases, only_a_domain_can_replace_a_domain);
    tcase_add_test(cases, a_copy_is_a_definition_of_its_own);
    tcase_add_loop_test(cases, a_domain_is_known_by_uuid_and_only_without_one_by_name, 0,
                        G_N_ELEMENTS(domains));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
