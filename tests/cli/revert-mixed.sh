#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots that are internal for one disk and external for another: both disks go back together. Where an external
# snapshot came later on the disk with the tag, nothing does.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq

assert_state()
{
    assert_equal "$(content_hash a.qcow2 qcow2)" "${state[$1.a]}" "vda at $1"
    assert_equal "$(content_hash "$(domain_source vm.xml vdb)" "$(domain_format vm.xml vdb)")" "${state[$1.b]}" \
        "vdb at $1"
    assert_clean a.qcow2 qcow2
    assert_clean "$(domain_source vm.xml vdb)" qcow2
}

write()
{
    pattern_write a.qcow2 qcow2 "0x1$1" "${1}00k" 150k
    pattern_write "$(domain_source vm.xml vdb)" "$(domain_format vm.xml vdb)" "0x2$1" "${1}00k" 150k
}

declare -A state
make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw
for n in 1 2; do
    write $n
    state[s$n.a]=$(content_hash a.qcow2 qcow2)
    state[s$n.b]=$(content_hash "$(domain_source vm.xml vdb)" "$(domain_format vm.xml vdb)")
    ok "$OFFSHOT" create ./vm.xml s$n --internal --diskspec vdb,snapshot=external
done
cp vm.xml before.xml

# the current one: the overlay keeps its name
write 3
ok "$OFFSHOT" revert ./vm.xml s2
assert_stderr_empty
assert_state s2
assert_same_file vm.xml before.xml
for target in s1 s2 s1 s1; do
    write 4
    ok "$OFFSHOT" revert ./vm.xml $target
    assert_state $target
    assert_equal "$(image_info a.qcow2 qcow2 '[.snapshots[].name] | join(" ")')" 's1 s2' tags
    assert_equal "$(find . -name '[ab].*' | wc -l)" 4 'number of images'
done

# saved the same way: a tag in one image, the other frozen
write 5
state[s3.a]=$(content_hash a.qcow2 qcow2)
state[s3.b]=$(content_hash "$(domain_source vm.xml vdb)" qcow2)
ok "$OFFSHOT" revert ./vm.xml s2 --save-as s3
assert_state s2
ok "$OFFSHOT" list ./vm.xml --json
assert_equal "$(json '.snapshots[] | select(.name == "s3") | .location')" mixed 'what was saved'
for target in s3 s1 s3; do
    ok "$OFFSHOT" revert ./vm.xml $target
    assert_state $target
done

# vda is frozen with s4
ok "$OFFSHOT" create ./vm.xml s4 --disk-only
assert_refuses 8 "image '$WORK/a.qcow2' also holds the state of snapshot 's4'" "$OFFSHOT" revert ./vm.xml s1
assert_stderr_contains 'offshot extract'
ok "$OFFSHOT" revert ./vm.xml s4
pattern_check "$(domain_source vm.xml vda)" qcow2 0x15 500k 150k
