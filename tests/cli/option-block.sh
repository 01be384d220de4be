#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Block devices: as a disk, whose overlay needs a name, and with stype=block as the place of an
# overlay; one that holds data is not overwritten.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint losetup
need_root

# loop SIZE: a block device; its name in $DEVICE
loop()
{
    truncate -s "$1" "$SCRATCH/loop.$2"
    DEVICE=$(losetup --find --show "$SCRATCH/loop.$2" 2>/dev/null) || skip 'no loop device can be made'
    at_exit "losetup -d '$DEVICE'"
    [ -b "$DEVICE" ] || skip 'the loop device has no node'
}

loop 1M base
base=$DEVICE
loop 4M over
over=$DEVICE
pattern_write "$base" raw 0x41 0 1M
make_domain vm "vda:raw:$base"

run "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_error 2 'file=PATH'
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vda,file=a.s1
assert_chain "$WORK/a.s1" qcow2 "$base"
assert_equal "$(image_info a.s1 qcow2 '."virtual-size"')" 1048576 size
pattern_check a.s1 qcow2 0x41 0 1M
pattern_write a.s1 qcow2 0x42 0 64k
assert_equal "$(xmllint --xpath 'string(//disk/@type)' vm.xml)" file 'type of vda'
assert_equal "$(domain_source vm.xml vda)" "$WORK/a.s1"
pattern_check "$base" raw 0x41 0 1M

# an overlay on a device
dd if=/dev/urandom of="$over" bs=64k count=1 status=none
before=$(sha256sum <"$over")
run "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec "vda,stype=block,file=$over"
assert_status 8
assert_equal "$(sha256sum <"$over")" "$before" 'content of the device'
assert_absent vm.snapshots/s2.xml
dd if=/dev/zero of="$over" bs=64k count=1 status=none
sync
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec "vda,stype=block,file=$over"
assert_chain "$over" qcow2 "$WORK/a.s1" "$base"
pattern_check "$over" qcow2 0x42 0 64k
pattern_check "$over" qcow2 0x41 64k 960k
assert_equal "$(xmllint --xpath 'string(//disk/@type)' vm.xml)" block 'type of vda'
assert_equal "$(xmllint --xpath 'string(//disk/source/@dev)' vm.xml)" "$over" 'source of vda'
assert_snapshot_valid vm.snapshots/*.xml
[ -b "$over" ] || fail "'$over' is no device any more"

# --keep-filename cannot be
run "$OFFSHOT" create ./vm.xml s3 --disk-only --keep-filename
assert_error 8 'block device'
