#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One snapshot can be internal for one disk and external for another, and leave a third alone.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_image c.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw vdc:qcow2:c.qcow2
pattern_write a.qcow2 qcow2 0x11 0 1M
pattern_write b.raw raw 0x22 0 1M
pattern_write c.qcow2 qcow2 0x33 0 1M
cp c.qcow2 "$SCRATCH/c.qcow2"

ok "$OFFSHOT" create ./vm.xml s1 --internal --diskspec vdb,snapshot=external --diskspec vdc,snapshot=no
assert_stderr_empty
assert_equal "$(domain_source vm.xml vda)" "$WORK/a.qcow2" 'source of vda'
assert_equal "$(domain_source vm.xml vdb)" "$WORK/b.s1" 'source of vdb'
assert_equal "$(domain_format vm.xml vdb)" qcow2 'format of vdb'
assert_chain "$WORK/b.s1" qcow2 "$WORK/b.raw"
assert_same_file c.qcow2 "$SCRATCH/c.qcow2"
assert_equal "$(image_info a.qcow2 qcow2 '[.snapshots[].name] | join(" ")')" s1 tags
assert_snapshot_valid vm.snapshots/s1.xml

pattern_write a.qcow2 qcow2 0x99 0 512k
pattern_write b.s1 qcow2 0x99 0 512k
pattern_check b.raw raw 0x22 0 1M
ok qemu-img convert -f qcow2 -l snapshot.name=s1 -O raw "$WORK/a.qcow2" "$WORK/old.raw"
pattern_check old.raw raw 0x11 0 1M
rm old.raw
assert_clean a.qcow2 qcow2
assert_clean b.s1 qcow2

# the other way round: external, and one disk internal
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec vdc,snapshot=internal --json
assert_equal "$(json '.snapshots[0] | .location + " " + ([.disks[].snapshot] | join(" "))')" \
    'mixed external external internal'
assert_chain "$WORK/a.s2" qcow2 "$WORK/a.qcow2"
assert_chain "$WORK/b.s2" qcow2 "$WORK/b.s1" "$WORK/b.raw"
assert_equal "$(image_info c.qcow2 qcow2 '[.snapshots[].name] | join(" ")')" s2 tags
assert_clean c.qcow2 qcow2
