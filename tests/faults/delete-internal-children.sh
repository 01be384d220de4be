#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Several internal snapshots of the same images are deleted at once.
. "${srcdir:?}/lib/lib.sh"

need qemu-io

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$PWD/a.qcow2" vdb:qcow2:"$PWD/b.qcow2"
for turn in 1 2 3; do
    pattern_write a.qcow2 qcow2 "0x1$turn" 0 64k
    ok "$OFFSHOT" create ./vm.xml "s$turn" --internal
done
ok "$OFFSHOT" delete ./vm.xml s2 --children
for image in a.qcow2 b.qcow2; do
    assert_equal "$(qemu-img snapshot -l "$image" | awk 'NR > 2 { print $2 }')" s1 "snapshots in '$image'"
    assert_clean "$image" qcow2
done
assert_absent vm.snapshots/s2.xml
assert_absent vm.snapshots/s3.xml
ok "$OFFSHOT" revert ./vm.xml s1
pattern_check a.qcow2 qcow2 0x11 0 64k
