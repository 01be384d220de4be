#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a domain beside this one may write is neither frozen nor given an internal snapshot, by whatever name
# that one has it.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
ln a.qcow2 hard.qcow2
ln -s a.qcow2 soft.qcow2
mkdir dir
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2

# writes NAME: domain "other" has it as its second disk
writes()
{
    make_domain other vda:raw:nothing "vdb:qcow2:$1"
}

for name in a.qcow2 hard.qcow2 soft.qcow2 dir/../a.qcow2; do
    writes "$name"
    for how in --disk-only '--disk-only --keep-filename' --internal; do
        # shellcheck disable=SC2086 # options
        assert_refuses 8 "disk 'vda': '$WORK/a.qcow2' is disk 'vdb' of domain 'other'" \
            "$OFFSHOT" create ./vm.xml s1 $how
    done
done
assert_stderr_contains "make it <readonly/> in '$WORK/other.xml'"
rm hard.qcow2

# <shareable/> is written all the more
sed -i 's|<target|<shareable/>&|' other.xml
assert_refuses 8 "domain 'other'" "$OFFSHOT" create ./vm.xml s1 --disk-only

# the disk may be left out
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vda,snapshot=no
assert_equal "$(domain_source vm.xml vda)" "$WORK/a.qcow2"

# who only reads it, a copy of the own definition, and what is no definition, are no reason
for element in readonly transient; do
    writes a.qcow2
    sed -i "s|<target|<$element/>&|" other.xml
    ok "$OFFSHOT" create ./vm.xml "$element" --disk-only --diskspec vda,file=a."$element" --dry-run
done
rm other.xml
cp vm.xml copy.xml
echo '<domain>' >damaged.xml
mkdir directory.xml
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
pattern_check a.s2 qcow2 0x11 0 64k

# what stands on the image goes on to do so
rm -r vm.snapshots ./*.s1 ./*.s2 copy.xml
make_domain vm vda:qcow2:a.qcow2
make_image clone qcow2 1M -b a.qcow2 -F qcow2
writes clone
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
ok "$OFFSHOT" create ./other.xml s1 --disk-only --diskspec vda,snapshot=no --diskspec vdb,file=clone.s1
pattern_check clone.s1 qcow2 0x11 0 64k

# beside a domain of libvirt's are the others in its directory
make_image c.qcow2 qcow2 1M
make_embed_domain "$WORK/root" one vda:qcow2:c.qcow2
make_embed_domain "$WORK/root" two vda:qcow2:c.qcow2
run "$OFFSHOT" -c "qemu:///embed?root=$WORK/root" create one s1 --disk-only
assert_error 8 "domain 'two'"
assert_absent c.s1

# neither is it by a revert that keeps the present state as a snapshot
make_image d.qcow2 qcow2 1M
make_domain saved vda:qcow2:d.qcow2
ok "$OFFSHOT" create ./saved.xml s1 --disk-only
writes d.s1
assert_refuses 8 "domain 'other'" "$OFFSHOT" revert ./saved.xml s1 --save-as s2
