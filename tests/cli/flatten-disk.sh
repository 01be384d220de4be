#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Only the disks that are named, by target or by source, are flattened; blockpull says the same.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint jq

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_image c.qcow2 qcow2 1M
make_image d.qcow2 qcow2 1M
pattern_write b.qcow2 qcow2 0x22 0 300k
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2 vdc:qcow2:c.qcow2 vdd:qcow2:d.qcow2
ok "$OFFSHOT" create ./vm.xml s --disk-only --diskspec vdd,snapshot=no
a=$(sha256sum a.s)

before=$(snapshot_state "$WORK")
ok "$OFFSHOT" flatten ./vm.xml --disk vdb --dry-run
assert_stdout_contains "rebase"
assert_unchanged "$WORK" "$before"

ok "$OFFSHOT" flatten ./vm.xml --disk vdb --json
assert_equal "$(json '.disks | map(.name + " " + .path) | join("|")')" "vdb $WORK/b.s"
assert_chain "$WORK/a.s" qcow2 "$WORK/a.qcow2"
assert_equal "$(sha256sum a.s)" "$a" 'image of vda'
assert_chain "$WORK/b.s" qcow2
assert_same_content b.s qcow2 b.qcow2 qcow2
assert_chain "$WORK/c.s" qcow2 "$WORK/c.qcow2"

ok "$OFFSHOT" blockpull ./vm.xml "$WORK/c.s"
assert_chain "$WORK/c.s" qcow2
assert_chain "$WORK/a.s" qcow2 "$WORK/a.qcow2"

# a disk without a chain is no error, and is spoken of
ok "$OFFSHOT" flatten ./vm.xml --disk vdd
assert_stderr_contains "the image of disk 'vdd' stands on no other"
assert_refuses 4 "no disk 'vdz'" "$OFFSHOT" flatten ./vm.xml --disk vda --disk vdz
