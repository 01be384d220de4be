#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A delete that libvirt (9.9 and later) has not finished leaves <snapshotDeleteInProgress/> in the snapshot into
# whose overlay it was merging. What was frozen there is half overwritten: nothing uses it, nothing forgets it,
# and everything else goes on.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# s1 <- s2 <- s3: libvirt was merging a.s2, where s3 is frozen, into a.s1, where s2 is
make_image a.img qcow2 1M
make_domain vm vda:qcow2:a.img
for n in 1 2 3; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$n" "$((n * 64))k" 64k
    ok "$OFFSHOT" create ./vm.xml "s$n" --disk-only
done
sed -i "/<disks>/,/<\/disks>/s,<source .*,&<snapshotDeleteInProgress/>," vm.snapshots/s1.xml
mark()
{
    grep -c '<snapshotDeleteInProgress/>' vm.snapshots/s1.xml
}

ok "$OFFSHOT" list ./vm.xml
assert_stderr_empty
for command in "revert ./vm.xml s2" "extract ./vm.xml s2 -o $WORK/copy.qcow2" "delete ./vm.xml s2" \
    "delete ./vm.xml s1 --children"; do
    # shellcheck disable=SC2086 # words
    assert_refuses 7 'virsh snapshot-delete vm s2' "$OFFSHOT" $command
done
assert_refuses 8 "snapshot 's1' has to stay" "$OFFSHOT" delete ./vm.xml s1
assert_refuses 8 "snapshot 's1' has to stay" "$OFFSHOT" delete ./vm.xml s1 --metadata

# what stands above is right, and stays so
ok "$OFFSHOT" create ./vm.xml s4 --disk-only
ok "$OFFSHOT" revert ./vm.xml s3
pattern_check "$(domain_source vm.xml vda)" qcow2 0x13 192k 64k
ok "$OFFSHOT" delete ./vm.xml s4
assert_equal "$(mark)" 1 'marks'
for image in a.img a.s1 a.s2 a.s3; do
    assert_exists "$image"
done
ok "$OFFSHOT" delete ./vm.xml s3
assert_equal "$(mark)" 1 'marks'
assert_chain "$WORK/$(basename "$(domain_source vm.xml vda)")" qcow2 "$WORK/a.s2" "$WORK/a.s1" "$WORK/a.img"
ok "$OFFSHOT" flatten ./vm.xml
pattern_check "$(domain_source vm.xml vda)" qcow2 0x13 192k 64k
assert_equal "$(mark)" 1 'marks'

# who gives it up forgets it; then the mark says nothing any more
ok "$OFFSHOT" delete ./vm.xml s2 --metadata
ok "$OFFSHOT" delete ./vm.xml s1
ok "$OFFSHOT" list ./vm.xml --name
assert_stdout ''
pattern_check "$(domain_source vm.xml vda)" qcow2 0x13 192k 64k
