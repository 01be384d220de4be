#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Internal snapshots of two disks are taken, reverted to and deleted while offshot or its qemu-img dies, or a
# call of theirs fails: all disks end before, or all behind, and every image is clean.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io flock
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:qcow2:"$CASE/b.qcow2"
for turn in 1 2; do
    pattern_write a.qcow2 qcow2 "0x1$turn" "$((turn * 64))k" 128k
    pattern_write b.qcow2 qcow2 "0x2$turn" "$((turn * 64))k" 128k
    ok "$OFFSHOT" create ./vm.xml "s$turn" --internal
done
pattern_write a.qcow2 qcow2 0x13 256k 64k
pattern_write b.qcow2 qcow2 0x23 256k 64k
fixture_end

disturb_all 'create --internal' "$OFFSHOT" create ./vm.xml s3 --internal
disturb_all 'create, mixed' "$OFFSHOT" create ./vm.xml s3 --internal --diskspec vdb,snapshot=external
disturb_all 'revert, internal' "$OFFSHOT" revert ./vm.xml s1
disturb_all 'revert, internal, --save-as' "$OFFSHOT" revert ./vm.xml s1 --save-as s3
disturb_all 'delete, internal' "$OFFSHOT" delete ./vm.xml s1
table
