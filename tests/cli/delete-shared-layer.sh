#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An image on which several branches stand stays without a name when that costs less space, and a later delete
# or revert clears it up; a small one, or --strategy=rebase, is copied into each.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# s1 - s2 - s3
#        \ s4 (current)
prepare()
{
    start_over
    make_image a.qcow2 qcow2 8M
    pattern_write a.qcow2 qcow2 0x11 0 4M
    make_domain vm vda:qcow2:a.qcow2
    take s1 --disk-only
    [ "$1" = small ] || pattern_write a.s1 qcow2 0x22 4M 3M
    take s2 --disk-only
    take s3 --disk-only
    ok "$OFFSHOT" revert ./vm.xml s2
    take s4 --disk-only
    remember
    active=$(basename "$(snapshot_disks s4 | cut -d' ' -f4)")
}

prepare large
before=$(snapshot_state "$WORK")
ok "$OFFSHOT" delete ./vm.xml s2 --dry-run
assert_unchanged "$WORK" "$before"
ok "$OFFSHOT" delete ./vm.xml s2
assert_stderr_contains "several images stand on '$WORK/a.s1'"
assert_tree s1 s3 s4
assert_exists a.s1
assert_exists .vm.offshot/layers
assert_link a.s2 a.s1
assert_link "$active" a.s1

# the same again says nothing, and changes nothing about it
ok "$OFFSHOT" delete ./vm.xml s4 --strategy=rebase
assert_tree s1 s3
assert_exists a.s1

# the other branch goes: the layer goes with it
ok "$OFFSHOT" delete ./vm.xml s3
assert_tree s1
assert_absent .vm.offshot
assert_equal "$(find . -name 'a.*' | wc -l)" 2 'number of images'

# … or with a revert
prepare large
ok "$OFFSHOT" delete ./vm.xml s2
ok "$OFFSHOT" delete ./vm.xml s3
ok "$OFFSHOT" delete ./vm.xml s4
ok "$OFFSHOT" revert ./vm.xml s1
assert_equal "$(find . -name 'a.*' | wc -l)" 2 'number of images'
assert_absent .vm.offshot

# copied into each
prepare small
ok "$OFFSHOT" delete ./vm.xml s2
assert_stderr_empty
assert_tree s1 s3 s4
assert_absent a.s1
prepare large
ok "$OFFSHOT" delete ./vm.xml s2 --strategy=rebase
assert_tree s1 s3 s4
assert_absent a.s1
assert_absent .vm.offshot

# never down
prepare large
assert_refuses 8 "several images stand on '$WORK/a.s1'" \
    "$OFFSHOT" delete ./vm.xml s2 --strategy=commit
