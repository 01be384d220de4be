#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A disk was taken out, and another one has its target since: what the old one stands on stays all the same.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# one NAME: the old vdb is o2/b.s1 - o1/b.s0 - b.qcow2, in a directory of its own, and vdb is c.qcow2 now
one()
{
    mkdir -p "$WORK/$1"/o1 "$WORK/$1"/o2
    cd "$WORK/$1" || exit 99
    make_image a.qcow2 qcow2 4M
    make_image b.qcow2 qcow2 4M
    make_image c.qcow2 qcow2 4M
    pattern_write b.qcow2 qcow2 0x11 0 64k
    make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
    ok "$OFFSHOT" create ./vm.xml s0 --disk-only --diskspec "vdb,file=$PWD/o1/b.s0"
    pattern_write o1/b.s0 qcow2 0x22 64k 64k
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vdb,file=$PWD/o2/b.s1"
    pattern_write o2/b.s1 qcow2 0x33 128k 64k
    make_domain vm "vda:qcow2:$(domain_source vm.xml vda)" vdb:qcow2:c.qcow2
}

one there
old=$(content_hash o2/b.s1 qcow2)
for snapshot in s1 s0; do
    ok "$OFFSHOT" delete ./vm.xml $snapshot
    assert_equal "$(content_hash o2/b.s1 qcow2)" "$old" "the old vdb without $snapshot"
done

# it lies where nobody looks
one away
old=$(content_hash o2/b.s1 qcow2)
mv o2 "$SCRATCH/away"
for snapshot in s1 s0; do
    ok "$OFFSHOT" delete ./vm.xml $snapshot
    assert_stderr_contains "is of a disk 'vdb' in whose place the domain has '$PWD/c.qcow2'"
done
mv "$SCRATCH/away" o2
assert_equal "$(content_hash o2/b.s1 qcow2)" "$old" 'the old vdb'
