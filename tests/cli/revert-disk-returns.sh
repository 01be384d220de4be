#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A disk that was detached comes back with the image that it had, which a guest writes from then on: only when that is
# there, is what it was, and nothing depends on it, however its name is spelt. Two disks never get one image.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io qemu-storage-daemon xmllint

# s1 holds vda alone; vdb, the image $1 (b), has been taken out since
prepare()
{
    find . -mindepth 1 -delete
    mkdir real
    ln -s real link
    make_image a qcow2 1M
    make_image real/b qcow2 1M
    pattern_write real/b qcow2 0x22 0 64k
    make_domain vm vda:qcow2:a "vdb:${2-qcow2}:${1-real/b}"
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdb,snapshot=no
    make_domain vm vda:qcow2:a.s1
}

# refused STATUS TEXT [OPTION...]: going back to s1
refused()
{
    local status=$1 text=$2

    shift 2
    assert_refuses "$status" "$text" "$OFFSHOT" revert ./vm.xml s1 "$@"
}

# nothing has happened to it
prepare
ok "$OFFSHOT" revert ./vm.xml s1
assert_equal "$(domain_source vm.xml vdb)" "$WORK/real/b" 'source of vdb'

# another domain has it, or has frozen it
prepare
make_image c qcow2 1M
make_domain vn vda:qcow2:c vdb:qcow2:real/b
refused 8 "would come back with image '$WORK/real/b', on which '$WORK/real/b of domain 'vn'' depends now"
ok "$OFFSHOT" create ./vn.xml s1 --disk-only
refused 8 "would come back with image '$WORK/real/b', on which '$WORK/real/b of snapshot 's1' of domain 'vn'' depends now"
rm -r vn.*
refused 8 "on which '$WORK/real/b.s1' depends now"

# a snapshot of this domain has frozen it, under another name
prepare link/b
make_domain vm vda:qcow2:a.s1 vdc:qcow2:real/b
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
make_domain vm vda:qcow2:a.s2
refused 8 "would come back with image '$WORK/link/b', on which snapshot 's2' depends now"
# or would do so
prepare link/b
make_domain vm vda:qcow2:a.s1 vdc:qcow2:real/b
refused 8 "would come back with image '$WORK/link/b', on which snapshot 's2' depends now" --save-as s2

# a clone stands on it
prepare
make_image real/clone qcow2 1M -b b -F qcow2
refused 8 "on which '$WORK/real/clone' depends now"
# which is the disk now, and goes on
make_domain vm vda:qcow2:a.s1 vdb:qcow2:real/clone
ok "$OFFSHOT" revert ./vm.xml s1
assert_equal "$(domain_source vm.xml vdb)" "$WORK/real/clone" 'source of vdb'

# it is not there, is something else, or may be
prepare
mv real/b real/gone
refused 7 "image '$WORK/real/b' does not exist"
make_image real/b raw 1M
refused 7 "image '$WORK/real/b': not a qcow2 image"
prepare real/b raw
refused 8 "would come back with image '$WORK/real/b' as raw, which looks like qcow2"
make_domain vm vda:qcow2:a.s1 vdb:raw:real/b
ok "$OFFSHOT" revert ./vm.xml s1

# somebody uses it
prepare
hold_image real/b qcow2
run "$OFFSHOT" revert ./vm.xml s1
assert_status 5
assert_stderr_contains "image '$WORK/real/b' is in use"
release_images

# another disk has it, or one of its chain, and keeps it
prepare link/b
make_image c qcow2 1M
make_domain vm vda:qcow2:a.s1 vdb:qcow2:real/b vdc:qcow2:c
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec vdb,snapshot=no --diskspec vdc,snapshot=no
make_domain vm vda:qcow2:a.s2 vdc:qcow2:real/b
assert_refuses 8 "disk 'vdb' would come back with image '$WORK/real/b', while disk 'vdc' has it" \
    "$OFFSHOT" revert ./vm.xml s2
make_domain vm vda:qcow2:a.s2 vdc:qcow2:c
qemu-img rebase -u -f qcow2 -F qcow2 -b "$WORK/c" "$WORK/real/b"
assert_refuses 8 "disk 'vdb' would come back with image '$WORK/real/b', while disk 'vdc' has it, or one of the same chain" \
    "$OFFSHOT" revert ./vm.xml s2

# a medium that is gone prevents nothing
prepare
make_image one.iso raw 1M
make_domain vm vda:qcow2:a.s1 sdd:raw:one.iso
sed -i "s|<target dev='sdd'.*/>|<target dev='sdd' bus='sata'/><readonly/>|" vm.xml
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
make_domain vm vda:qcow2:a.s2
rm one.iso
ok "$OFFSHOT" revert ./vm.xml s2
assert_stderr_contains "medium '$WORK/one.iso' of disk 'sdd' is missing"
