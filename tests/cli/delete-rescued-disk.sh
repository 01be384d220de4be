#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A disk of another domain that was attached for a while stays: neither the delete of a snapshot that was taken
# meanwhile nor a revert removes what it holds.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

make_image a.qcow2 qcow2 8M
make_image other.qcow2 qcow2 8M
pattern_write other.qcow2 qcow2 0x33 0 1M
make_domain vm vda:qcow2:other.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
make_domain vm vda:qcow2:a.qcow2
rm other.s1
run "$OFFSHOT" delete ./vm.xml s1
assert_exists other.qcow2
pattern_check other.qcow2 qcow2 0x33 0 1M

# a clone of the same base, of a domain in a directory of its own
rm -rf ./* .vm.offshot
mkdir other
make_image g.qcow2 qcow2 8M
make_domain vm vda:qcow2:g.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
make_image other/c.qcow2 qcow2 8M -b ../g.qcow2 -F qcow2
pattern_write other/c.qcow2 qcow2 0x33 0 1M
make_domain other/other vda:qcow2:other/c.qcow2
make_domain vm vda:qcow2:other/c.qcow2
run "$OFFSHOT" revert ./vm.xml s1
pattern_check other/c.qcow2 qcow2 0x33 0 1M
