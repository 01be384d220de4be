#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --reuse-external takes overlays that are there, when they are overlays of the very images; anything
# else is refused.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

make_image a.qcow2 qcow2 1M
make_image other.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x51 0 1M
make_domain vm vda:qcow2:a.qcow2

assert_refuses 7 'a.s1' "$OFFSHOT" create ./vm.xml s1 --disk-only --reuse-external
make_image a.s1 qcow2 1M
assert_refuses 8 'a.s1' "$OFFSHOT" create ./vm.xml s1 --disk-only --reuse-external
make_image wrong qcow2 1M -b "$WORK/other.qcow2" -F qcow2
assert_refuses 8 'wrong' "$OFFSHOT" create ./vm.xml s1 --disk-only --reuse-external --diskspec vda,file=wrong
make_image small qcow2 512k -b "$WORK/a.qcow2" -F qcow2
assert_refuses 8 'small' "$OFFSHOT" create ./vm.xml s1 --disk-only --reuse-external --diskspec vda,file=small
make_image raw raw 1M
assert_refuses 7 'raw' "$OFFSHOT" create ./vm.xml s1 --disk-only --reuse-external --diskspec vda,file=raw
# the base itself is no overlay of itself
assert_refuses 8 'a.qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only --reuse-external --diskspec \
    vda,file=a.qcow2
# the right image as another format than the one it is
make_image mid qcow2 1M -u -b "$WORK/a.qcow2" -F raw
run "$OFFSHOT" create ./vm.xml s1 --disk-only --reuse-external --diskspec vda,file=mid
[ "$STATUS" = 7 ] || [ "$STATUS" = 8 ] || fail "status $STATUS instead of 7 or 8"

rm a.s1
make_image a.s1 qcow2 2M -b a.qcow2 -F qcow2 -o cluster_size=128k
pattern_write a.s1 qcow2 0x52 1M 64k
hash=$(content_hash a.s1 qcow2)
inode=$(stat -c %i a.s1)
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --reuse-external
assert_equal "$(stat -c %i a.s1)" "$inode" 'inode of the overlay'
assert_equal "$(content_hash a.s1 qcow2)" "$hash" 'content of the overlay'
assert_equal "$(domain_source vm.xml vda)" "$WORK/a.s1"
assert_snapshot_valid vm.snapshots/s1.xml

# nobody else may stand on the overlay, nor have it as a disk
make_image b.qcow2 qcow2 1M
make_image b.s1 qcow2 1M -b b.qcow2 -F qcow2
make_image clone qcow2 1M -b b.s1 -F qcow2
make_domain vn vda:qcow2:b.qcow2
reuse=("$OFFSHOT" create ./vn.xml s1 --disk-only --reuse-external)
assert_refuses 8 "disk 'vda': '$WORK/clone' stands on '$WORK/b.s1', which this domain would write" "${reuse[@]}"
rm clone
make_domain other vda:qcow2:b.s1
assert_refuses 8 "b.s1 of domain 'other'' stands on '$WORK/b.s1'" "${reuse[@]}"
rm other.xml
ok "${reuse[@]}"
assert_equal "$(domain_source vn.xml vda)" "$WORK/b.s1"
