#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Internal snapshots that qemu-img took on all disks are adopted, in the order of their dates; what is on some disks
# only, or cannot be named, is listed and left. They can be reverted to, extracted and deleted.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

tag()
{
    qemu-img snapshot -c "$1" -- "$2" || fail "cannot take '$1'"
}

# turn NUMBER: both disks get something new.
turn()
{
    pattern_write a.qcow2 qcow2 "0x1$1" "$(($1 * 64))k" 64k
    pattern_write b.qcow2 qcow2 "0x2$1" "$(($1 * 64))k" 64k
}

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_image c.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2 vdc:raw:c.raw
turn 1
for image in a.qcow2 b.qcow2; do
    tag first $image
done
turn 2
for image in a.qcow2 b.qcow2; do
    tag 'second one' $image
    tag 42 $image
    tag .hidden $image
    tag a/b $image
    tag $'tab\there' $image
    tag $'\xff' $image
    tag twice $image
done
tag twice b.qcow2
tag alone a.qcow2
turn 3
before=$(snapshot_state "$WORK")

ok "$OFFSHOT" adopt ./vm.xml -n
assert_stderr_empty
assert_equal "$(grep -c 'is left as it is' "$STDOUT")" 14 'what is left'
assert_stdout_contains "disk 'vda', '$WORK/a.qcow2', internal snapshot 'alone' is left as it is: disk 'vdb' does not have it"
assert_stdout_contains "internal snapshot '42' is left as it is: its name is all digits"
assert_stdout_contains "internal snapshot 'a/b' is left as it is: invalid snapshot name"
assert_stdout_contains "internal snapshot 'tab\\x09here' is left"
assert_unchanged "$WORK" "$before"

ok "$OFFSHOT" adopt ./vm.xml --json
assert_equal "$(json '.snapshots[] | [.name, .parent // "-", .current, .location, .memory, (.disks[] | .snapshot)]
    | map(tostring) | join(",")')" "first,-,false,internal,no,internal,internal,no
second one,first,true,internal,no,internal,internal,no"
assert_equal "$(json '[.left[] | .tag] | unique | length')" 7 'tags that are left'
assert_equal "$(json '[.left[] | keys | join(" ")] | unique | join(",")')" 'disk message path tag'
assert_equal "$(json '[.snapshots[].creation_time] | map(tostring) | join(" ")')" \
    "$(image_info a.qcow2 qcow2 '[.snapshots[] | select(.name == "first" or .name == "second one") | .["date-sec"]] | map(tostring) | join(" ")')" \
    'times'
assert_snapshot_valid vm.snapshots/*.xml
assert_same_file <(snapshot_state "$WORK" | grep qcow2) <(grep qcow2 <<<"$before")

state=$(snapshot_state "$WORK")
run "$OFFSHOT" adopt ./vm.xml
assert_status 0
assert_stdout 'Domain vm has nothing to adopt'
assert_unchanged "$WORK" "$state"

# they hold what they held
remember
ok "$OFFSHOT" extract ./vm.xml first -o "$WORK/out.raw" --disk vdb --format=raw
pattern_check out.raw raw 0x21 64k 64k
pattern_check out.raw raw 0 128k 64k
rm out.raw
ok "$OFFSHOT" revert ./vm.xml first
pattern_check a.qcow2 qcow2 0x11 64k 64k
pattern_check a.qcow2 qcow2 0 128k 128k
pattern_check b.qcow2 qcow2 0 128k 128k
ok "$OFFSHOT" delete ./vm.xml 'second one'
for image in a.qcow2 b.qcow2; do
    assert_equal "$(image_info $image qcow2 '[.snapshots[] | select(.name | startswith("second"))] | length')" 0
    assert_equal "$(image_info $image qcow2 '[.snapshots[] | select(.name == "first" or .name == "42")] | length')" 2
    assert_clean $image qcow2
done
assert_equal "$(snapshot_names)" first
