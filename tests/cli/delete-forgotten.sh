#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What was a layer without a name once, and has become the image of a disk, is nobody's garbage when the domain
# gets another disk; nor is what --metadata left as it is.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/held.sh"

need qemu-img qemu-io xmllint

# later: a snapshot of whatever the domain has is taken and deleted again, which makes garbage of garbage
later()
{
    ok "$OFFSHOT" create ./vm.xml later --disk-only
    ok "$OFFSHOT" delete ./vm.xml later
}

# s2 is forked, and its image stays as a layer that then takes up the active data
make_image a.qcow2 qcow2 8M
pattern_write a.qcow2 qcow2 0x10 0 2M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x11 1M 4M
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
pattern_write a.s2 qcow2 0x12 512k 1M
ok "$OFFSHOT" create ./vm.xml s3 --disk-only
ok "$OFFSHOT" revert ./vm.xml s2
ok "$OFFSHOT" delete ./vm.xml s2
grep -q a.s1 .vm.offshot/layers || fail 'the shared image is no layer'
ok "$OFFSHOT" delete ./vm.xml s3 --strategy=commit
ok "$OFFSHOT" delete ./vm.xml s1 --strategy=rebase
disk=$(domain_source vm.xml vda)
assert_equal "$disk" "$WORK/a.s1" 'image that was a layer'
content=$(content_hash "$disk" qcow2)
make_image new.qcow2 qcow2 8M
make_domain vm vda:qcow2:new.qcow2
later
assert_exists "$disk"
assert_equal "$(content_hash "$disk" qcow2)" "$content" 'content of the disk that the domain had'

# overlays elsewhere, which only the list tells to be ours; one is that of a snapshot off the active branch
rm -rf vm.snapshots .vm.offshot a.* new.qcow2
mkdir elsewhere
make_image a.qcow2 qcow2 8M
pattern_write a.qcow2 qcow2 0x10 0 2M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,file=$WORK/elsewhere/a.s1"
pattern_write elsewhere/a.s1 qcow2 0x11 1M 4M
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
ok "$OFFSHOT" revert ./vm.xml s1
ok "$OFFSHOT" delete ./vm.xml s1
content=$(content_hash elsewhere/a.s1 qcow2)
ok "$OFFSHOT" delete ./vm.xml s2 --metadata
assert_exists elsewhere/a.s1
later
assert_exists elsewhere/a.s1
assert_equal "$(content_hash elsewhere/a.s1 qcow2)" "$content" 'content that --metadata left'

# a disk that the domain has no more, with images where nobody looks
rm -rf vm.snapshots .vm.offshot a.* elsewhere
mkdir elsewhere else
make_image a.qcow2 qcow2 8M
make_image b.qcow2 qcow2 8M
pattern_write b.qcow2 qcow2 0x10 0 2M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vdb,file=$WORK/elsewhere/b.s1"
pattern_write elsewhere/b.s1 qcow2 0x11 1M 4M
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec "vdb,file=$WORK/else/b.s2"
pattern_write else/b.s2 qcow2 0x12 2M 1M
content=$(content_hash else/b.s2 qcow2)
make_domain vm "vda:qcow2:$(domain_source vm.xml vda)"
for name in s1 s2; do
    ok "$OFFSHOT" delete ./vm.xml $name
    assert_stderr_contains 'does not have any more'
done
later
assert_exists elsewhere/b.s1
assert_equal "$(content_hash else/b.s2 qcow2)" "$content" 'content of the disk that was detached'
