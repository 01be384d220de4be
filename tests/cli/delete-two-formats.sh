#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that one place names as raw and another as qcow2 is one image all the same: needed is needed.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# s1 has it frozen as raw, s2 as qcow2
make_image a.qcow2 qcow2 8M
pattern_write a.qcow2 qcow2 0x11 0 1M
make_domain vm vda:raw:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
rm a.s1
make_domain vm vda:qcow2:a.qcow2
before=$(sha256sum a.qcow2)
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
pattern_write a.s2 qcow2 0x22 0 64k
run "$OFFSHOT" delete ./vm.xml s2
assert_equal "$(sha256sum a.qcow2)" "$before" 'what snapshot s1 holds'

# the base of vda is vdb as well, without the type of a driver
for size in 64k 4M; do
    rm -rf ./* .vm.offshot
    make_image a.qcow2 qcow2 8M
    pattern_write a.qcow2 qcow2 0x11 0 1M
    make_domain vm vda:qcow2:a.qcow2
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only
    pattern_write a.s1 qcow2 0x22 0 "$size"
    make_domain vm vda:qcow2:a.s1 vdb:-:a.qcow2
    before=$(sha256sum a.qcow2)
    run "$OFFSHOT" delete ./vm.xml s1
    assert_exists a.qcow2
    assert_equal "$(sha256sum a.qcow2)" "$before" 'image of vdb'
    assert_equal "$(domain_source vm.xml vdb)" "$WORK/a.qcow2" 'source of vdb'
done
