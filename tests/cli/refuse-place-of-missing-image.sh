#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where an image of the tree has to be, nothing else comes while it is away: it would be taken for it.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

make_image base.qcow2 qcow2 1M
make_image layer.qcow2 qcow2 1M -b base.qcow2 -F qcow2
make_image a.qcow2 qcow2 1M -b layer.qcow2 -F qcow2
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
cp vm.xml "$SCRATCH/vm.xml"
ln -s . here
pattern_write a.qcow2 qcow2 0x11 0 64k
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 0 64k
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec vdb,snapshot=no
ok "$OFFSHOT" revert ./vm.xml s1
assert_absent a.s2

# refuses TEXT PLACE COMMAND...: while the image of that name is away.
refuses()
{
    local text=$1 place=$2

    shift 2
    mv "$place" "$SCRATCH/away"
    assert_refuses 8 "$text" "$OFFSHOT" "$@"
    mv "$SCRATCH/away" "$place"
}

# what another branch froze; what lies in a chain below without a snapshot
for file in a.s1 here/a.s1 "$WORK/here/./a.s1"; do
    refuses "a.s1' is where an image of disk 'vda' has to be" a.s1 \
        create ./vm.xml s3 --disk-only --diskspec vda,snapshot=no --diskspec "vdb,file=$file"
    refuses "a.s1' is where an image of disk 'vda' has to be" a.s1 \
        create ./vm.xml s3 --disk-only --diskspec "vda,file=$file"
done
refuses "layer.qcow2' is where the backing image of '$WORK/a.qcow2' has to be" layer.qcow2 \
    create ./vm.xml s3 --disk-only --diskspec vda,snapshot=no --diskspec vdb,file=here/layer.qcow2
refuses "layer.qcow2' is where the backing image of '$WORK/a.qcow2' has to be" layer.qcow2 \
    extract ./vm.xml s1 --disk vdb -o here/layer.qcow2
# the domain has another disk by now, and only the snapshots know of the chain
make_image c.qcow2 qcow2 1M
domain_xml vm vda:qcow2:c.qcow2 vdb:qcow2:b.qcow2 >vm.xml
refuses "layer.qcow2' is where the backing image of '$WORK/a.qcow2' has to be" layer.qcow2 \
    create ./vm.xml s3 --disk-only --diskspec vdb,file=layer.qcow2 --diskspec vda,snapshot=no
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --diskspec vda,file=c.s3 --diskspec vdb,snapshot=no

# with --keep-filename it is the frozen image that gets a new name
rm -r vm.snapshots a.* b.* c.*
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename
make_image a.k.qcow2 qcow2 1M
cp vm.xml "$SCRATCH/vm.xml"
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:a.k.qcow2
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec vda,snapshot=no --diskspec vdb,file=b.s2
cp "$SCRATCH/vm.xml" vm.xml
refuses "disk 'vda': '$WORK/a.k.qcow2' is where an image of disk 'vdb' has to be" a.k.qcow2 \
    create ./vm.xml k --disk-only --keep-filename
# revert --save-as gives no image another name while one is missing
mv a.k.qcow2 "$SCRATCH/away"
ok "$OFFSHOT" revert ./vm.xml s1 --save-as k
assert_absent a.k.qcow2

# the place of a disk of another domain
domain_xml other vda:raw:away/disk >other.xml
mkdir away
ln -s away there
for file in away/disk there/disk; do
    assert_refuses 8 "is where disk 'vda' of domain 'other' has to be" \
        "$OFFSHOT" create ./vm.xml l --disk-only --diskspec "vda,file=$file"
    assert_refuses 8 "is where disk 'vda' of domain 'other' has to be" "$OFFSHOT" extract ./vm.xml s1 -o "$file"
done
