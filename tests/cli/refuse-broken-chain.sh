#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A missing image, a backing chain that dangles or loops, and an image that is not of the format that
# the XML says: exit 7, nothing changed.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

make_image good.qcow2 qcow2 1M

# missing, dangling link
make_domain vm vda:qcow2:missing.qcow2
assert_refuses 7 'missing.qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only
ln -s missing.qcow2 dangling.qcow2
make_domain vm vda:qcow2:dangling.qcow2
assert_refuses 7 'dangling.qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only
run "$OFFSHOT" create ./vm.xml s1 --disk-only --json
assert_equal "$(json '.error.code + " " + (.error.exit | tostring)')" 'inconsistent 7'

# a missing backing image, at the top and further down
make_image base.qcow2 qcow2 1M
make_image mid.qcow2 qcow2 1M -b "$WORK/base.qcow2" -F qcow2
make_image top.qcow2 qcow2 1M -b "$WORK/mid.qcow2" -F qcow2
rm base.qcow2
make_domain vm vda:qcow2:top.qcow2
assert_refuses 7 'base.qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only
make_domain vm vda:qcow2:mid.qcow2
assert_refuses 7 'base.qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only

# loops: of one, of two, through a symbolic link, through a hard link
make_image self.qcow2 qcow2 1M
qemu-img rebase -u -f qcow2 -F qcow2 -b "$WORK/self.qcow2" "$WORK/self.qcow2" || fail rebase
make_image one.qcow2 qcow2 1M
make_image two.qcow2 qcow2 1M -b "$WORK/one.qcow2" -F qcow2
qemu-img rebase -u -f qcow2 -F qcow2 -b "$WORK/two.qcow2" "$WORK/one.qcow2" || fail rebase
make_image soft.qcow2 qcow2 1M
ln -s soft.qcow2 soft-link.qcow2
qemu-img rebase -u -f qcow2 -F qcow2 -b "$WORK/soft-link.qcow2" "$WORK/soft.qcow2" || fail rebase
make_image hard.qcow2 qcow2 1M
ln hard.qcow2 hard-link.qcow2
qemu-img rebase -u -f qcow2 -F qcow2 -b hard-link.qcow2 "$WORK/hard.qcow2" || fail rebase
for name in self one two soft soft-link hard; do
    make_domain vm "vda:qcow2:$name.qcow2"
    assert_refuses 7 'loop' "$OFFSHOT" create ./vm.xml s1 --disk-only
done

# another format than the XML says
make_image raw.img raw 1M
make_domain vm vda:qcow2:raw.img
assert_refuses 7 'qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only
make_image vmdk.img vmdk 1M
make_domain vm vda:qcow2:vmdk.img
assert_refuses 7 'qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only
make_domain vm vda:vmdk:good.qcow2
assert_refuses 7 'vmdk' "$OFFSHOT" create ./vm.xml s1 --disk-only
: >empty
make_domain vm vda:qcow2:empty
assert_refuses 7 'empty' "$OFFSHOT" create ./vm.xml s1 --disk-only
head -c 60 good.qcow2 >short.qcow2
make_domain vm vda:qcow2:short.qcow2
assert_refuses 7 'short.qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only

# the second disk is at fault: the first is not touched
make_domain vm vda:qcow2:good.qcow2 vdb:qcow2:missing.qcow2
assert_refuses 7 "'vdb'" "$OFFSHOT" create ./vm.xml s1 --disk-only
