#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A create onto a block device is killed before its commit, and the device is put to other use, or is
# gone, when the recovery comes: it ends, and what is on the device stays.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace qemu-io losetup
need_plain_program
need_root

truncate -s 4M "$SCRATCH/loop"
DEVICE=$(losetup --find --show "$SCRATCH/loop" 2>/dev/null) || skip 'no loop device can be made'
# by the file: when the test has given the device back it may be somebody else's
at_exit "losetup --associated '$SCRATCH/loop' --noheadings --output NAME | xargs -r losetup -d"
[ -b "$DEVICE" ] || skip 'the loop device has no node'

blank()
{
    dd if=/dev/zero of="$DEVICE" bs=1M count=4 conv=fsync status=none
}

on_device()
{
    sha256sum <"$DEVICE"
}

blank
fixture_begin
make_image a.qcow2 qcow2 256k
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:"$CASE/a.qcow2"
fixture_end
create=("$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,stype=block,file=$DEVICE")
nothing=$(on_device)
case_fresh
untouched=$(case_state)
mapfile -t renames < <(trace_points rename "${create[@]}")
# behind the last journal comes the domain XML
commit=${renames[-2]}
blank

# crash_and USE: the device is full of the overlay, and then USE happens
crash_and()
{
    trial "killed before the commit, $1"
    blank
    case_fresh
    # shellcheck disable=SC2086 # a call and a number
    at $commit signal=KILL "${create[@]}"
    assert_status 137
    [ "$(on_device)" != "$nothing" ] || fail 'the device is blank still'
}

# ends: and but for the device all is as before
ends()
{
    ok "$OFFSHOT" recover ./vm.xml
    cp "$STDERR" "$SCRATCH/recovery"
    ok "$OFFSHOT" recover ./vm.xml
    assert_stdout 'Nothing to recover'
    assert_equal "$(case_state)" "$untouched" state
    pattern_check a.qcow2 qcow2 0x11 0 64k
}

crash_and 'nothing else'
ends
assert_equal "$(on_device)" "$nothing" 'content of the device'
ok "${create[@]}"

crash_and 'other data on the device'
dd if=/dev/urandom of="$DEVICE" bs=64k count=1 conv=fsync status=none
before=$(on_device)
ends
assert_equal "$(on_device)" "$before" 'content of the device'
grep -qF "$DEVICE" "$SCRATCH/recovery" || fail 'the recovery does not name the device'

crash_and 'written by a guest through the overlay'
pattern_write "$DEVICE" qcow2 0x33 128k 64k
before=$(on_device)
ends
assert_equal "$(on_device)" "$before" 'content of the device'
pattern_check "$DEVICE" qcow2 0x33 128k 64k

crash_and 'device smaller'
truncate -s 64k "$SCRATCH/loop"
losetup -c "$DEVICE"
ends
truncate -s 4M "$SCRATCH/loop"
losetup -c "$DEVICE"

crash_and 'device gone'
losetup -d "$DEVICE"
ends

table
