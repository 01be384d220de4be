#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A target is no disk: after another boot order it has another disk's image. A revert gives up no image of a disk that
# the snapshot does not hold, and no image that a definition names.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# two disks, of which s1 holds vda alone
prepare()
{
    find . -mindepth 1 -delete
    make_image a qcow2 1M
    make_image b qcow2 1M
    make_domain vm vda:qcow2:a vdb:qcow2:b
    ok "$OFFSHOT" create ./vm.xml s0 --disk-only
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdb,snapshot=no
    pattern_write b.s0 qcow2 0x77 0 64k
}

# the second disk alone, as the first
prepare
make_domain vm vda:qcow2:b.s0
ok "$OFFSHOT" revert ./vm.xml s1
assert_stderr_contains "image '$WORK/b.s0', which disk 'vda' had, is kept: nothing shows that it is of this disk"
assert_equal "$(domain_source vm.xml vdb)" "$WORK/b.s0" 'source of vdb'
assert_chain "$(domain_source vm.xml vda)" qcow2 "$WORK/a.s0" "$WORK/a"
pattern_check b.s0 qcow2 0x77 0 64k

# the same when an internal state would come back, below which the present one of the first disk is
prepare
make_domain vm vda:qcow2:a.s1 vdb:qcow2:b.s0
ok "$OFFSHOT" create ./vm.xml s2 --internal --diskspec vdb,snapshot=no
pattern_write a.s1 qcow2 0x55 0 64k
make_domain vm vda:qcow2:b.s0
run "$OFFSHOT" revert ./vm.xml s2
assert_status 8
assert_stderr_contains "another image than '$WORK/a.s1', whose present state would be lost"
pattern_check a.s1 qcow2 0x55 0 64k

# swapped: the domain would get the first disk twice
prepare
make_domain vm vda:qcow2:b.s0 vdb:qcow2:a.s1
assert_refuses 8 "disk 'vdb' of the domain has image '$WORK/a.s1' of the disk that snapshot 's1' holds as 'vda'" \
    "$OFFSHOT" revert ./vm.xml s1
make_domain vm vdb:qcow2:a.s1
assert_refuses 8 "holds as 'vda'" "$OFFSHOT" revert ./vm.xml s1
# with their targets they go back
make_domain vm vda:qcow2:a.s1 vdb:qcow2:b.s0
ok "$OFFSHOT" revert ./vm.xml s1
pattern_check b.s0 qcow2 0x77 0 64k
assert_equal "$(echo a* b*)" 'a a.s0 a.s1 b b.s0' images

# swapped, where the snapshot holds both: each gets its own state, and what nobody can assign stays
make_domain vm vda:qcow2:b.s0 vdb:qcow2:a.s1
ok "$OFFSHOT" revert ./vm.xml s0
assert_chain "$(domain_source vm.xml vda)" qcow2 "$WORK/a"
assert_chain "$(domain_source vm.xml vdb)" qcow2 "$WORK/b"
pattern_check b.s0 qcow2 0x77 0 64k
assert_exists a.s1

# a snapshot that only names the image of vdb does not need it: vdb goes on with whatever it has by then
prepare
ok "$OFFSHOT" revert ./vm.xml s0
assert_absent b.s0
assert_absent a.s1
vdb=$(domain_source vm.xml vdb)
assert_chain "$vdb" qcow2 "$WORK/b"
ok "$OFFSHOT" revert ./vm.xml s1
assert_equal "$(domain_source vm.xml vdb)" "$vdb" 'source of vdb'
