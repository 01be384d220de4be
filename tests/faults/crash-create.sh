#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# External snapshots of two disks are taken, recorded and copied out while offshot or its qemu-img dies, or a call of
# theirs fails: before, or after, never between, and what was to be copied is whole or is not there.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io flock
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M
make_image b.img raw 1M
pattern_write a.qcow2 qcow2 0x11 64k 128k
pattern_write b.img raw 0x21 64k 128k
make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:raw:"$CASE/b.img"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x12 128k 128k
pattern_write b.s1 qcow2 0x22 128k 128k
# the record of a snapshot, and a place for copies
sed -e 's|<name>s1</name>|<name>again</name>|' vm.snapshots/s1.xml >again.xml
mkdir out
fixture_end

create=("$OFFSHOT" create ./vm.xml s2 --disk-only)
disturb_all 'create' "${create[@]}"
disturb_all 'create --keep-filename' "${create[@]}" --keep-filename
disturb_all 'extract' "$OFFSHOT" extract ./vm.xml s1 -o out
disturb_all 'redefine' "$OFFSHOT" create ./vm.xml --redefine --xml again.xml --current
if is_long; then
    # overlays that somebody has prepared
    case_fresh
    make_image prepared-a qcow2 1M -b "$CASE/a.s1" -F qcow2
    make_image prepared-b qcow2 1M -b "$CASE/b.s1" -F qcow2
    rm -r "$FIXTURE"
    fixture_end
    disturb_all 'create --reuse-external' "${create[@]}" --reuse-external --diskspec vda,file=prepared-a \
        --diskspec vdb,file=prepared-b
    disturb_all 'create --no-metadata' "${create[@]}" --no-metadata
    disturb_all 'delete --metadata' "$OFFSHOT" delete ./vm.xml s1 --metadata
fi
table
