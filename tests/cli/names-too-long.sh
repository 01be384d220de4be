#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names that are too long for the file system or for a backing link are refused with an explanation,
# and nothing changes.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

# the overlay's name is at most 255 bytes, the frozen one too
stem=$(printf 'z%.0s' {1..250})
make_image "$stem.img" qcow2 1M
make_domain vm "vda:qcow2:$stem.img"
ok "$OFFSHOT" create ./vm.xml 1234 --disk-only
assert_chain "$WORK/$stem.1234" qcow2 "$WORK/$stem.img"
assert_refuses 2 'longer' "$OFFSHOT" create ./vm.xml 12345 --disk-only
assert_refuses 2 'longer' "$OFFSHOT" create ./vm.xml 12345 --disk-only --keep-filename
assert_refuses 2 'longer' "$OFFSHOT" create ./vm.xml 12345 --disk-only --diskspec "vda,file=$stem.123456"
ok "$OFFSHOT" create ./vm.xml 12345 --disk-only --diskspec vda,file=short

# names that differ at their ends only, in one directory
stem=$(printf 'y%.0s' {1..248})
make_image "${stem}1.img" qcow2 1M
make_image "${stem}2.img" qcow2 1M
make_domain two "vda:qcow2:${stem}1.img" "vdb:qcow2:${stem}2.img"
ok "$OFFSHOT" create ./two.xml 1 --disk-only
ok "$OFFSHOT" create ./two.xml 2 --disk-only
assert_chain "$WORK/${stem}1.2" qcow2 "$WORK/${stem}1.1" "$WORK/${stem}1.img"
assert_chain "$WORK/${stem}2.2" qcow2 "$WORK/${stem}2.1" "$WORK/${stem}2.img"
make_domain two "vda:qcow2:${stem}1.2" "vdb:qcow2:${stem}2.2"
ok "$OFFSHOT" create ./two.xml 3 --disk-only --keep-filename
assert_chain "$WORK/${stem}1.2" qcow2 "$WORK/${stem}1.3.2" "$WORK/${stem}1.1" "$WORK/${stem}1.img"
assert_chain "$WORK/${stem}2.2" qcow2 "$WORK/${stem}2.3.2" "$WORK/${stem}2.1" "$WORK/${stem}2.img"

# a backing link has at most 1,023 bytes
deep=$WORK
for n in 1 2 3 4 5; do
    deep=$deep/$(printf "$n%.0s" {1..200})
done
mkdir -p "$deep"
make_image base.qcow2 qcow2 1M
(cd "$deep" && make_image a.qcow2 qcow2 1M)
make_domain deep "vda:qcow2:$deep/a.qcow2"
assert_refuses 8 '1023' "$OFFSHOT" create ./deep.xml s1 --disk-only --diskspec "vda,file=$WORK/over"
assert_refuses 8 '1023' "$OFFSHOT" create ./deep.xml s1 --disk-only --backing-path=absolute
# beside the base the link is short
ok "$OFFSHOT" create ./deep.xml s1 --disk-only
assert_equal "$(cd "$deep" && image_info a.s1 qcow2 '."backing-filename"')" a.qcow2 link
