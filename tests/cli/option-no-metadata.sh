#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --no-metadata makes the overlays and changes the domain XML, and records nothing: the snapshot that
# was current stays so.
. "${srcdir:?}/lib/lib.sh"

need qemu-img xmllint jq

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --no-metadata
assert_stdout 'Domain snapshot s1 created'
assert_absent vm.snapshots
assert_chain "$WORK/a.s1" qcow2 "$WORK/a.qcow2"
assert_equal "$(domain_source vm.xml vda)" "$WORK/a.s1"
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
cp vm.snapshots/s2.xml s2.before
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --no-metadata --json
assert_equal "$(json '.snapshots[0] | .name + " " + .disks[0].overlay')" "s3 $WORK/a.s3"
assert_same_file vm.snapshots/s2.xml s2.before
ok "$OFFSHOT" current ./vm.xml --name
assert_stdout s2
assert_chain "$WORK/a.s3" qcow2 "$WORK/a.s2" "$WORK/a.s1" "$WORK/a.qcow2"
