#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In a tree taken with --keep-filename every revert keeps the names: the domain XML never changes. --save-as gives
# the present state the name that create would have given it.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

declare -A state
make_image a.img qcow2 1M
make_image noext qcow2 1M
make_domain vm vda:qcow2:a.img vdb:qcow2:noext
cp vm.xml before.xml

# write DIGIT: another state of both disks
write()
{
    pattern_write a.img qcow2 "0x1$1" "${1}00k" 128k
    pattern_write noext qcow2 "0x2$1" "${1}00k" 128k
}

# remember NAME
remember()
{
    state[$1.a]=$(content_hash a.img qcow2)
    state[$1.b]=$(content_hash noext qcow2)
}

assert_state()
{
    assert_same_file vm.xml before.xml
    assert_equal "$(content_hash a.img qcow2)" "${state[$1.a]}" "vda at $1"
    assert_equal "$(content_hash noext qcow2)" "${state[$1.b]}" "vdb at $1"
    assert_clean a.img qcow2
    assert_clean noext qcow2
}

for n in 1 2; do
    write $n
    remember s$n
    ok "$OFFSHOT" create ./vm.xml s$n --disk-only --keep-filename
done
write 3
for target in s2 s1 s2 s2 s1; do
    ok "$OFFSHOT" revert ./vm.xml $target
    assert_state $target
    assert_equal "$(find . -type f | wc -l)" 10 'number of files'
    write 4
done
assert_chain "$WORK/a.img" qcow2 "$WORK/a.s1.img"
assert_chain "$WORK/noext" qcow2 "$WORK/noext.s1"

# one snapshot of the store spells the name in another way; it has to follow as well
mkdir sub
ok "$OFFSHOT" revert ./vm.xml s2
sed -i "s|'$WORK/a.img'|'$WORK/sub/../a.img'|" vm.snapshots/s2.xml
grep -qF "$WORK/sub/../a.img" vm.snapshots/s2.xml || fail 'the name is not there'
write 5
remember s3
inode=$(stat -c %i a.img)
ok "$OFFSHOT" revert ./vm.xml s1 --save-as s3 --json
assert_equal "$(json .discarded)" 0 'discarded bytes'
assert_stderr_empty
assert_state s1
assert_equal "$(stat -c '%i %h' a.s3.img)" "$inode 1" 'inode and links of what was saved'
assert_equal "$(content_hash a.s3.img qcow2)" "${state[s3.a]}" 'vda that was saved'
assert_equal "$(content_hash noext.s3 qcow2)" "${state[s3.b]}" 'vdb that was saved'
grep -qF 'sub/..' vm.snapshots/*.xml && fail 'a snapshot did not follow'
grep -qF "'$WORK/a.img'" vm.snapshots/s2.xml && fail 's2 names what is now the overlay of s1'
assert_snapshot_valid vm.snapshots/*.xml
for target in s3 s1 s2 s3; do
    ok "$OFFSHOT" revert ./vm.xml $target
    assert_state $target
done
ok "$OFFSHOT" create ./vm.xml s4 --disk-only --keep-filename
write 6
ok "$OFFSHOT" revert ./vm.xml s4
assert_state s3
assert_chain "$WORK/a.img" qcow2 "$WORK/a.s4.img" "$WORK/a.s3.img" "$WORK/a.s2.img" "$WORK/a.s1.img"

# what has to stay keeps its name, and the new overlay is called after the old stem
qemu-img snapshot -c mine a.img
ok "$OFFSHOT" revert ./vm.xml s1
assert_stderr_contains "a.img', which disk 'vda' had, is kept: it holds internal snapshots"
assert_exists a.img
new=$(domain_source vm.xml vda)
[[ $new =~ ^"$WORK"/a\.[0-9]{10}$ ]] || fail "the overlay is called '$new'"
assert_equal "$(content_hash "$new" qcow2)" "${state[s1.a]}" 'vda at s1'

# snapshots that cannot be read might need the name that is to change
echo x >vm.snapshots/x.xml
before=$(snapshot_state "$WORK")
run "$OFFSHOT" revert ./vm.xml s2 --save-as s5
assert_status 8
assert_stderr_contains '--save-as renames'
assert_unchanged "$WORK" "$before"
