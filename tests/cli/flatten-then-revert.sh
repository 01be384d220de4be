#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A flattened image under a kept name shows no longer that a revert made it. The next revert still gives it up:
# the name stays with the disk, and no file is left behind.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename
ok "$OFFSHOT" revert ./vm.xml --current --save-as=s2
pattern_write a.qcow2 qcow2 0x22 0 64k
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --keep-filename
ok "$OFFSHOT" revert ./vm.xml s2 --save-as=s4
pattern_write a.qcow2 qcow2 0x33 0 64k
ok "$OFFSHOT" flatten ./vm.xml
assert_chain "$WORK/a.qcow2" qcow2
pattern_check a.qcow2 qcow2 0x33 0 64k

ok "$OFFSHOT" revert ./vm.xml s3
assert_equal "$(domain_source vm.xml vda)" "$WORK/a.qcow2" 'active name'
pattern_check a.qcow2 qcow2 0x22 0 64k
assert_equal "$(echo a*)" 'a.qcow2 a.s1.qcow2 a.s2.qcow2 a.s3.qcow2 a.s4.qcow2' 'images'

# what was flattened and then put aside by hand is nobody's garbage
ok "$OFFSHOT" flatten ./vm.xml
ok "$OFFSHOT" create ./vm.xml s5 --internal
cp a.qcow2 b.qcow2
sed -i 's,/a\.qcow2,/b.qcow2,' vm.xml
before=$(sha256sum a.qcow2)
ok "$OFFSHOT" delete ./vm.xml s1
ok "$OFFSHOT" delete ./vm.xml s2
assert_equal "$(sha256sum a.qcow2)" "$before" 'the image that was put aside'
