#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With --keep-filename the XML of earlier snapshots follows the images that were renamed: their
# overlay now has another name.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec vdb,snapshot=no
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --keep-filename --diskspec vdb,snapshot=no

# a.s2 was renamed a.s3.s2 by the rule STEM.SNAPNAME.SUFFIX: what s2 calls its overlay is that file now
assert_chain "$WORK/a.s2" qcow2 "$WORK/a.s3.s2" "$WORK/a.s1" "$WORK/a.qcow2"
ok "$OFFSHOT" list ./vm.xml --json
assert_equal "$(json '.snapshots | sort_by(.name) | map(.disks[0].frozen + " " + .disks[0].overlay) | join("|")')" \
    "$WORK/a.qcow2 $WORK/a.s1|$WORK/a.s1 $WORK/a.s3.s2|$WORK/a.s3.s2 $WORK/a.s2"
assert_equal "$(xmllint --xpath 'string(//disks/disk[@name="vda"]/source/@file)' vm.snapshots/s2.xml)" \
    "$WORK/a.s3.s2"
assert_snapshot_valid vm.snapshots/*.xml

# also when the new snapshot is not recorded
ok "$OFFSHOT" create ./vm.xml s4 --disk-only --keep-filename --no-metadata --diskspec vdb,snapshot=no
assert_absent vm.snapshots/s4.xml
assert_chain "$WORK/a.s2" qcow2 "$WORK/a.s4.s2" "$WORK/a.s3.s2" "$WORK/a.s1" "$WORK/a.qcow2"
assert_equal "$(xmllint --xpath 'string(//disks/disk[@name="vda"]/source/@file)' vm.snapshots/s3.xml)" \
    "$WORK/a.s4.s2"
assert_equal "$(xmllint --xpath 'string(//disks/disk[@name="vda"]/source/@file)' vm.snapshots/s2.xml)" \
    "$WORK/a.s3.s2"
