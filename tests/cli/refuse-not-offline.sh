#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What needs a running domain is refused with exit 8: the message says what does work.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw

assert_refuses 8 '--live' "$OFFSHOT" create ./vm.xml s1 --disk-only --live
for memspec in mem.img file=mem.img "file=$WORK/mem.img,snapshot=external" snapshot=internal; do
    assert_refuses 8 '--memspec' "$OFFSHOT" create ./vm.xml s1 --disk-only --memspec "$memspec"
done
# a managed-save image: its memory must meet the disks as they are
root=$WORK/root
make_embed_domain "$root" saved vda:raw:b.raw
mkdir -p "$root/lib/qemu/save"
touch "$root/lib/qemu/save/saved.save"
assert_refuses 8 'managed-save' "$OFFSHOT" -c "qemu:///embed?root=$root" create saved s1 --disk-only
mv "$root/lib/qemu/save/saved.save" "$root/lib/qemu/save/other.save"
ok "$OFFSHOT" -c "qemu:///embed?root=$root" create saved s1 --disk-only
