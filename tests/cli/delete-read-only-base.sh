#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A base that its owner made read-only stays as it is, also for root, to whom everything is writable.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

make_image a.qcow2 qcow2 8M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 0 64k
chmod 444 a.qcow2
before=$(sha256sum a.qcow2)
run "$OFFSHOT" delete ./vm.xml s1
assert_exists a.qcow2
assert_equal "$(sha256sum a.qcow2)" "$before" 'the read-only base'
