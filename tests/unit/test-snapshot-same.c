/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-def.h"
#include "unit/unit.h"

#define SNAPSHOT(inside)                                                                           \
    "<domainsnapshot><name>s1</name><state>shutoff</state><creationTime>1</creationTime>"          \
    "<memory snapshot='no'/>" inside "</domainsnapshot>"
#define DOMAIN(inside) "<domain type='qemu'><name>vm</name>" inside "</domain>"
#define REVERT_DISKS "<revertDisks><disk name='vda' snapshot='external'/></revertDisks>"

static struct snapshot_def *
parse(const char *text)
{
    g_autoptr(GError) error = NULL;
    struct snapshot_def *def =
        snapshot_def_parse(text, strlen(text), "s1.xml", SNAPSHOT_DEF_REDEFINE, &error);

    ck_assert_msg(def != NULL, "%s: %s", text, error ? error->message : "no error");
    return def;
}

static const struct pair {
    const char *one;
    const char *two;
    bool equivalent;         /* when <revertDisks> counts */
    bool equivalent_without; /* when it does not */
} pairs[] = {
    {SNAPSHOT(""), "<!-- libvirt's -->\n" SNAPSHOT("\n  "), true, true},
    {SNAPSHOT("<active>0</active>"), SNAPSHOT(""), true, true},
    {SNAPSHOT("<active>0</active>"), SNAPSHOT("<active>1</active>"), true, true},
    /* libvirt moves <metadata> to the front */
    {SNAPSHOT(DOMAIN("<a/><metadata><x:m xmlns:x='urn:1'/></metadata>")),
     SNAPSHOT(DOMAIN("<metadata>\n<y:m xmlns:y='urn:1'/>\n</metadata><a/>")), true, true},
    {SNAPSHOT(REVERT_DISKS), SNAPSHOT(""), false, true},
    {SNAPSHOT("<description>x</description>"), SNAPSHOT(""), false, false},
    {SNAPSHOT("<parent><name>a</name></parent>"), SNAPSHOT("<parent><name>b</name></parent>"),
     false, false},
    {SNAPSHOT(DOMAIN("<a/>")), SNAPSHOT(DOMAIN("<b/>")), false, false},
    /* only that of the snapshot itself is left out */
    {SNAPSHOT(DOMAIN("<active/>")), SNAPSHOT(DOMAIN("")), false, false},
};

START_TEST(what_libvirt_reads_the_same_is_equivalent)
{
    const struct pair *pair = &pairs[_i];
    scoped(snapshot_def) one = parse(pair->one);
    scoped(snapshot_def) two = parse(pair->two);

    ck_assert(snapshot_def_is_equivalent(one, two, true) == pair->equivalent);
    ck_assert(snapshot_def_is_equivalent(two, one, true) == pair->equivalent);
    ck_assert(snapshot_def_is_equivalent(one, two, false) == pair->equivalent_without);
    ck_assert(snapshot_def_is_equivalent(two, one, false) == pair->equivalent_without);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("snapshot-same");
    TCase *cases = tcase_create("snapshot-same");

    tcase_add_loop_test(cases, what_libvirt_reads_the_same_is_equivalent, 0, G_N_ELEMENTS(pairs));
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
