#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An overlay can be of format qed, and a snapshot stands on it.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x31 0 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vda,driver=qed
assert_equal "$(domain_format vm.xml vda)" qed
assert_chain "$WORK/a.s1" qed "$WORK/a.qcow2"
pattern_check a.s1 qed 0x31 0 1M
pattern_write a.s1 qed 0x32 0 64k
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
assert_chain "$WORK/a.s2" qcow2 "$WORK/a.s1" "$WORK/a.qcow2"
pattern_check a.s2 qcow2 0x32 0 64k
pattern_check a.s2 qcow2 0x31 64k 960k
assert_snapshot_valid vm.snapshots/*.xml

# qed on qed, kept names included
make_image b.qed qed 1M
make_domain two vda:qed:b.qed
ok "$OFFSHOT" create ./two.xml s1 --disk-only --keep-filename --diskspec vda,driver=qed
assert_chain "$WORK/b.qed" qed "$WORK/b.s1.qed"
