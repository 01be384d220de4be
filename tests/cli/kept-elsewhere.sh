#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Images in another directory, in no chain of the domain, that offshot knows nevertheless: a snapshot names them,
# or an operation said that it leaves them as they are. What they stand on stays, for as long as they are there.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# one NAME: in a directory of its own
one()
{
    mkdir "$WORK/$1"
    cd "$WORK/$1" || exit 99
    mkdir other
    make_image a.qcow2 qcow2 4M
    pattern_write a.qcow2 qcow2 0x11 0 64k
    make_domain vm vda:qcow2:a.qcow2
}

# write_active PATTERN: over what a.qcow2 holds
write_active()
{
    pattern_write "$(domain_source vm.xml vda)" qcow2 "$1" 0 64k
}

# stays IMAGE: it shows what a.qcow2 holds, and a.qcow2 still is what it was
stays()
{
    pattern_check "$1" qcow2 0x11 0 64k
    pattern_check "$1" qcow2 0x22 64k 64k
    pattern_check a.qcow2 qcow2 0x11 0 64k
}

# again IMAGE: a later snapshot, and all of them deleted; then IMAGE goes, and nothing is left behind.
again()
{
    ok "$OFFSHOT" create ./vm.xml again --disk-only
    write_active 0x55
    ok "$OFFSHOT" delete ./vm.xml again
    stays "$1"
    pattern_check "$(domain_source vm.xml vda)" qcow2 0x55 0 64k
    rm -r other
    ok "$OFFSHOT" create ./vm.xml last --disk-only
    ok "$OFFSHOT" delete ./vm.xml last
    pattern_check "$(domain_source vm.xml vda)" qcow2 0x55 0 64k
    assert_equal "$(find . -name 'a.*' | wc -l)" 1 'number of images'
    assert_absent .vm.offshot
}

# a disk that a snapshot names and does not hold
one unheld
make_image b.qcow2 qcow2 4M
pattern_write b.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
ok "$OFFSHOT" create ./vm.xml s0 --disk-only --diskspec "vdb,file=$PWD/other/b.s0"
pattern_write other/b.s0 qcow2 0x22 64k 64k
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdb,snapshot=no
make_domain vm "vda:qcow2:$(domain_source vm.xml vda)"
ok "$OFFSHOT" revert ./vm.xml s0
pattern_write "$(domain_source vm.xml vdb)" qcow2 0x33 0 64k
for snapshot in s0 s1; do
    ok "$OFFSHOT" delete ./vm.xml $snapshot
    pattern_check other/b.s0 qcow2 0x11 0 64k
    pattern_check other/b.s0 qcow2 0x22 64k 64k
    pattern_check "$(domain_source vm.xml vdb)" qcow2 0x33 0 64k
done
grep -q '/other/b.s0 kept$' .vm.offshot/layers || fail 'the list does not know other/b.s0'

# what a revert keeps, and says so
one reverted
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,file=$PWD/other/a.s1"
pattern_write other/a.s1 qcow2 0x22 64k 64k
ln other/a.s1 other/mine
ok "$OFFSHOT" revert ./vm.xml s1
assert_stderr_contains "image '$PWD/other/a.s1', which disk 'vda' had, is kept"
grep -q '/other/a.s1 kept$' .vm.offshot/layers || fail 'the list does not know other/a.s1'
write_active 0x33
ok "$OFFSHOT" delete ./vm.xml s1
stays other/a.s1
again other/a.s1

# what delete --metadata leaves
one metadata
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,file=$PWD/other/a.s1"
pattern_write other/a.s1 qcow2 0x22 64k 64k
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec "vda,file=$PWD/a.s2"
ok "$OFFSHOT" revert ./vm.xml s1
write_active 0x33
ok "$OFFSHOT" delete ./vm.xml s2 --metadata
ok "$OFFSHOT" delete ./vm.xml s1
stays other/a.s1
again other/a.s1

# a disk that was attached after the snapshot, and goes with it
one gained
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
make_image other/b.qcow2 qcow2 4M -b "$PWD/a.qcow2" -F qcow2
pattern_write other/b.qcow2 qcow2 0x22 64k 64k
make_domain vm vda:qcow2:a.s1 vdb:qcow2:other/b.qcow2
ok "$OFFSHOT" revert ./vm.xml s1
assert_stderr_contains "'$PWD/other/b.qcow2' is kept"
ok "$OFFSHOT" delete ./vm.xml s1
stays other/b.qcow2
again other/b.qcow2

# what somebody else put in its place is nobody's concern
one replaced
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,file=$PWD/other/a.s1"
ln other/a.s1 other/mine
ok "$OFFSHOT" revert ./vm.xml s1
rm -r other
mkdir other
make_image other/a.s1 qcow2 4M
ok "$OFFSHOT" delete ./vm.xml s1
assert_equal "$(find . -maxdepth 1 -name 'a.*' | wc -l)" 1 'number of images'
