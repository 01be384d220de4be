#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An overlay never takes a name that exists, in whatever form, nor one that another disk gets, nor
# one in a directory that does not.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
make_image a.raw raw 1M
make_image b.qcow2 qcow2 1M
mkdir dir
make_domain vm vda:qcow2:a.qcow2

touch a.file
make_image a.image qcow2 1M
ln -s b.qcow2 a.link
ln -s nowhere a.dangling
ln -s a.qcow2 a.base
ln a.qcow2 a.hard
mkfifo a.fifo
mkdir a.directory
for name in file image link dangling base hard fifo directory qcow2; do
    assert_refuses 8 "a.$name" "$OFFSHOT" create ./vm.xml "$name" --disk-only
done
for name in a.qcow2 ./a.qcow2 dir/../a.qcow2; do
    assert_refuses 8 'is an image of disk' "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,file=$name"
    assert_refuses 8 'is an image of disk' "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,file=$WORK/$name"
done
for name in a.link a.dangling b.qcow2; do
    assert_refuses 8 'exists' "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,file=$name"
    assert_refuses 8 'exists' "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,file=$WORK/$name"
done
assert_refuses 8 'none' "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vda,file=none/x

# two disks, one name: by the rule (a.qcow2, a.raw -> a.s1), and by request
rm vm.xml
make_domain two vda:qcow2:a.qcow2 vdb:raw:a.raw
assert_refuses 8 "'vda' and 'vdb'" "$OFFSHOT" create ./two.xml s1 --disk-only
for name in x ./x dir/../x; do
    assert_refuses 8 'x' "$OFFSHOT" create ./two.xml s1 --disk-only --diskspec vda,file="$WORK/x" \
        --diskspec "vdb,file=$name"
done
ok "$OFFSHOT" create ./two.xml s1 --disk-only --diskspec vda,file=x --diskspec vdb,file=y
assert_chain "$WORK/x" qcow2 "$WORK/a.qcow2"
assert_chain "$WORK/y" qcow2 "$WORK/a.raw"
