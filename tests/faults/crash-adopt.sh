#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An adoption is disturbed at each call of offshot: then all of its snapshots are recorded, or none, and no image is
# another than before.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io
need_plain_program

fixture_begin
for image in a b; do
    make_image $image.qcow2 qcow2 1M
    pattern_write $image.qcow2 qcow2 0x11 64k 64k
    qemu-img snapshot -c t1 "$PWD/$image.qcow2"
    make_image $image.s1 qcow2 1M -b $image.qcow2 -F qcow2
    pattern_write $image.s1 qcow2 0x12 128k 64k
    make_image $image.s2 qcow2 1M -b $image.s1 -F qcow2
done
make_domain vm vda:qcow2:"$CASE/a.s2" vdb:qcow2:"$CASE/b.s2"
# what is in the middle is known, and gets another parent
ok "$OFFSHOT" adopt ./vm.xml
ok "$OFFSHOT" delete ./vm.xml s1 --metadata
ok "$OFFSHOT" delete ./vm.xml t1 --metadata
fixture_end

disturb_all 'adopt' "$OFFSHOT" adopt ./vm.xml
table
