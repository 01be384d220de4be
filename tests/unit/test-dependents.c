/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/tree-case.h"

/* base <- top (active) in directory "d"; the domain lies above. */
static void
make_images(void)
{
    scratch_do("mkdir d e;"
               "qemu-img create -q -f qcow2 d/base 1M;"
               "qemu-img create -q -f qcow2 -b base -F qcow2 d/top");
    tree_save_domain("vm.xml", "vm", "vda=qcow2:d/top");
}

/* What stands on NAME, without the scratch directory, joined by blanks. Free with g_free(). */
static char *
dependents_of(const struct tree_case *tree, const char *name)
{
    const GPtrArray *texts = state_find_dependents(tree->state, tree_image(tree, name));
    g_autoptr(GString) joined = g_string_new(NULL);
    g_autofree char *prefix = g_strconcat(scratch_directory, "/", NULL);

    for (guint i = 0; texts && i < texts->len; i++) {
        const char *text = g_ptr_array_index(texts, i);

        ck_assert_msg(g_str_has_prefix(text, prefix), "%s", text);
        g_string_append_printf(joined, "%s%s", i ? " " : "", text + strlen(prefix));
    }
    return g_strdup(joined->str);
}

static void
check(const struct tree_case *tree, const char *name, const char *expected)
{
    g_autofree char *found = dependents_of(tree, name);

    ck_assert_str_eq(found, expected);
}

START_TEST(own_images_are_no_dependents)
{
    struct tree_case tree;

    make_images();
    scratch_do("ln d/top d/other-name; ln -s top d/link; mkfifo d/fifo; mkdir d/directory;"
               "echo base >d/short; head -c 5000 /dev/zero >d/zeros; qemu-img create -q -f qcow2 "
               "d/unrelated 1M; qemu-img create -q -f raw d/raw 1M");
    tree_load(&tree);
    check(&tree, "d/base", "");
    check(&tree, "d/top", "");
    ck_assert_ptr_null(state_find_dependents(tree.state, tree_image(&tree, "d/top")));
    tree_clear(&tree);
}
END_TEST

static const struct overlay_case {
    const char *script; /* makes d/clone */
    const char *base;
    const char *text;
} overlays[] = {
    {"qemu-img create -q -f qcow2 -b base -F qcow2 d/clone", "d/base", "d/clone"},
    {"qemu-img create -q -f qcow2 -b $PWD/d/base -F qcow2 d/clone", "d/base", "d/clone"},
    {"qemu-img create -q -f qcow2 -b ../d/base -F qcow2 d/clone", "d/base", "d/clone"},
    {"qemu-img create -q -f qcow2 -b top -F qcow2 d/clone", "d/top", "d/clone"},
    {"qemu-img create -q -f qcow2 -u -b top -F raw d/clone 1M", "d/top", "d/clone"},
    {"qemu-img create -q -f qcow2 -b base -F qcow2 d/.x.qcow2.offshot-abc", "d/base",
     "d/.x.qcow2.offshot-abc"},
    {"ln d/base e/base; qemu-img create -q -f qcow2 -b ../e/base -F qcow2 d/clone", "d/base",
     "d/clone"},
    {"ln -s base d/link; qemu-img create -q -f qcow2 -b link -F qcow2 d/clone", "d/base",
     "d/clone"},
    {"qemu-img create -q -f qcow2 -u -b file:$PWD/d/base -F qcow2 d/clone 1M", "d/base", "d/clone"},
    {"qemu-img create -q -f qcow2 -u -b \"json:{\\\"driver\\\":\\\"qcow2\\\",\\\"file\\\":"
     "{\\\"driver\\\":\\\"file\\\",\\\"filename\\\":\\\"$PWD/d/base\\\"}}\" -F qcow2 d/clone 1M",
     "d/base", "d/clone"},
    {"qemu-img create -q -f qcow2 -u -b \"json:{\\\"driver\\\":\\\"qcow2\\\","
     "\\\"file.filename\\\":\\\"$PWD/d/base\\\"}\" -F qcow2 d/clone 1M",
     "d/base", "d/clone"},
    {"qemu-img create -q -f qcow2 -u -b \"json:{\\\"backing\\\":{\\\"filename\\\":\\\"/x\\\"},"
     "\\\"file\\\":{\\\"filename\\\":\\\"$PWD/d/base\\\"}}\" -F qcow2 d/clone 1M",
     "d/base", "d/clone (cannot be read)"},
    {"qemu-img create -q -f qcow2 -u -b \"json:{\\\"backing\\\":null,"
     "\\\"file\\\":{\\\"filename\\\":\\\"$PWD/d/base\\\"}}\" -F qcow2 d/clone 1M",
     "d/base", "d/clone"},
    {"qemu-img create -q -f qcow2 -u -b \"json:{\\\"driver\\\":\\\"qcow2\\\",\\\"backing.file.filename\\\":"
     "\\\"$PWD/d/base\\\",\\\"file\\\":{\\\"filename\\\":\\\"$PWD/e\\\"}}\" -F qcow2 d/clone 1M",
     "d/base", "d/clone (cannot be read)"},
    {"qemu-img create -q -f qcow2 -u -b \"json:{\\\"driver\\\":\\\"copy-on-read\\\",\\\"file\\\":"
     "{\\\"driver\\\":\\\"qcow2\\\",\\\"backing\\\":{\\\"file\\\":{\\\"filename\\\":\\\"$PWD/d/base\\\"}},"
     "\\\"file\\\":{\\\"filename\\\":\\\"$PWD/e/x\\\"}}}\" -F qcow2 d/clone 1M",
     "d/base", "d/clone (cannot be read)"},
    /* a name of the clone whose relative link leads nowhere */
    {"mkdir d/sub; qemu-img create -q -f qcow2 -b base -F qcow2 d/clone; ln d/clone e/clone;"
     "qemu-img create -q -f qcow2 -u -b ../e/clone -F qcow2 d/1 1M; ln d/clone d/sub/clone",
     "d/base", "d/clone"},
    {"for i in $(seq 300); do qemu-img create -q -f qcow2 -u -b \"${at:-$PWD/d/base}\" -F qcow2 e/$i 1M;"
     "at=$PWD/e/$i; done; ln -s ../e/300 d/clone",
     "d/base", "e/1"},
    /* the name lies at 5,000 in the header */
    {"qemu-img create -q -f qcow2 -b base -F qcow2 d/clone;"
     "printf base | dd of=d/clone bs=1 seek=5000 conv=notrunc 2>/dev/null;"
     "printf '\\0\\0\\0\\0\\0\\0\\023\\210' | dd of=d/clone bs=1 seek=8 conv=notrunc 2>/dev/null;"
     "qemu-img info d/clone | grep -q '^backing file: base'",
     "d/base", "d/clone"},
    {"qemu-img create -q -f qed -b base -F qcow2 d/clone", "d/base", "d/clone"},
    {"qemu-img create -q -f qcow -b base -F qcow2 d/clone", "d/base", "d/clone"},
    {"qemu-img create -q -f qcow2 -o compat=0.10,cluster_size=512 -b base -F qcow2 d/clone",
     "d/base", "d/clone"},
    {"qemu-img create -q -f qcow2 e/base 1M; qemu-img create -q -f qcow2 -b base -F qcow2 e/clone;"
     "qemu-img create -q -f qcow2 -b ../e/clone -F qcow2 d/upper",
     "d/base", ""},
    {"qemu-img create -q -f qcow2 -u -b ../d/base -F qcow2 e/clone 1M;"
     "qemu-img create -q -f qcow2 -u -b ../e/clone -F qcow2 d/upper 1M",
     "d/base", "d/../e/clone"},
    {"qemu-img create -q -f qcow2 -u -b nbd://h/base -F raw d/clone 1M", "d/base", ""},
    {"qemu-img create -q -f qcow2 -u -b json:base -F raw d/clone 1M", "d/base",
     "d/clone (cannot be read)"},
    {"qemu-img create -q -f qcow2 -u -b \"json:{'driver':'qcow2','file':"
     "{'driver':'file','filename':'$PWD/d/base'}}\" -F qcow2 d/clone 1M",
     "d/base", "d/clone (cannot be read)"},
    {"qemu-img create -q -f qcow2 -u -b 'json:{\"driver\":\"quorum\"}' -F raw d/clone 1M", "d/top",
     "d/clone (cannot be read)"},
    {"qemu-img create -q -f qcow2 -u -b 'json:{\"file\":{\"driver\":\"nbd\",\"host\":\"h\"}}' -F raw "
     "d/clone 1M",
     "d/base", ""},
    {"qemu-img create -q -f qcow2 -u -b blkdebug::$PWD/d/base -F raw d/clone 1M", "d/base",
     "d/clone (cannot be read)"},
    {"qemu-img create -q -f qcow2 -u -b json:base -F raw e/low 1M;"
     "qemu-img create -q -f qcow2 -u -b ../e/low -F qcow2 d/clone 1M",
     "d/base", "d/clone (cannot be read)"},
    {"qemu-img create -q -f qcow2 -u -b gone -F raw d/clone 1M", "d/base", ""},
    {"mkfifo d/fifo; qemu-img create -q -f qcow2 -u -b fifo -F raw d/clone 1M", "d/base", ""},
    {"qemu-img create -q -f qcow2 -u -b clone -F qcow2 d/clone 1M", "d/base", ""},
};

START_TEST(files_beside_are_followed_as_qemu_would)
{
    const struct overlay_case *one = &overlays[_i];
    struct tree_case tree;

    make_images();
    scratch_do("%s", one->script);
    tree_load(&tree);
    check(&tree, one->base, one->text);
    tree_clear(&tree);
}
END_TEST

START_TEST(parent_of_vmdk_is_followed)
{
    struct tree_case tree;

    scratch_do("mkdir d; qemu-img create -q -f vmdk d/base 1M;"
               "qemu-img create -q -f vmdk -b base -F vmdk d/clone;"
               "qemu-img create -q -f vmdk -o subformat=twoGbMaxExtentSparse -b base -F vmdk "
               "d/split.vmdk");
    tree_save_domain("vm.xml", "vm", "vda=vmdk:d/base");
    tree_load(&tree);
    check(&tree, "d/base", "d/clone d/split.vmdk");
    tree_clear(&tree);
}
END_TEST

START_TEST(directories_of_all_images_are_looked_at)
{
    struct tree_case tree;

    make_images();
    scratch_do("mkdir f g; ln -s ../e/real f/link; qemu-img create -q -f qcow2 e/real 1M;"
               "qemu-img create -q -f qcow2 -b real -F qcow2 e/one;"
               "qemu-img create -q -f qcow2 -b link -F qcow2 f/two;"
               "qemu-img create -q -f qcow2 -b ../e/real -F qcow2 g/unseen");
    tree_save_snapshot("s1", NULL, "external", "vda=qcow2:f/link");
    tree_load(&tree);
    check(&tree, "f/link", "e/one f/two");
    tree_clear(&tree);
}
END_TEST

START_TEST(other_domains_are_followed)
{
    struct tree_case tree;

    make_images();
    scratch_do("qemu-img create -q -f qcow2 -b $PWD/d/base -F qcow2 e/one;"
               "qemu-img create -q -f qcow2 -b one -F qcow2 e/two;"
               "qemu-img create -q -f raw e/raw 1M");
    tree_save_domain("clone.xml", "clone", "vda=qcow2:e/two vdb=raw:e/raw");
    tree_save_domain("again.xml", "again", "vda=qcow2:e/two");
    tree_save_domain("user.xml", "user", "vda=qcow2:d/top vdb=qcow2:gone");
    tree_save_domain("backup.txt", "hidden", "vda=qcow2:d/base");
    tree_save("broken.xml", "<domain><name>x</name>");
    tree_save("other.xml", "<network><name>n</name></network>");
    scratch_do("mkdir directory.xml; mkfifo fifo.xml; ln -s nowhere link.xml");
    tree_load(&tree);
    check(&tree, "d/base", "e/one");
    check(&tree, "d/top", "d/top of domain 'user'");
    tree_clear(&tree);
}
END_TEST

START_TEST(other_domain_with_an_unknown_chain_may_stand_on_all)
{
    struct tree_case tree;

    make_images();
    scratch_do("qemu-img create -q -f qcow2 -u -b json:x -F raw e/clone 1M");
    tree_save_domain("clone.xml", "clone", "vda=qcow2:e/clone");
    tree_load(&tree);
    check(&tree, "d/base", "e/clone of domain 'clone' (cannot be read)");
    check(&tree, "d/top", "e/clone of domain 'clone' (cannot be read)");
    tree_clear(&tree);
}
END_TEST

/* What a file beside says when nobody can read it as XML of a domain. */
static const struct unread_case {
    const char *text;
    bool on_base;
    bool on_top;
} unread[] = {
    {"<domain><name>x</name><source file='/x/top'/>", false, true},
    {"<domain><source file=\"/x/base\"><source file='/x/top'>", true, true},
    {"<domain><source pool='p' volume='base'/>", true, false},
    {"<!DOCTYPE domain><domain><source file='/x/base'/></domain>", true, false},
    {"<?xml version='1.0' encoding='ISO-8859-1'?><domain><source file='/x/top'/></domain>", false,
     true},
    {"<!DOCTYPE domain [<!ENTITY x 'to'>]><domain><source file='/x/&x;p'/></domain>", true, true},
    {"<domain><source file='/x/&#116;op'/>", true, true},
    {"<domain><source file='/x/stop'/>", false, false},
    {"<network><name>top</name><source file='/x/top'/></network>", false, false},
    {"top and base", false, false},
    {"", false, false},
};

START_TEST(what_an_unread_file_names_counts)
{
    const struct unread_case *one = &unread[_i];
    const char *text = "unread.xml (cannot be read)";
    struct tree_case tree;

    make_images();
    tree_save("unread.xml", one->text);
    tree_load(&tree);
    check(&tree, "d/base", one->on_base ? text : "");
    check(&tree, "d/top", one->on_top ? text : "");
    tree_clear(&tree);
}
END_TEST

START_TEST(copy_of_the_same_domain_is_none_other)
{
    struct tree_case tree;

    make_images();
    tree_save_domain("copy.xml", "vm", "vda=qcow2:d/top");
    scratch_do("ln -s vm.xml link.xml");
    tree_load(&tree);
    check(&tree, "d/top", "");
    tree_clear(&tree);
}
END_TEST

START_TEST(clone_that_kept_the_name_is_another_domain)
{
    struct tree_case tree;

    make_images();
    scratch_do("qemu-img create -q -f qcow2 -b $PWD/d/base -F qcow2 e/clone");
    tree_save_domain("copy.xml", "vm", "vda=qcow2:e/clone vdb=qcow2:d/top");
    tree_load(&tree);
    check(&tree, "d/base", "e/clone");
    check(&tree, "d/top", "");
    tree_clear(&tree);
}
END_TEST

/* QEMU takes relative names from where the link lies. */
START_TEST(links_to_images_are_followed)
{
    struct tree_case tree;

    make_images();
    scratch_do(
        "qemu-img create -q -f qcow2 -b ../d/base -F qcow2 e/clone; ln -s ../e/clone d/link;"
        "ln -s ../e/clone d/again; mkdir f; mkfifo f/fifo; ln -s ../f/fifo d/fifo-link;"
        "qemu-img create -q -f qcow2 -u -b top -F qcow2 f/other 1M; ln -s ../f/other d/other;"
        "ln -s ../e d/directory; ln -s nowhere d/dangling; ln -s loop d/loop");
    tree_load(&tree);
    check(&tree, "d/base", "d/again d/link e/clone");
    check(&tree, "d/top", "d/other");
    tree_clear(&tree);
}
END_TEST

START_TEST(snapshots_of_other_domains_are_followed)
{
    struct tree_case tree;

    make_images();
    scratch_do("qemu-img create -q -f qcow2 -b $PWD/d/base -F qcow2 e/clone;"
               "qemu-img create -q -f qcow2 e/other 1M");
    tree_save_snapshot("c1", NULL, "external", "vda=qcow2:e/clone vdb=qcow2:d/top");
    tree_save_snapshot("c2", "c1", "external", "vda=qcow2:e/gone");
    scratch_do("sed 's/>vm</>clone</' vm.xml >clone.xml; mv vm.snapshots clone.snapshots;"
               "sed -i 's|d/top|e/other|' clone.xml; echo broken >clone.snapshots/c3.xml;"
               "sed 's/>vm</>bare</; s|d/top|e/other|' vm.xml >bare.xml; : >bare.snapshots");
    tree_save_snapshot("s1", NULL, "external", "vda=qcow2:d/base");
    tree_load(&tree);
    check(&tree, "d/base", "e/clone");
    check(&tree, "d/top", "d/top of snapshot 'c1' of domain 'clone'");
    tree_clear(&tree);
}
END_TEST

/* As an operation on that domain leaves it in the middle. */
START_TEST(image_that_strayed_is_found)
{
    struct tree_case tree;
    g_autofree char *directory = scratch_path("e");

    make_images();
    scratch_do("qemu-img create -q -f qcow2 -b $PWD/d/base -F qcow2 e/.clone.offshot-1");
    tree_save_domain("clone.xml", "clone", "vda=qcow2:e/clone vdb=qcow2:nowhere/at-all");
    tree_load(&tree);
    check(&tree, "d/base", "e/.clone.offshot-1");
    ck_assert(g_hash_table_contains(tree.state->searched, directory));
    tree_clear(&tree);
}
END_TEST

/* A process that renames ONE to OTHER and back until it is killed. */
static pid_t
rename_all_the_time(const char *one, const char *other)
{
    pid_t pid = fork();

    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (pid == 0) {
        if (rename(one, other) < 0 || rename(other, one) < 0)
            _exit(1);
    }
    return pid;
}

START_TEST(image_that_is_renamed_meanwhile_is_found)
{
    g_autofree char *clone = scratch_path("d/clone");
    g_autofree char *hidden = scratch_path("d/.hidden");
    pid_t renamer;

    make_images();
    /* many files, so that it takes a while */
    scratch_do("qemu-img create -q -f qcow2 -b base -F qcow2 d/clone;"
               "for i in $(seq 100); do head -c 200 /dev/zero >d/file$i; done");
    renamer = rename_all_the_time(clone, hidden);
    for (int i = 0; i < 40; i++) {
        struct tree_case tree;
        g_autofree char *found = NULL;

        tree_load(&tree);
        found = dependents_of(&tree, "d/base");
        ck_assert_str_ne(found, "");
        tree_clear(&tree);
    }
    kill(renamer, SIGKILL);
    waitpid(renamer, NULL, 0);
}
END_TEST

START_TEST(loop_of_links_ends)
{
    struct tree_case tree;

    make_images();
    scratch_do("qemu-img create -q -f qcow2 -u -b two -F qcow2 e/one 1M;"
               "qemu-img create -q -f qcow2 -u -b one -F qcow2 e/two 1M");
    tree_save_domain("clone.xml", "clone", "vda=qcow2:e/one vdb=qcow2:e/two");
    tree_load(&tree);
    check(&tree, "d/base", "");
    tree_clear(&tree);
}
END_TEST

START_TEST(what_cannot_be_read_may_stand_on_all)
{
    struct tree_case tree;
    bool root = geteuid() == 0;

    make_images();
    scratch_do("qemu-img create -q -f qcow2 d/secret 1M; echo x >d/note; qemu-img create -q -f "
               "qcow2 e/low 1M; qemu-img rebase -u -f qcow2 -b $PWD/e/low -F qcow2 d/base;"
               "chmod 644 vm.xml d/* e/*; chmod 000 d/secret d/note; chmod 755 . d; chmod 711 e");
    if (root)
        ck_assert_int_eq(seteuid(65534), 0);
    if (faccessat(AT_FDCWD, scratch_directory, X_OK, AT_EACCESS) < 0) {
        printf("SKIP: others cannot get at the directory for temporary files\n");
        return;
    }
    tree_load(&tree);
    if (root)
        ck_assert_int_eq(seteuid(0), 0);
    check(&tree, "d/top", "d/secret (cannot be read)");
    check(&tree, "d/base", "d/secret (cannot be read)");
    check(&tree, "e/low", root ? "e (cannot be read)" : "");
    tree_clear(&tree);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("dependents");
    TCase *cases = tcase_create("dependents");

    if (!scratch_has("qemu-img"))
        return 77;
    tcase_add_checked_fixture(cases, scratch_setup, scratch_teardown);
    tcase_set_timeout(cases, 120);
    tcase_add_test(cases, own_images_are_no_dependents);
    tcase_add_loop_test(cases, files_beside_are_followed_as_qemu_would, 0, G_N_ELEMENTS(overlays));
    tcase_add_test(cases, parent_of_vmdk_is_followed);
    tcase_add_test(cases, directories_of_all_images_are_looked_at);
    tcase_add_test(cases, other_domains_are_followed);
    tcase_add_test(cases, other_domain_with_an_unknown_chain_may_stand_on_all);
    tcase_add_loop_test(cases, what_an_unread_file_names_counts, 0, G_N_ELEMENTS(unread));
    tcase_add_test(cases, copy_of_the_same_domain_is_none_other);
    tcase_add_test(cases, clone_that_kept_the_name_is_another_domain);
    tcase_add_test(cases, links_to_images_are_followed);
    tcase_add_test(cases, snapshots_of_other_domains_are_followed);
    tcase_add_test(cases, image_that_strayed_is_found);
    tcase_add_test(cases, image_that_is_renamed_meanwhile_is_found);
    tcase_add_test(cases, loop_of_links_ends);
    tcase_add_test(cases, what_cannot_be_read_may_stand_on_all);
    suite_add_tcase(suite, cases);
    return unit_run(suite);
}
