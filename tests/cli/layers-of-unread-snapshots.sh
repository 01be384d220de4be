#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An unnamed layer stays while a snapshot that may stand on it cannot be read: its file system is not mounted.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# make_tree: s3 and the active image stand on the unnamed layer a.s1; then fast/ goes out of sight.
make_tree()
{
    rm -rf ./* .vm.offshot
    mkdir fast
    make_image a.qcow2 qcow2 8M
    make_domain vm vda:qcow2:a.qcow2
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only
    pattern_write a.s1 qcow2 0x22 0 3M
    ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec "vda,file=$WORK/fast/x.qcow2"
    ok "$OFFSHOT" create ./vm.xml s3 --disk-only --diskspec "vda,file=$WORK/fast/y.qcow2"
    ok "$OFFSHOT" revert ./vm.xml s2
    ok "$OFFSHOT" delete ./vm.xml s2
    mv fast hidden
    mkdir fast
}

check_tree()
{
    rmdir fast
    mv hidden fast
    pattern_check fast/x.qcow2 qcow2 0x22 0 3M
}

make_tree
run "$OFFSHOT" flatten ./vm.xml
check_tree

make_tree
run "$OFFSHOT" revert ./vm.xml s1
check_tree
