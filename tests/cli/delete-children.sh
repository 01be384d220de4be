#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --children takes a snapshot and all below it, --children-only what is below; branches, current and parents
# are as virsh would leave them.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# s1 - s2 - s3 - s4
#        \ s5 - s6 (current)
prepare()
{
    start_over
    make_image a.qcow2 qcow2 4M
    pattern_write a.qcow2 qcow2 0x11 0 4M
    make_domain vm vda:qcow2:a.qcow2
    for n in 1 2 3 4; do
        take "s$n" --disk-only
    done
    ok "$OFFSHOT" revert ./vm.xml s2
    for n in 5 6; do
        take "s$n" --disk-only
    done
    remember
}

images()
{
    find . -maxdepth 1 -name 'a.*' | wc -l
}

for strategy in auto commit rebase; do
    prepare
    ok "$OFFSHOT" delete ./vm.xml s2 --children --strategy=$strategy
    assert_stdout 'Domain snapshot s2 deleted'
    assert_stderr_empty
    assert_tree s1
    assert_equal "$(images)" 2 'number of images'
    assert_equal "$(current)" s1 current

    prepare
    ok "$OFFSHOT" delete ./vm.xml s2 --children-only --strategy=$strategy
    assert_stdout 'Domain snapshot s2 children deleted'
    assert_tree s1 s2
    assert_equal "$(images)" 3 'number of images'
    assert_equal "$(current)" s2 current

    prepare
    ok "$OFFSHOT" delete ./vm.xml s1 --children --strategy=$strategy
    assert_tree
    assert_equal "$(images)" 1 'number of images'
    assert_absent .vm.offshot

    # a branch that is not active is nothing but garbage
    prepare
    ok "$OFFSHOT" delete ./vm.xml s3 --children --strategy=$strategy
    assert_tree s1 s2 s5 s6
    assert_equal "$(images)" 5 'number of images'
    assert_equal "$(current)" s6 current
done

# parents: the nearest that is left
prepare
ok "$OFFSHOT" delete ./vm.xml s5
assert_equal "$(snapshot_text s6 /domainsnapshot/parent/name)" s2 'parent of s6'
ok "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
assert_equal "$(snapshot_text s2 /domainsnapshot/parent/name)" '' 'parent of s2'
assert_tree s2 s3 s4 s6
