#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The deletion of a snapshot with its memory in a file is disturbed at calls of offshot and of its qemu-img: the
# memory is there as long as the snapshot is, and gone when that is gone.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"
. "${srcdir:?}/lib/memory.sh"

need jq qemu-io
need_plain_program

fixture_begin
make_image a.img qcow2 1M
make_image b.img qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.img" vdb:qcow2:"$CASE/b.img"
for name in s1 s2; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 0x11 0 128k
    pattern_write "$(domain_source vm.xml vdb)" qcow2 0x22 0 128k
    ok "$OFFSHOT" create ./vm.xml "$name" --disk-only
done
give_memory s1 "$CASE/memory"
save_image vm.xml >memory
fixture_end

disturb_all 'delete with memory' "$OFFSHOT" delete ./vm.xml s1
table
