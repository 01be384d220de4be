#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A chain of 200 images is the most that libvirt starts: it is refused one more, and 199 get the
# 200th.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

# made without opening what is below: -u and a size
make_image n1 qcow2 1M -o cluster_size=4k
for ((n = 2; n <= 200; n++)); do
    echo "qemu-img create -q -u -f qcow2 -o cluster_size=4k -F qcow2 -b n$((n - 1)) n$n 1M"
done | sh || fail 'cannot make the chain'

make_domain vm vda:qcow2:n200
assert_refuses 8 '200' "$OFFSHOT" create ./vm.xml s1 --disk-only
make_domain vm vda:qcow2:n199
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_equal "$(image_info n199.s1 qcow2 '."backing-filename"')" n199 'backing image'
assert_equal "$(image_info n199.s1 qcow2 '."virtual-size"')" 1048576 size
assert_equal "$(domain_source vm.xml vda)" "$WORK/n199.s1" source
assert_refuses 8 '200' "$OFFSHOT" create ./vm.xml s2 --disk-only
