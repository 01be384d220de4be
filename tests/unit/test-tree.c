/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/tags.h"
#include "load/place.h"
#include "unit/tree-case.h"

#define LAYER(format, name, below)                                                                 \
    "<backingStore type='file'><format type='" format "'/><source file='" name "'/>" below         \
    "</backingStore>"

/* a <- b <- c (active), and a <- d: another branch. */
static void
make_branches(void)
{
    scratch_do("qemu-img create -q -f qcow2 a 1M;"
               "qemu-img create -q -f qcow2 -b a -F qcow2 b;"
               "qemu-img create -q -f qcow2 -b b -F qcow2 c;"
               "qemu-img create -q -f qcow2 -b a -F qcow2 d");
    tree_save_domain("vm.xml", "vm", "vda=qcow2:c");
    tree_save_snapshot("s1", NULL, "external", "vda=qcow2:a");
    tree_save_snapshot("s2", "s1", "external", "vda=qcow2:b");
    tree_save_snapshot("s3", "s1", "external", "vda=qcow2:d");
}

static const struct state_frozen *
frozen_of(const struct tree_case *tree, const char *snapshot, const char *target)
{
    const struct state_frozen *frozen = state_find_frozen(tree->state, snapshot, target);

    ck_assert_msg(frozen != NULL, "%s does not cover %s", snapshot, target);
    return frozen;
}

START_TEST(images_of_all_snapshots_are_one_graph)
{
    struct tree_case tree;
    g_autofree char *path = scratch_path("b");

    make_branches();
    tree_load(&tree);
    ck_assert_uint_eq(tree.state->frozen->len, 3);
    ck_assert_ptr_eq(frozen_of(&tree, "s1", "vda")->image, tree_image(&tree, "a"));
    ck_assert_ptr_eq(frozen_of(&tree, "s2", "vda")->image, tree_image(&tree, "b"));
    ck_assert_ptr_eq(frozen_of(&tree, "s3", "vda")->image, tree_image(&tree, "d"));
    ck_assert_ptr_eq(tree_image(&tree, "d")->backing, tree_image(&tree, "a"));
    ck_assert_ptr_eq(state_get_disk(tree.state, "vda")->image, tree_image(&tree, "c"));
    ck_assert_str_eq(frozen_of(&tree, "s2", "vda")->path, path);
    ck_assert_str_eq(frozen_of(&tree, "s2", "vda")->def->name, "s2");
    ck_assert_ptr_null(state_find_frozen(tree.state, "s2", "vdb"));
    ck_assert_ptr_null(state_find_frozen(tree.state, "s4", "vda"));
    tree_clear(&tree);
}
END_TEST

START_TEST(every_image_has_its_time_of_birth)
{
    struct tree_case tree;
    struct file_identity top = {0};
    g_autofree char *path = scratch_path("c");

    make_branches();
    file_identity_add_birth(&top, -1, path);
    tree_load(&tree);
    for (const char *name = "abcd"; *name && top.birth; name++) {
        const char file[] = {*name, '\0'};

        ck_assert_int_ne(tree_image(&tree, file)->identity.birth, 0);
    }
    ck_assert_int_eq(tree_image(&tree, "c")->identity.birth, top.birth);
    tree_clear(&tree);
}
END_TEST

START_TEST(internal_disks_are_where_their_tags_are)
{
    struct tree_case tree;

    make_branches();
    tree_save_snapshot("s4", "s2", "internal", "vda=qcow2:c vdb=qcow2:c");
    tree_save_snapshot("s5", "s4", "manual", "vda=qcow2:c");
    tree_save_snapshot("s6", "s5", "no", "vda=qcow2:c");
    tree_load(&tree);
    ck_assert_ptr_eq(frozen_of(&tree, "s4", "vdb")->image, tree_image(&tree, "c"));
    ck_assert_int_eq(frozen_of(&tree, "s4", "vda")->disk->snapshot, SNAPSHOT_LOCATION_INTERNAL);
    ck_assert_ptr_null(state_find_frozen(tree.state, "s5", "vda"));
    ck_assert_ptr_null(state_find_frozen(tree.state, "s6", "vda"));
    tree_clear(&tree);
}
END_TEST

START_TEST(faults_stay_with_their_snapshot)
{
    struct tree_case tree;
    const struct state_frozen *frozen;

    make_branches();
    tree_save_snapshot("s4", NULL, "external", "vda=qcow2:gone vdb=raw:a vdc=luks:a");
    scratch_do("sed -i 's|<source [^>]*>||' vm.snapshots/s3.xml");
    tree_load(&tree);
    ck_assert_ptr_nonnull(frozen_of(&tree, "s1", "vda")->image);
    frozen = frozen_of(&tree, "s3", "vda");
    ck_assert(!frozen->path && !frozen->image);
    ck_assert_int_eq(frozen->error->code, OFFSHOT_ERROR_INCONSISTENT);
    frozen = frozen_of(&tree, "s4", "vda");
    ck_assert(frozen->path && !frozen->image && frozen->missing);
    ck_assert_int_eq(frozen->error->code, OFFSHOT_ERROR_INCONSISTENT);
    ck_assert_ptr_nonnull(strstr(frozen->error->message, "gone' does not exist"));
    frozen = frozen_of(&tree, "s4", "vdb");
    ck_assert_ptr_eq(frozen->image, tree_image(&tree, "a"));
    ck_assert(!frozen->missing);
    ck_assert_int_eq(frozen->error->code, OFFSHOT_ERROR_INCONSISTENT);
    ck_assert_int_eq(frozen_of(&tree, "s4", "vdc")->error->code, OFFSHOT_ERROR_REFUSED);
    tree_clear(&tree);
}
END_TEST

/* Snapshot s2 names b; its facts say, of inode, size and time, what the shell commands print. */
static void
save_facts(const char *inode, const char *size, const char *mtime)
{
    make_branches();
    scratch_do("sed -i \"s|</domain>|<metadata><o:x xmlns:o='urn:offshot:snapshot:1'>"
               "<o:frozen disk='vda' inode='$(%s)' size='$(%s)' mtime='$(%s)'/>"
               "</o:x></metadata></domain>|\" vm.snapshots/s2.xml",
               inode, size, mtime);
}

static const struct said {
    const char *inode, *size, *mtime;
    bool contradict;
    enum state_record record;
} saids[] = {
    {"stat -c %i b", "stat -c %s b", "date -r b +%s%N", false, STATE_RECORD_SAME},
    {"stat -c %i d", "stat -c %s d", "date -r d +%s%N", true, STATE_RECORD_NONE},
    /* written, copied */
    {"stat -c %i b", "echo 1", "echo 1", false, STATE_RECORD_SAME},
    {"echo 1", "stat -c %s b", "date -r b +%s%N", false, STATE_RECORD_SAME},
    /* neither there nor as it was */
    {"stat -c %i d", "echo 1", "date -r d +%s%N", false, STATE_RECORD_OTHER},
    {"stat -c %i d", "stat -c %s d", "echo 1", false, STATE_RECORD_OTHER},
    {"echo 1", "stat -c %s d", "echo 1", false, STATE_RECORD_OTHER},
    {"echo 1", "echo 1", "date -r b +%s%N", false, STATE_RECORD_OTHER},
    /* nothing that can be understood */
    {"echo x", "echo 1", "echo 1", false, STATE_RECORD_NONE},
};

START_TEST(snapshot_that_names_another_image_than_was_frozen_is_inconsistent)
{
    const struct said *said = &saids[_i];
    struct tree_case tree;
    const struct state_frozen *frozen;

    save_facts(said->inode, said->size, said->mtime);
    tree_load(&tree);
    frozen = frozen_of(&tree, "s2", "vda");
    ck_assert_ptr_eq(frozen->image, tree_image(&tree, "b"));
    ck_assert(said->contradict == (frozen->error != NULL));
    ck_assert_int_eq(frozen->record, said->record);
    ck_assert_int_eq(frozen_of(&tree, "s1", "vda")->record, STATE_RECORD_NONE);
    if (frozen->error) {
        ck_assert_int_eq(frozen->error->code, OFFSHOT_ERROR_INCONSISTENT);
        ck_assert_ptr_nonnull(strstr(frozen->error->message, "/d', not in '"));
    }
    tree_clear(&tree);
}
END_TEST

/* In which directory the image was that is known by its inode only, and what follows. */
static const struct {
    const char *inode, *directory;
    enum state_record record;
} places[] = {
    {"stat -c %i b", "stat -c %i .", STATE_RECORD_SAME},
    {"stat -c %i b", "echo 1", STATE_RECORD_SAME},
    {"echo 1", "stat -c %i .", STATE_RECORD_OTHER},
    /* all of the directory may have been copied */
    {"echo 1", "echo 1", STATE_RECORD_NONE},
};

START_TEST(image_that_was_merged_is_known_in_its_place)
{
    struct tree_case tree;

    save_facts(places[_i].inode, "echo 0", "echo 0");
    scratch_do("sed -i \"s|size='0' mtime='0'|directory='$(%s)'|\" vm.snapshots/s2.xml",
               places[_i].directory);
    tree_load(&tree);
    ck_assert_ptr_null(frozen_of(&tree, "s2", "vda")->error);
    ck_assert_int_eq(frozen_of(&tree, "s2", "vda")->record, places[_i].record);
    tree_clear(&tree);
}
END_TEST

START_TEST(what_is_there_but_cannot_be_used_is_not_missing)
{
    struct tree_case tree;
    const struct state_frozen *frozen;

    make_branches();
    scratch_do("qemu-img create -q -f qcow2 -u -b gone -F qcow2 broken 1M; ln -s nowhere link;"
               "ln a hard");
    tree_save_snapshot("s4", NULL, "external",
                       "vda=qcow2:broken vdb=qcow2:link vdc=raw:a/x vdd=raw:hard");
    tree_load(&tree);
    frozen = frozen_of(&tree, "s4", "vda");
    ck_assert(frozen->error && !frozen->image && !frozen->missing);
    frozen = frozen_of(&tree, "s4", "vdb");
    ck_assert(frozen->error && !frozen->image && !frozen->missing);
    frozen = frozen_of(&tree, "s4", "vdc");
    ck_assert(frozen->error && !frozen->image && frozen->missing);
    frozen = frozen_of(&tree, "s4", "vdd");
    ck_assert_ptr_nonnull(frozen->error);
    ck_assert_ptr_eq(frozen->image, tree_image(&tree, "a"));
    tree_clear(&tree);
}
END_TEST

START_TEST(disk_that_is_an_image_in_another_format_has_it)
{
    struct tree_case tree;
    const struct state_disk *disk;

    make_branches();
    tree_save_domain("vm.xml", "vm", "vda=qcow2:c vdb=raw:d vdc=raw:b vdd=qcow2:gone");
    scratch_do("qemu-img create -q -f qcow2 -b d -F qcow2 e");
    tree_save_snapshot("s4", NULL, "external", "vda=qcow2:e");
    tree_load(&tree);
    disk = state_get_disk(tree.state, "vdc");
    ck_assert_ptr_nonnull(disk->error);
    ck_assert_ptr_eq(disk->image, tree_image(&tree, "b"));
    ck_assert(!disk->missing);
    disk = state_get_disk(tree.state, "vdd");
    ck_assert(disk->error && !disk->image && disk->missing);
    /* the disk came first: it is the snapshots that have it as something else */
    disk = state_get_disk(tree.state, "vdb");
    ck_assert(!disk->error && disk->image);
    ck_assert_ptr_eq(frozen_of(&tree, "s3", "vda")->image, disk->image);
    ck_assert_ptr_nonnull(frozen_of(&tree, "s3", "vda")->error);
    ck_assert(frozen_of(&tree, "s4", "vda")->error && !frozen_of(&tree, "s4", "vda")->image);
    tree_clear(&tree);
}
END_TEST

START_TEST(snapshot_without_a_domain_holds_images_nowhere)
{
    struct tree_case tree;

    make_branches();
    scratch_do("sed -i 's|<domain .*</domain>||' vm.snapshots/s3.xml");
    tree_load(&tree);
    ck_assert_ptr_null(frozen_of(&tree, "s3", "vda")->path);
    ck_assert_int_eq(frozen_of(&tree, "s3", "vda")->error->code, OFFSHOT_ERROR_INCONSISTENT);
    tree_clear(&tree);
}
END_TEST

START_TEST(tags_of_every_image_are_read)
{
    struct tree_case tree;
    const GPtrArray *tags;

    make_branches();
    scratch_do(
        "qemu-img snapshot -c one d; qemu-img snapshot -c two d; qemu-img snapshot -c low a");
    tree_load(&tree);
    tags = state_get_tags(tree.state, tree_image(&tree, "d"));
    ck_assert_uint_eq(tags->len, 2);
    ck_assert_str_eq(((struct image_tag *)tags->pdata[0])->name, "one");
    ck_assert_str_eq(((struct image_tag *)tags->pdata[1])->name, "two");
    ck_assert_uint_eq(state_get_tags(tree.state, tree_image(&tree, "a"))->len, 1);
    ck_assert_uint_eq(state_get_tags(tree.state, tree_image(&tree, "b"))->len, 0);
    tree_clear(&tree);
}
END_TEST

START_TEST(damaged_table_of_tags_is_an_error)
{
    struct tree_case tree;
    g_autoptr(GError) error = NULL;

    make_branches();
    /* the length of the name in the first entry of the table, whose offset is in the header at 64
     */
    scratch_do("qemu-img snapshot -c one d;"
               "table=$((0x$(od -An -tx1 -j64 -N8 d | tr -d ' ')));"
               "printf '\\377\\377' | dd of=d bs=1 seek=$((table + 14)) conv=notrunc 2>/dev/null");
    ck_assert(!tree_try(&tree, &error));
    unit_assert_error(error, OFFSHOT_ERROR_INCONSISTENT, "/d'");
    domain_location_free(tree.location);
}
END_TEST

START_TEST(names_are_free_where_nothing_is)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    struct tree_case tree;

    make_branches();
    tree_load(&tree);
    ck_assert(state_names_are_free(tree.state, paths));
    g_ptr_array_add(paths, scratch_path("one"));
    g_ptr_array_add(paths, scratch_path("no/such/directory"));
    ck_assert(state_names_are_free(tree.state, paths));
    g_ptr_array_add(paths, scratch_path("link"));
    ck_assert(state_names_are_free(tree.state, paths));
    scratch_do("ln -s nowhere link");
    ck_assert(!state_names_are_free(tree.state, paths));
    scratch_do("rm link; : >one");
    ck_assert(!state_names_are_free(tree.state, paths));
    scratch_do("rm one; ln -s loop loop");
    ck_assert(state_names_are_free(tree.state, paths));
    g_ptr_array_add(paths, scratch_path("loop/x"));
    ck_assert(!state_names_are_free(tree.state, paths));
    tree_clear(&tree);
}
END_TEST

START_TEST(names_of_missing_images_are_taken)
{
    static const char *const missing[] = {"b", "d", "e", "below"};
    struct tree_case tree;

    make_branches();
    scratch_do("qemu-img create -q -f qcow2 below 1M;"
               "qemu-img create -q -f qcow2 -b below -F qcow2 f");
    tree_save_snapshot("s4", "s1", "external", "vda=qcow2:e vdb=qcow2:f");
    scratch_do("rm -f b d below; mkdir x");
    tree_load(&tree);
    for (size_t i = 0; i < G_N_ELEMENTS(missing); i++) {
        g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
        g_autofree char *other = g_strdup_printf("x/%s", missing[i]);
        g_autofree char *same = g_strdup_printf("x/../%s", missing[i]);

        g_ptr_array_add(paths, scratch_path(other));
        ck_assert(state_names_are_free(tree.state, paths));
        g_ptr_array_add(paths, scratch_path(same));
        ck_assert_msg(!state_names_are_free(tree.state, paths), "%s is free", missing[i]);
    }
    tree_clear(&tree);
}
END_TEST

START_TEST(less_is_loaded_when_less_is_asked_for)
{
    g_autofree char *xml = scratch_path("vm.xml");
    scoped(domain_location) location = NULL;
    scoped(state) state = NULL;

    make_branches();
    location = domain_location_find(xml, NULL, NULL, NULL);
    state = state_load(location, STATE_IMAGES, NULL);
    ck_assert_ptr_nonnull(state);
    ck_assert_ptr_null(state->frozen);
    ck_assert_ptr_nonnull(state_get_disk(state, "vda")->image);
    ck_assert_ptr_null(state_find_frozen(state, "s1", "vda"));
    ck_assert_uint_eq(state_get_tags(state, state_get_disk(state, "vda")->image)->len, 0);
    ck_assert_ptr_null(state_find_dependents(state, state_get_disk(state, "vda")->image));
    ck_assert(!state_is_layer(state, state_get_disk(state, "vda")->image));
}
END_TEST

static const struct {
    const char *chain; /* "b" and "a" are put into the scratch directory */
    bool overruled;
} stores[] = {
    {"", false},
    {"<backingStore/>", true},
    {LAYER("qcow2", "b", ""), false},
    {LAYER("qcow2", "b", "<backingStore/>"), true},
    {LAYER("qcow2", "b", LAYER("qcow2", "a", "")), false},
    {LAYER("qcow2", "b", LAYER("qcow2", "a", "<backingStore/>")), false},
    {LAYER("qcow2", "link-to-b", LAYER("qcow2", "a", "<backingStore/>")), false},
    {LAYER("raw", "b", ""), true},
    {LAYER("qcow2", "a", ""), true},
    {LAYER("qcow2", "nothing", ""), true},
    {LAYER("qcow2", "b", LAYER("qcow2", "a", LAYER("qcow2", "a", ""))), true},
    {"<backingStore type='network'><format type='raw'/><source protocol='nbd'/></backingStore>",
     true},
};

START_TEST(chain_in_the_domain_is_held_against_that_of_the_images)
{
    struct tree_case tree;
    g_autofree char *text = tree_domain("vm", "vda=qcow2:c");
    g_autofree char *place = g_strconcat("file='", scratch_directory, "/", NULL);
    g_auto(GStrv) parts = g_strsplit(stores[_i].chain, "file='", -1);
    g_autofree char *chain = g_strjoinv(place, parts);
    g_autofree char *target = g_strconcat(chain, "<target", NULL);
    g_autofree char *domain = unit_replace(text, "<target", target);

    make_branches();
    scratch_do("ln -s b link-to-b");
    tree_save("vm.xml", domain);
    tree_load(&tree);
    ck_assert_int_eq(state_get_disk(tree.state, "vda")->overruled, stores[_i].overruled);
    tree_clear(&tree);
}
END_TEST

/* s1 says that libvirt was merging into b, which holds s2. */
START_TEST(state_that_libvirt_began_to_overwrite_is_not_usable)
{
    struct tree_case tree;
    g_autofree char *path = scratch_path("vm.snapshots/s1.xml");
    g_autofree char *mark = g_strdup_printf("<disk name='vda' snapshot='external'>"
                                            "<source file='%s/./b'/><snapshotDeleteInProgress/>",
                                            scratch_directory);
    g_autofree char *old = NULL;
    g_autofree char *text = NULL;

    make_branches();
    ck_assert(g_file_get_contents(path, &old, NULL, NULL));
    text = unit_replace(old, "<disk name='vda' snapshot='external'/>", mark);
    g_free(old);
    old = g_steal_pointer(&text);
    text = unit_replace(old, "</disks>", "</disk></disks>");
    tree_save("vm.snapshots/s1.xml", text);
    tree_load(&tree);
    ck_assert_str_eq(frozen_of(&tree, "s2", "vda")->overwriter->name, "s1");
    ck_assert_ptr_eq(frozen_of(&tree, "s2", "vda")->image, tree_image(&tree, "b"));
    ck_assert_ptr_nonnull(
        strstr(frozen_of(&tree, "s2", "vda")->error->message, "`virsh snapshot-delete vm s2`"));
    ck_assert_ptr_null(frozen_of(&tree, "s1", "vda")->error);
    ck_assert_ptr_null(frozen_of(&tree, "s3", "vda")->overwriter);
    tree_clear(&tree);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("tree");
    TCase *cases = tcase_create("tree");

    if (!scratch_has("qemu-img"))
        return 77;
    tcase_add_checked_fixture(cases, scratch_setup, scratch_teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, images_of_all_snapshots_are_one_graph);
    tcase_add_test(cases, every_image_has_its_time_of_birth);
    tcase_add_test(cases, internal_disks_are_where_their_tags_are);
    tcase_add_test(cases, faults_stay_with_their_snapshot);
    tcase_add_loop_test(cases, snapshot_that_names_another_image_than_was_frozen_is_inconsistent, 0,
                        G_N_ELEMENTS(saids));
    tcase_add_loop_test(cases, image_that_was_merged_is_known_in_its_place, 0,
                        G_N_ELEMENTS(places));
    tcase_add_test(cases, what_is_there_but_cannot_be_used_is_not_missing);
    tcase_add_test(cases, disk_that_is_an_image_in_another_format_has_it);
    tcase_add_test(cases, snapshot_without_a_domain_holds_images_nowhere);
    tcase_add_test(cases, tags_of_every_image_are_read);
    tcase_add_test(cases, damaged_table_of_tags_is_an_error);
    tcase_add_test(cases, names_are_free_where_nothing_is);
    tcase_add_test(cases, names_of_missing_images_are_taken);
    tcase_add_test(cases, less_is_loaded_when_less_is_asked_for);
    tcase_add_loop_test(cases, chain_in_the_domain_is_held_against_that_of_the_images, 0,
                        G_N_ELEMENTS(stores));
    tcase_add_test(cases, state_that_libvirt_began_to_overwrite_is_not_usable);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
