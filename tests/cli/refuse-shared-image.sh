#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two disks with one image, by any name, or with a common chain that one of them writes, are refused.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
ln a.qcow2 hard.qcow2
ln -s a.qcow2 soft.qcow2
mkdir dir
make_image over.qcow2 qcow2 1M -b "$WORK/a.qcow2" -F qcow2
make_image c.qcow2 qcow2 1M

for name in a.qcow2 hard.qcow2 soft.qcow2 dir/../a.qcow2 over.qcow2; do
    make_domain vm vda:qcow2:a.qcow2 "vdb:qcow2:$name"
    assert_refuses 8 "'vda' and 'vdb'" "$OFFSHOT" create ./vm.xml s1 --disk-only
    # also when the other is not selected: it would write what is frozen, or see it change
    assert_refuses 8 "'vda' and 'vdb'" "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdb,snapshot=no
done
make_domain vm vda:qcow2:over.qcow2 vdb:qcow2:a.qcow2
assert_refuses 8 "'vda' and 'vdb'" "$OFFSHOT" create ./vm.xml s1 --disk-only

# the same file as two formats
make_domain vm vda:qcow2:a.qcow2 vdb:raw:hard.qcow2
run "$OFFSHOT" create ./vm.xml s1 --disk-only
[ "$STATUS" = 7 ] || [ "$STATUS" = 8 ] || fail "status $STATUS instead of 7 or 8"

# two disks on one base that nobody writes are fine
make_image over2.qcow2 qcow2 1M -b "$WORK/a.qcow2" -F qcow2
make_domain vm vda:qcow2:over.qcow2 vdb:qcow2:over2.qcow2 vdc:qcow2:c.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_chain "$WORK/over.s1" qcow2 "$WORK/over.qcow2" "$WORK/a.qcow2"
assert_chain "$WORK/over2.s1" qcow2 "$WORK/over2.qcow2" "$WORK/a.qcow2"
