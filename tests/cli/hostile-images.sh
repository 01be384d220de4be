#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a hostile image says of itself, of its backing image and of its data, and what is no image at all, as
# the active image of a disk and below it: refused by what we read ourselves, before any program looks at it.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/hostile.sh"

need qemu-img python3

hostile_prepare
outside=$(snapshot_state "$OUTSIDE")
count=0

while read -r thing format status text; do
    [ -n "$thing" ] || continue
    text=${text//_/ }
    text=${text/data file/data_file}
    count=$((count + 1))
    hostile_make "$thing" "$WORK/a.img"
    make_domain vm "vda:$format:a.img"
    hostile_refuses "$status" "$text" "$OFFSHOT" create ./vm.xml s1 --disk-only
    hostile_refuses "$status" "$text" "$OFFSHOT" create ./vm.xml s1 --internal
    # below the active image
    make_image over.qcow2 qcow2 1M -u -b "$WORK/a.img" -F "$format"
    make_domain vm vda:qcow2:over.qcow2
    for command in 'create ./vm.xml s1 --disk-only' 'create ./vm.xml s1 --internal' 'flatten ./vm.xml'; do
        # shellcheck disable=SC2086 # words
        hostile_refuses "$status" "$text" "$OFFSHOT" $command
    done
    quickly "$OFFSHOT" list ./vm.xml --name
    assert_status 0
    no_child
    assert_unchanged "$OUTSIDE" "$outside"
    find "$WORK" -mindepth 1 -delete
done <<<"$THINGS$HEADERS"
[ "$count" -gt 30 ] || fail "only $count things were tried"

# a file of 8 EiB, where a file system has such
sparse=$(mktemp /dev/shm/offshot-test.XXXXXX 2>/dev/null) || skip 'no file can be that large here; all else passed'
at_exit "rm -f '$sparse'"
truncate -s 9223372036854775807 "$sparse" 2>/dev/null || skip 'no file can be that large here; all else passed'
ln -s "$sparse" a.img
make_domain vm vda:raw:a.img
hostile_refuses 7 'size' "$OFFSHOT" create ./vm.xml s1 --disk-only
make_image over.qcow2 qcow2 1M -u -b "$WORK/a.img" -F raw
make_domain vm vda:qcow2:over.qcow2
for command in 'create ./vm.xml s1 --disk-only' 'create ./vm.xml s1 --internal' 'flatten ./vm.xml'; do
    # shellcheck disable=SC2086 # words
    hostile_refuses 7 'size' "$OFFSHOT" $command
done
