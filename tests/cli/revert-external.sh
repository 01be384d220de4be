#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Going back to external snapshots: to the one below the active overlays only these are replaced, all names and
# XML stay; to an older one, away from a branch and back to it, with new overlays. What is no longer needed goes.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

# write_both PATTERN-DIGIT OFFSET
write_both()
{
    pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$1" "$2" 128k
    pattern_write "$(domain_source vm.xml vdb)" "$(domain_format vm.xml vdb)" "0x2$1" "$2" 128k
}

# remember NAME: what both disks show now
remember()
{
    state[$1.a]=$(content_hash "$(domain_source vm.xml vda)" qcow2)
    state[$1.b]=$(content_hash "$(domain_source vm.xml vdb)" "$(domain_format vm.xml vdb)")
}

# assert_state NAME: the domain is as remembered, and its images are sound
assert_state()
{
    local disk path

    for disk in a b; do
        path=$(domain_source vm.xml vd$disk)
        assert_equal "$(content_hash "$path" qcow2)" "${state[$1.$disk]}" "vd$disk at $1"
        assert_clean "$path" qcow2
    done
    ok "$OFFSHOT" current ./vm.xml --name
    assert_stdout "$1"
}

declare -A state
make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw
for n in 1 2; do
    write_both $n "${n}00k"
    remember s$n
    ok "$OFFSHOT" create ./vm.xml s$n --disk-only
done
write_both 3 300k
cp -a vm.xml vm.snapshots "$SCRATCH"
files=$(find . -type f | LC_ALL=C sort)
inodes=$(stat -c '%i %n' vm.xml vm.snapshots/* a.qcow2 a.s1 b.raw b.s1)
frozen=$(sha256sum a.qcow2 a.s1 b.raw b.s1)

# the current one, again and again; who could use the disk can still do so
chmod 640 a.s2
chmod 600 a.s1
for turn in 1 2; do
    active=$(stat -c %i a.s2)
    allocated=$(($(stat -c %b a.s2) * 512 + $(stat -c %b b.s2) * 512))
    ok "$OFFSHOT" revert ./vm.xml s2 --json
    assert_stderr_empty
    assert_equal "$(json .discarded)" $allocated 'discarded bytes'
    [ "$(stat -c %i a.s2)" != "$active" ] || fail 'the overlay is the same'
    assert_state s2
    assert_mode a.s2 640
    assert_same_file vm.xml "$SCRATCH/vm.xml"
    diff -r vm.snapshots "$SCRATCH/vm.snapshots" || fail 'the snapshots have changed'
    assert_equal "$(find . -type f | LC_ALL=C sort)" "$files" files
    assert_equal "$(stat -c '%i %n' vm.xml vm.snapshots/* a.qcow2 a.s1 b.raw b.s1)" "$inodes" inodes
    assert_chain "$WORK/a.s2" qcow2 "$WORK/a.s1" "$WORK/a.qcow2"
    write_both $((turn + 3)) 400k
done

# an older one: new overlays beside the frozen images, the old ones go
pattern_write a.s2 qcow2 0x55 0 1M
ok "$OFFSHOT" revert ./vm.xml s1
assert_stdout_line 'Domain snapshot s1 reverted'
grep -qE '^1\.[0-9] MiB discarded$' "$STDOUT" || fail 'what is discarded is not said'
assert_state s1
assert_absent a.s2
assert_absent b.s2
one=$(domain_source vm.xml vda)
[[ $one =~ ^"$WORK"/a\.[0-9]{10}$ ]] || fail "the overlay is called '$one'"
assert_chain "$one" qcow2 "$WORK/a.qcow2"
assert_equal "$(sha256sum a.qcow2 a.s1 b.raw b.s1)" "$frozen" 'frozen images'
assert_equal "$(find . -type f | wc -l)" "$(wc -l <<<"$files")" 'number of files'
assert_snapshot_valid vm.snapshots/*.xml
run xmllint --xpath 'string(/domainsnapshot/revertDisks/disk[@name="vda"]/source/@file)' vm.snapshots/s1.xml
assert_stdout "$one"

# from there a branch, and between the branches
write_both 5 500k
remember s3
ok "$OFFSHOT" create ./vm.xml s3 --disk-only
write_both 6 600k
grep -q revertDisks vm.snapshots/s1.xml && fail 's1 is not current and names overlays apart'
for target in s2 s3 s1 s3 s2; do
    ok "$OFFSHOT" revert ./vm.xml $target -q
    assert_stdout_empty
    assert_state $target
    assert_snapshot_valid vm.snapshots/*.xml
    write_both 7 700k
done
# base, s1's overlay, the branch's frozen one, and the active one; for each disk
assert_equal "$(find . -name '[ab].*' | wc -l)" 8 'number of images'
ok "$OFFSHOT" revert ./vm.xml s2
# the overlay that libvirt, too, takes for that of s2
run xmllint --xpath 'string(/domainsnapshot/disks/disk[@name="vda"]/source/@file)' vm.snapshots/s2.xml
assert_stdout "$(domain_source vm.xml vda)"
ok "$OFFSHOT" list ./vm.xml --tree
