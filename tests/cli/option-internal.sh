#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# `create --internal`, and `create` without a mode, take internal snapshots of all disks or none; they are shown and
# filtered as such. Where a disk cannot do it, the message names the disk and --disk-only.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq

# tags IMAGE: names of its internal snapshots, in one line
tags()
{
    image_info "$1" qcow2 '[.snapshots[]?.name] | join(" ")'
}

make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
pattern_write a.qcow2 qcow2 0x11 0 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw

assert_refuses 2 '--internal' "$OFFSHOT" create ./vm.xml s1 --internal --disk-only
assert_refuses 2 '--internal' "$OFFSHOT" create ./vm.xml s1 --external --internal
assert_refuses 2 '--internal' "$OFFSHOT" create ./vm.xml --internal --redefine --xml x.xml
for option in '' --internal '--diskspec vda,snapshot=no' '--disk-only --diskspec vdb,snapshot=internal'; do
    # shellcheck disable=SC2086 # words
    assert_refuses 8 "'vdb'" "$OFFSHOT" create ./vm.xml s1 $option
    assert_stderr_contains '--disk-only'
    # shellcheck disable=SC2086 # words
    run "$OFFSHOT" create ./vm.xml s1 $option --json
    assert_status 8
    assert_equal "$(json .error.code)" refused
done
assert_refuses 8 "'2024'" "$OFFSHOT" create ./vm.xml 2024 --diskspec vdb,snapshot=no
assert_equal "$(tags a.qcow2)" '' tags

before=$(snapshot_state "$WORK")
ok "$OFFSHOT" create ./vm.xml s1 --internal --diskspec vdb,snapshot=no --dry-run
grep -qxE "prepare +take-tag +$WORK/a.qcow2 tag s1" "$STDOUT" || fail 'no tag in the plan'
ok "$OFFSHOT" create ./vm.xml s1 --internal --diskspec vdb,snapshot=no --dry-run --json
assert_equal "$(jq -c '[.steps[] | select(.kind == "take-tag") | [.phase, .path, .tag, .argv[0:3]]]' "$STDOUT")" \
    "[[\"prepare\",\"$WORK/a.qcow2\",\"s1\",[\"qemu-img\",\"snapshot\",\"-q\"]]]"
assert_unchanged "$WORK" "$before"

cp vm.xml vm.before
ok "$OFFSHOT" create ./vm.xml s1 --internal --diskspec vdb,snapshot=no
assert_stdout 'Domain snapshot s1 created'
assert_equal "$(tags a.qcow2)" s1 tags
ok "$OFFSHOT" create ./vm.xml s2 --diskspec vdb,snapshot=no --json
assert_equal "$(tags a.qcow2)" 's1 s2' tags
assert_same_file vm.xml vm.before
assert_equal "$(jq -c '.snapshots[0] | [.name, .parent, .location, .memory, .state]' "$STDOUT")" \
    '["s2","s1","internal","no","shutoff"]'
assert_equal "$(jq -c '.snapshots[0].disks | map([.name, .snapshot, .format, .overlay, .frozen])' "$STDOUT")" \
    "[[\"vda\",\"internal\",\"qcow2\",null,\"$WORK/a.qcow2\"],[\"vdb\",\"no\",\"raw\",null,null]]"
ok "$OFFSHOT" info ./vm.xml s1
grep -qxE 'Location: +internal' "$STDOUT" || fail 'not shown as internal'
# a tag that no snapshot tells of counts as well
qemu-img snapshot -c loose a.qcow2
assert_refuses 8 "'loose'" "$OFFSHOT" create ./vm.xml loose --diskspec vdb,snapshot=no

# one of each kind
ok "$OFFSHOT" create ./vm.xml s3 --diskspec vdb,snapshot=external --json
assert_equal "$(jq -c '.snapshots[0] | [.location, (.disks | map([.name, .snapshot, .overlay, .frozen]))]' "$STDOUT")" \
    "[\"mixed\",[[\"vda\",\"internal\",null,\"$WORK/a.qcow2\"],[\"vdb\",\"external\",\"$WORK/b.s3\",\"$WORK/b.raw\"]]]"
assert_equal "$(tags a.qcow2)" 's1 s2 loose s3' tags
ok "$OFFSHOT" create ./vm.xml s4 --disk-only
ok "$OFFSHOT" list ./vm.xml --name --internal
assert_stdout $'s1\ns2'
ok "$OFFSHOT" list ./vm.xml --name --external
assert_stdout $'s3\ns4'
ok "$OFFSHOT" list ./vm.xml --json
assert_equal "$(json '.snapshots | map(.location) | join(" ")')" 'internal internal mixed external'
pattern_check a.s4 qcow2 0x11 0 1M
