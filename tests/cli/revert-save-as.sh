#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --save-as makes a snapshot of what the revert would give up: it can be gone back to, with all disks, and nothing is
# discarded.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

assert_disk()
{
    local path

    path=$(domain_source vm.xml "$1")
    assert_equal "$(content_hash "$path" "$(domain_format vm.xml "$1")")" "$2" "$1"
    assert_clean "$path" qcow2
}

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
pattern_write a.qcow2 qcow2 0x11 0 256k
first=$(content_hash a.qcow2 qcow2)
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 128k 256k
second=$(content_hash a.s1 qcow2)
before=$(stat -c '%i %s' a.s1)

# to the snapshot that the active overlay stands on: the overlay becomes the state of the new snapshot
ok "$OFFSHOT" revert ./vm.xml s1 --save-as 'saved one'
assert_stdout 'Domain snapshot s1 reverted'
assert_disk vda "$first"
assert_equal "$(stat -c '%i %s' a.s1)" "$before" 'the image that was active'
ok "$OFFSHOT" list ./vm.xml --json
assert_equal "$(jq -c '.snapshots | map([.name, .parent, .current, .disks[0].frozen])' "$STDOUT")" \
    "[[\"s1\",null,true,\"$WORK/a.qcow2\"],[\"saved one\",\"s1\",false,\"$WORK/a.s1\"]]"
assert_snapshot_valid vm.snapshots/*.xml
pattern_write "$(domain_source vm.xml vda)" qcow2 0x33 512k 128k
third=$(content_hash "$(domain_source vm.xml vda)" qcow2)

# a disk that was attached since is part of what is saved, and comes back with it
make_image b.qcow2 qcow2 1M
pattern_write b.qcow2 qcow2 0x44 0 64k
attached=$(content_hash b.qcow2 qcow2)
disk_xml vdb:qcow2:b.qcow2 >disk
sed -i '/<devices>/r disk' vm.xml
rm disk
ok "$OFFSHOT" revert ./vm.xml 'saved one' --save-as s3
assert_stderr_contains "disk 'vdb' was attached after the snapshot"
assert_disk vda "$second"
assert_equal "$(domain_source vm.xml vdb)" '' 'source of the disk that was attached'
ok "$OFFSHOT" revert ./vm.xml s3
assert_disk vda "$third"
assert_disk vdb "$attached"

# internal: the tag is what is saved
make_image c.qcow2 qcow2 1M
make_domain in vda:qcow2:c.qcow2
pattern_write c.qcow2 qcow2 0x11 0 256k
ok "$OFFSHOT" create ./in.xml i1 --internal
pattern_write c.qcow2 qcow2 0x22 0 256k
assert_refuses 8 "'77' of an internal snapshot must not be all digits" \
    "$OFFSHOT" revert ./in.xml i1 --save-as 77
ok "$OFFSHOT" revert ./in.xml i1 --save-as i2
pattern_check c.qcow2 qcow2 0x11 0 256k
assert_equal "$(image_info c.qcow2 qcow2 '[.snapshots[].name] | join(" ")')" 'i1 i2' tags
ok "$OFFSHOT" revert ./in.xml i2
pattern_check c.qcow2 qcow2 0x22 0 256k
assert_clean c.qcow2 qcow2
ok "$OFFSHOT" parent ./in.xml i2
assert_stdout i1
