#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks on block devices, and raw ones, in turns.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

need_root
need losetup

# device NAME: NAME is a loop device of 2 MiB.
device()
{
    truncate -s 2M "$WORK/$1.img"
    DEVICE=$(losetup --find --show "$WORK/$1.img" 2>/dev/null) || skip 'no loop device can be made'
    at_exit "losetup -d '$DEVICE'"
}

scenario 'raw disks: external ones only' vda:raw vdb:raw
they_fail snapshot-create-as a
refused 8 "'vda'" create a --internal
step ours create a --disk-only
write
step theirs snapshot-create-as b
write
step ours create c
tree 'a b<a *c<b'
step ours revert b
step theirs snapshot-revert c

scenario 'the disk is a block device, its overlays are files' vda:qcow2
device raw
sed "s,type='file',type='block',; s,type='qcow2',type='raw',; s,file='$WORK/vda.qcow2',dev='$DEVICE'," vm.xml >block.xml
define block.xml
write
step ours create a --disk-only --diskspec "vda,file=$WORK/vda.a"
write
step theirs snapshot-create-as b --disk-only
write
step ours revert a
step ours revert b
step ours delete a --children
tree ''

scenario 'qcow2 on a block device: internal ones' vda:qcow2
device qcow2
qemu-img create -q -f qcow2 "$DEVICE" 1M
sed "s,type='file',type='block',; s,file='$WORK/vda.qcow2',dev='$DEVICE'," vm.xml >block.xml
define block.xml
write
step ours create a
write
step theirs snapshot-create-as b
write
step theirs snapshot-revert a
step ours revert b
step ours delete a

scenarios_end 3
