#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An overlay stands on any format that QEMU can use below it, and says which.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

# libvirt's name and, where it is another, that of QEMU
for formats in raw qcow2 qcow qed vmdk vdi vpc vhd:vhdx ploop:parallels; do
    format=${formats#*:}
    qemu-img create -q -f "$format" "$WORK/base.$format" 4M 2>"$STDERR" || continue
    make_domain vm "vda:${formats%:*}:base.$format"
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only
    assert_equal "$(image_info base.s1 qcow2 '."backing-filename-format"')" "$format" 'backing format'
    assert_equal "$(image_info base.s1 qcow2 '."virtual-size"')" \
        "$(image_info "base.$format" "$format" '."virtual-size"')" "size on $format"
    assert_chain "$WORK/base.s1" qcow2 "$WORK/base.$format"
    rm -rf vm.snapshots base.*
done

# no driver type means raw, as for libvirt; sizes of raw images are counted in sectors
printf 'abc' >odd.img
make_domain vm vda:-:odd.img
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_equal "$(image_info odd.s1 qcow2 '."backing-filename-format"')" raw
assert_equal "$(image_info odd.s1 qcow2 '."virtual-size"')" 512
# v2 images
make_image old.qcow2 qcow2 1M -o compat=0.10
make_domain old vda:qcow2:old.qcow2
ok "$OFFSHOT" create ./old.xml s1 --disk-only
assert_chain "$WORK/old.s1" qcow2 "$WORK/old.qcow2"
