#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is not reverted, and that not one of several disks is touched then.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io qemu-storage-daemon

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
pattern_write a.qcow2 qcow2 0x11 0 64k
pattern_write b.qcow2 qcow2 0x11 0 64k
ok "$OFFSHOT" create ./vm.xml in --internal
pattern_write a.qcow2 qcow2 0x22 0 64k
pattern_write b.qcow2 qcow2 0x22 0 64k

# try STATUS TEXT: going back to "in"
try()
{
    assert_refuses "$1" "$2" "$OFFSHOT" revert ./vm.xml in
}

assert_refuses 8 '--running' "$OFFSHOT" revert ./vm.xml in --running

# the second disk lacks the tag
cp -a b.qcow2 "$SCRATCH/b.qcow2"
qemu-img snapshot -d in b.qcow2
try 7 "disk 'vdb': image '$WORK/b.qcow2' has no internal snapshot 'in'"
# it has it twice
cp -a "$SCRATCH/b.qcow2" b.qcow2
qemu-img snapshot -c in b.qcow2
try 7 'more than one internal snapshot'
cp -a "$SCRATCH/b.qcow2" b.qcow2

# dirty bitmaps
qemu-img bitmap --add b.qcow2 bits
try 8 "disk 'vdb': image '$WORK/b.qcow2' has persistent dirty bitmaps"
cp -a "$SCRATCH/b.qcow2" b.qcow2

# somebody's clone stands on the image: beside it, or as the disk of another domain
make_image clone.qcow2 qcow2 1M -b b.qcow2 -F qcow2
try 8 "disk 'vdb': '$WORK/clone.qcow2' stands on image '$WORK/b.qcow2'"
mkdir far
mv clone.qcow2 far
qemu-img rebase -u -f qcow2 -F qcow2 -b "$WORK/b.qcow2" "$WORK/far/clone.qcow2"
make_domain other vda:qcow2:far/clone.qcow2
try 8 "far/clone.qcow2' stands on image '$WORK/b.qcow2'"
assert_stderr_contains 'offshot extract'
rm -r far other.xml

# an overlay of the same domain stands on it
ok "$OFFSHOT" create ./vm.xml out --disk-only --diskspec vda,snapshot=no
try 8 "disk 'vdb': image '$WORK/b.qcow2' also holds the state of snapshot 'out'"

# external: an image is missing, in use, or changed by another disk
mv b.qcow2 b.hidden
run "$OFFSHOT" revert ./vm.xml out
assert_status 7
assert_stderr_contains "b.qcow2"
mv b.hidden b.qcow2
for image in b.qcow2 b.out; do
    hold_image "$image" qcow2
    assert_refuses 5 "$image" "$OFFSHOT" revert ./vm.xml out
    release_images
done
ok "$OFFSHOT" revert ./vm.xml out
pattern_check b.out qcow2 0x22 0 64k

# memory
for kind in internal "external' file='$WORK/memory"; do
    sed "s|<memory snapshot='no'/>|<memory snapshot='$kind'/>|; s|>shutoff<|>running<|" vm.snapshots/out.xml >"$SCRATCH/out.xml"
    cp vm.snapshots/out.xml "$SCRATCH/kept.xml"
    cp "$SCRATCH/out.xml" vm.snapshots/out.xml
    grep -q "snapshot='${kind%%\'*}'" vm.snapshots/out.xml || fail 'no memory'
    assert_refuses 8 'virsh snapshot-revert' "$OFFSHOT" revert ./vm.xml out
    cp "$SCRATCH/kept.xml" vm.snapshots/out.xml
done

# a tag that qemu-img would take for another: (ID 1, name "2"), (ID 2, name "1")
make_image n.qcow2 qcow2 1M
qemu-img snapshot -c 2 n.qcow2
qemu-img snapshot -c 1 n.qcow2
make_domain num vda:qcow2:n.qcow2
cat >num.new <<EOF
<domainsnapshot><name>1</name><state>shutoff</state><creationTime>1</creationTime><memory snapshot='no'/>
<disks><disk name='vda' snapshot='internal'/></disks>$(cat num.xml)</domainsnapshot>
EOF
ok "$OFFSHOT" create ./num.xml --redefine --xml num.new
assert_refuses 8 "would take '1' for the number of another internal snapshot" "$OFFSHOT" revert ./num.xml 1
