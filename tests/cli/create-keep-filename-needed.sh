#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --keep-filename takes no name away from an image on which something stands, or in which a snapshot has frozen
# a disk: that would follow the name to the new overlay. Without the option both are safe.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

keep=("$OFFSHOT" create ./vm.xml k --disk-only --keep-filename)
make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:a.qcow2

# a clone beside it that no domain has, and one elsewhere that another domain has
make_image clone qcow2 1M -b a.qcow2 -F qcow2
assert_refuses 8 "disk 'vda': '$WORK/clone' stands on '$WORK/a.qcow2'" "${keep[@]}"
mkdir away
mv clone away/clone
qemu-img rebase -u -f qcow2 -b "$WORK/a.qcow2" -F qcow2 "$WORK/away/clone" || fail 'cannot rebase'
make_domain other vda:qcow2:away/clone
assert_refuses 8 "away/clone' stands on '$WORK/a.qcow2'" "${keep[@]}"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write "$(domain_source vm.xml vda)" qcow2 0x99 0 64k
pattern_check away/clone qcow2 0x11 0 64k

# another domain that has the image itself, for reading
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:b.qcow2
make_domain other vda:qcow2:b.qcow2
sed -i 's|<target|<readonly/>&|' other.xml
assert_refuses 8 "b.qcow2 of domain 'other'' stands on '$WORK/b.qcow2'" "${keep[@]}"
rm -r other.xml vm.snapshots away ./*.qcow2 a.s1

# the domain XML set back by hand to what a snapshot has frozen, or another one stands on
make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:a.qcow2
cp vm.xml "$SCRATCH/vm.xml"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
cp "$SCRATCH/vm.xml" vm.xml
assert_refuses 8 "snapshot 's1' is kept on '$WORK/a.qcow2'" "${keep[@]}"
ok "$OFFSHOT" delete ./vm.xml s1 --metadata
assert_refuses 8 "'$WORK/a.s1' stands on '$WORK/a.qcow2'" "${keep[@]}"
ok "$OFFSHOT" create ./vm.xml s3 --disk-only
pattern_write "$(domain_source vm.xml vda)" qcow2 0x99 0 64k
pattern_check a.s1 qcow2 0x11 0 64k

# what goes with the image is no reason: internal snapshots in it, snapshots below it, a copy of its domain XML
rm -r vm.snapshots a.*
make_image a.qcow2 qcow2 1M
cp "$SCRATCH/vm.xml" vm.xml
cp "$SCRATCH/vm.xml" copy.xml
pattern_write a.qcow2 qcow2 0x11 0 64k
ok "$OFFSHOT" create ./vm.xml inside --internal
pattern_write a.qcow2 qcow2 0x22 0 64k
ok "${keep[@]}"
ok "$OFFSHOT" create ./vm.xml l --disk-only --keep-filename
assert_chain "$WORK/a.qcow2" qcow2 "$WORK/a.l.qcow2" "$WORK/a.k.qcow2"
assert_same_file vm.xml "$SCRATCH/vm.xml"
