#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In a tree that was taken with --keep-filename every name stays what it was, whichever way the data goes.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

prepare()
{
    start_over
    make_image a.qcow2 qcow2 2M
    pattern_write a.qcow2 qcow2 0x11 0 2M
    make_domain vm vda:qcow2:a.qcow2
    domain=$(cat vm.xml)
    for n in 1 2 3; do
        take "s$n" --disk-only --keep-filename
    done
    remember
}

for strategy in commit rebase; do
    prepare
    ok "$OFFSHOT" delete ./vm.xml s1 --strategy=$strategy
    assert_stderr_empty
    assert_tree s2 s3
    assert_files a.qcow2 a.s2.qcow2 a.s3.qcow2
    assert_link a.s2.qcow2 ''

    prepare
    ok "$OFFSHOT" delete ./vm.xml s2 --strategy=$strategy
    assert_tree s1 s3
    assert_files a.qcow2 a.s1.qcow2 a.s3.qcow2
    assert_link a.s3.qcow2 a.s1.qcow2

    prepare
    ok "$OFFSHOT" delete ./vm.xml s3 --strategy=$strategy
    assert_tree s1 s2
    assert_files a.qcow2 a.s1.qcow2 a.s2.qcow2
    assert_link a.qcow2 a.s2.qcow2
    assert_equal "$(cat vm.xml)" "$domain" 'domain XML'

    ok "$OFFSHOT" delete ./vm.xml s1 --children --strategy=$strategy
    assert_tree
    assert_files a.qcow2
    assert_equal "$(cat vm.xml)" "$domain" 'domain XML'
done

# a branch: what both share is kept, and gives its place away in the end
prepare
ok "$OFFSHOT" revert ./vm.xml s2
take s4 --disk-only --keep-filename
remember
ok "$OFFSHOT" delete ./vm.xml s2
[ "$(wc -l <"$STDERR")" -le 1 ] || fail 'more than one remark'
assert_tree s1 s3 s4
ok "$OFFSHOT" delete ./vm.xml s3
assert_tree s1 s4
ok "$OFFSHOT" delete ./vm.xml s1 --children
assert_tree
assert_files a.qcow2
assert_equal "$(cat vm.xml)" "$domain" 'domain XML'
