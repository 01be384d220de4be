#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A raw base takes the data of its overlay and its place; format and link follow everywhere.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

prepare()
{
    start_over
    make_image a.img raw 2M
    pattern_write a.img raw 0x11 0 1M
    make_domain vm vda:raw:a.img
    for n in 1 2; do
        take "s$n" --disk-only
    done
    remember
}

prepare
ok "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
assert_tree s2
assert_files a.img a.s2
assert_equal "$(image_info a.s2 qcow2 '.["backing-filename-format"]')" raw 'format of the link'
assert_equal "$(snapshot_disks s2)" "vda external raw $WORK/a.img" 'what s2 holds'
ok "$OFFSHOT" delete ./vm.xml s2 --strategy=commit
assert_tree
assert_files a.img
assert_equal "$(domain_source vm.xml vda) $(domain_format vm.xml vda)" "$WORK/a.img raw" 'active image'

prepare
ok "$OFFSHOT" delete ./vm.xml s1 --strategy=rebase
assert_tree s2
assert_files a.s1 a.s2

# the guest's own bytes at its beginning are no header
prepare
qemu-img create -q -f qcow2 "$SCRATCH/decoy" 1M
dd if="$SCRATCH/decoy" of=a.img conv=notrunc status=none
remember
ok "$OFFSHOT" delete ./vm.xml s1 --children --strategy=commit
assert_tree
assert_files a.img
assert_equal "$(stat -c %s a.img)" 2097152 'size of the raw image'
