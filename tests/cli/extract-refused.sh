#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# extract overwrites nothing, and copies nothing when it cannot copy everything.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io qemu-storage-daemon xmllint

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_image c.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2 vdc:qcow2:c.qcow2
cat >"$SCRATCH/tag.xml" <<EOF
<domainsnapshot><name>tag</name><state>shutoff</state><creationTime>1</creationTime><memory snapshot='no'/>
<disks><disk name='vda' snapshot='internal'/><disk name='vdb' snapshot='internal'/></disks>$(cat vm.xml)
</domainsnapshot>
EOF
qemu-img snapshot -c tag a.qcow2 || fail 'no tag'
qemu-img snapshot -c Tag b.qcow2 || fail 'no tag'
ok "$OFFSHOT" create ./vm.xml --redefine --xml "$SCRATCH/tag.xml"
ok "$OFFSHOT" create ./vm.xml s --disk-only --diskspec vdc,snapshot=no
mkdir out

echo 'dear data' >out/vdb.qcow2
assert_refuses 8 "'$WORK/out/vdb.qcow2' exists already" "$OFFSHOT" extract ./vm.xml s -o out
rm out/vdb.qcow2
ln -s nowhere out/vda.qcow2
assert_refuses 8 "'$WORK/out/vda.qcow2' exists already" "$OFFSHOT" extract ./vm.xml s -o out
rm out/vda.qcow2
assert_refuses 8 "'$WORK/b.qcow2' exists already" "$OFFSHOT" extract ./vm.xml s --disk vda -o b.qcow2

# offshot's own directories, and what is missing
assert_refuses 8 "'$WORK/vm.snapshots/vda.qcow2' would lie in" "$OFFSHOT" extract ./vm.xml s -o vm.snapshots
mkdir .vm.offshot && touch .vm.offshot/other && install -m 600 /dev/null .vm.offshot/lock
assert_refuses 8 "'$WORK/.vm.offshot/x' would lie in" "$OFFSHOT" extract ./vm.xml s --disk vda -o .vm.offshot/x
rm -r .vm.offshot
ln -s . here
for image in b.qcow2 b.s c.qcow2; do
    mv "$image" "$SCRATCH/away"
    assert_refuses 8 "'$WORK/here/$image' is where an image of disk" \
        "$OFFSHOT" extract ./vm.xml s --disk vda -o "here/$image"
    mv "$SCRATCH/away" "$image"
done

assert_refuses 2 "holds 2 disks, and '$WORK/file' is no directory" "$OFFSHOT" extract ./vm.xml s -o file
assert_refuses 4 "holds no disk 'vdc'" "$OFFSHOT" extract ./vm.xml s -o out --disk vda --disk vdc
assert_refuses 4 'snapshot' "$OFFSHOT" extract ./vm.xml none -o out
assert_refuses 2 -- "$OFFSHOT" extract ./vm.xml s -o out --format raw --compress
assert_refuses 2 qcow2 "$OFFSHOT" extract ./vm.xml s -o out --format vmdk

# the tag of vdb is not there; one that only looks like it is no help
assert_refuses 7 "image '$WORK/b.qcow2' has no internal snapshot called 'tag'" \
    "$OFFSHOT" extract ./vm.xml tag -o out
ok "$OFFSHOT" extract ./vm.xml tag -o out --disk vda
rm out/vda.qcow2

hold_image a.qcow2 qcow2
assert_refuses 5 "image '$WORK/a.qcow2' is in use" "$OFFSHOT" extract ./vm.xml s -o out
release_images
hold_image a.qcow2 qcow2 read-only
assert_refuses 5 "image '$WORK/a.qcow2' is in use" "$OFFSHOT" extract ./vm.xml tag -o out --disk vda
# an image that is frozen externally may have readers
ok "$OFFSHOT" extract ./vm.xml s -o out
release_images
rm out/*

mv a.qcow2 elsewhere
assert_refuses 7 "$WORK/a.qcow2" "$OFFSHOT" extract ./vm.xml s -o out
