#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# While another disk is attached in its place, a disk's present state survives what is deleted below it.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# all of the present state is in a.s0, which a snapshot made and another one is in
make_image a.qcow2 qcow2 8M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s0 --disk-only
ok "$OFFSHOT" create ./vm.xml s1
pattern_write a.s0 qcow2 0x22 0 1M
make_image rescue.qcow2 qcow2 8M
make_domain vm vda:qcow2:rescue.qcow2
run "$OFFSHOT" delete ./vm.xml s1
assert_exists a.s0
pattern_check a.s0 qcow2 0x22 0 1M

# it stands on a.qcow2 from another directory
rm -rf ./* .vm.offshot
mkdir fast
make_image a.qcow2 qcow2 8M
pattern_write a.qcow2 qcow2 0x11 0 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,file=$WORK/fast/x"
pattern_write fast/x qcow2 0x22 1M 1M
make_image rescue.qcow2 qcow2 8M
make_domain vm vda:qcow2:rescue.qcow2
run "$OFFSHOT" delete ./vm.xml s1
pattern_check fast/x qcow2 0x11 0 1M
pattern_check fast/x qcow2 0x22 1M 1M
