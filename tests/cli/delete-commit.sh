#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Deleting by commit, at every place of a chain: the image above goes down into the one that is forgotten, and
# whoever stood on it follows.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

prepare()
{
    start_over
    make_image a.qcow2 qcow2 2M
    pattern_write a.qcow2 qcow2 0x11 0 2M
    make_domain vm vda:qcow2:a.qcow2
    for n in 1 2 3; do
        take "s$n" --disk-only "$@"
    done
    remember
}

for path in relative absolute; do
    lead=
    [ "$path" = relative ] || lead=$WORK/

    # the root
    prepare --backing-path=$path
    ok "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
    assert_stdout 'Domain snapshot s1 deleted'
    assert_stderr_empty
    assert_tree s2 s3
    assert_files a.qcow2 a.s2 a.s3
    assert_link a.s2 "${lead}a.qcow2"
    assert_equal "$(current)" s3 current

    # in the middle
    prepare --backing-path=$path
    ok "$OFFSHOT" delete ./vm.xml s2 --strategy=commit
    assert_tree s1 s3
    assert_files a.qcow2 a.s1 a.s3
    assert_link a.s3 "${lead}a.s1"
    assert_equal "$(current)" s3 current

    # the last: the domain goes with it
    prepare --backing-path=$path
    ok "$OFFSHOT" delete ./vm.xml s3 --strategy=commit
    assert_tree s1 s2
    assert_files a.qcow2 a.s1 a.s2
    assert_equal "$(domain_source vm.xml vda)" "$WORK/a.s2" 'active image'
    assert_equal "$(current)" s2 current

    # all, one by one
    ok "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
    assert_tree s2
    ok "$OFFSHOT" delete ./vm.xml s2 --strategy=commit
    assert_tree
    assert_files a.qcow2
    assert_equal "$(domain_source vm.xml vda)" "$WORK/a.qcow2" 'active image'
    assert_equal "$(current)" '' current
done

# what is there now can be snapshotted, reverted and deleted as ever
take s4 --disk-only
remember
ok "$OFFSHOT" revert ./vm.xml s4
ok "$OFFSHOT" delete ./vm.xml s4
assert_equal "$(content_hash "$(domain_source vm.xml vda)" qcow2)" "${KNOWN['s4 vda']}" 'reverted state'
assert_absent .vm.offshot
