#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that a snapshot or another disk has in another format is needed: nothing changes it.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# a snapshot has it as raw, a later one as qcow2
mkdir snapshot
cd snapshot || exit 99
make_image a.qcow2 qcow2 4M
pattern_write a.qcow2 qcow2 0x10 0 1M
make_domain vm vda:raw:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
rm a.s1
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
pattern_write a.s2 qcow2 0x11 0 64k
hash=$(sha256sum <a.qcow2)
ok "$OFFSHOT" delete ./vm.xml s2
assert_equal "$(sha256sum <a.qcow2)" "$hash" 'what s1 froze'
pattern_check a.s2 qcow2 0x11 0 64k
pattern_check a.s2 qcow2 0x10 64k 960k
cd "$WORK" || exit 99

# the base is another disk as well, as raw
mkdir disk
cd disk || exit 99
make_image a.qcow2 qcow2 4M
pattern_write a.qcow2 qcow2 0x10 0 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x11 0 64k
make_domain vm vda:qcow2:a.s1 vdb:-:a.qcow2
hash=$(sha256sum <a.qcow2)
assert_refuses 8 'share a backing chain' "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec vdb,snapshot=no
ok "$OFFSHOT" delete ./vm.xml s1
assert_equal "$(sha256sum <a.qcow2)" "$hash" 'the second disk'
assert_equal "$(domain_source vm.xml vda)" "$PWD/a.s1" 'first disk'
assert_equal "$(domain_source vm.xml vdb)" "$PWD/a.qcow2" 'second disk'
