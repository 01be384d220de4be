#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Deleting by rebase, at every place of a chain: what is forgotten goes up into the image above, which keeps
# its name, and nobody else changes.
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
    # zeros that hide what is below have to hide it still
    [ "$(qemu-io -f qcow2 -c 'write -z 1M 64k' "$WORK/a.s3" | head -c 5)" = wrote ] || fail 'no zeros'
    remember
    domain=$(cat vm.xml)
}

for path in relative absolute; do
    lead=
    [ "$path" = relative ] || lead=$WORK/

    # the root: nothing is left to stand on
    prepare --backing-path=$path
    ok "$OFFSHOT" delete ./vm.xml s1 --strategy=rebase
    assert_stdout 'Domain snapshot s1 deleted'
    assert_stderr_empty
    assert_tree s2 s3
    assert_files a.s1 a.s2 a.s3
    assert_link a.s1 ''
    assert_link a.s2 "${lead}a.s1"

    # in the middle
    prepare --backing-path=$path
    ok "$OFFSHOT" delete ./vm.xml s2 --strategy=rebase
    assert_tree s1 s3
    assert_files a.qcow2 a.s2 a.s3
    assert_link a.s2 "${lead}a.qcow2"
    assert_equal "$(snapshot_text s1 "/domainsnapshot/disks/disk/source/@file")" "$WORK/a.s2" 'overlay of s1'

    # the last
    prepare --backing-path=$path
    ok "$OFFSHOT" delete ./vm.xml s3 --strategy=rebase
    assert_tree s1 s2
    assert_files a.qcow2 a.s1 a.s3
    assert_link a.s3 "${lead}a.s1"
    assert_equal "$(current)" s2 current
    assert_equal "$(cat vm.xml)" "$domain" 'domain XML'
    # what it stands on now is that snapshot's overlay, so a revert gives it up
    ok "$OFFSHOT" revert ./vm.xml s2
    assert_files a.qcow2 a.s1 a.s3

    ok "$OFFSHOT" delete ./vm.xml s1 --strategy=rebase
    ok "$OFFSHOT" delete ./vm.xml s2 --strategy=rebase
    assert_files a.s3
    assert_equal "$(content_hash a.s3 qcow2)" "${KNOWN['s2 vda']}" 'what s2 held'
done
