#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What flatten does not touch: images with internal snapshots, in use, in two chains, or without a part of
# their chain. Readers of what lies below are no hindrance.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io qemu-storage-daemon xmllint

make_image base.qcow2 qcow2 1M
pattern_write base.qcow2 qcow2 0x11 0 512k
make_image a.qcow2 qcow2 1M -b base.qcow2 -F qcow2
make_image b.qcow2 qcow2 1M -b base.qcow2 -F qcow2
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2

qemu-img snapshot -c tag b.qcow2 || fail 'no tag'
assert_refuses 8 "image '$WORK/b.qcow2' of disk 'vdb' holds 1 internal snapshot" "$OFFSHOT" flatten ./vm.xml
qemu-img snapshot -d tag b.qcow2 || fail 'tag stays'

hold_image a.qcow2 qcow2
assert_refuses 5 "image '$WORK/a.qcow2' is in use" "$OFFSHOT" flatten ./vm.xml
release_images
hold_image a.qcow2 qcow2 read-only
assert_refuses 5 "image '$WORK/a.qcow2' is in use" "$OFFSHOT" flatten ./vm.xml
release_images
hold_image base.qcow2 qcow2
assert_refuses 5 "image '$WORK/base.qcow2' is in use" "$OFFSHOT" flatten ./vm.xml
release_images

make_image on-b.qcow2 qcow2 1M -b b.qcow2 -F qcow2
make_domain both vda:qcow2:b.qcow2 vdb:qcow2:on-b.qcow2
assert_refuses 8 "is in the chain of disk 'vdb' as well" "$OFFSHOT" flatten ./both.xml
rm on-b.qcow2 both.xml

mv base.qcow2 elsewhere
assert_refuses 7 "$WORK/base.qcow2" "$OFFSHOT" flatten ./vm.xml
mv elsewhere base.qcow2

hold_image base.qcow2 qcow2 read-only
hash=$(content_hash b.qcow2 qcow2)
ok "$OFFSHOT" flatten ./vm.xml
release_images
assert_chain "$WORK/b.qcow2" qcow2
assert_equal "$(content_hash b.qcow2 qcow2)" "$hash"
pattern_check a.qcow2 qcow2 0x11 0 512k
