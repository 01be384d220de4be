#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# offshot is killed at each of its system calls while it takes a snapshot of two disks with --keep-filename:
# the next command finds both disks before or both after, and the images always open.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace qemu-io
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 256k
make_image b.qcow2 qcow2 256k
pattern_write a.qcow2 qcow2 0x11 0 64k
pattern_write b.qcow2 qcow2 0x22 0 64k
make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:qcow2:"$CASE/b.qcow2"
ok "$OFFSHOT" create ./vm.xml first --disk-only --keep-filename
fixture_end

create=("$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename)
references "${create[@]}"
case_fresh
ok "${create[@]}"
assert_same_file vm.xml "$FIXTURE/vm.xml"
assert_case_sound a.qcow2:qcow2 b.qcow2:qcow2 a.s1.qcow2:qcow2 b.s1.qcow2:qcow2 a.first.qcow2:qcow2
pattern_check a.qcow2 qcow2 0x11 0 64k
pattern_check b.qcow2 qcow2 0x22 0 64k

calls=$CHANGES
! is_long || calls=all
kill_everywhere 'create --keep-filename, offshot killed' "$calls" "${create[@]}"

# Before any other command: the paths that the domain XML names can be opened, and show the same.
row='create --keep-filename, killed, images opened at once'
mapfile -t list < <(points rename,link,renameat2,unlink "${create[@]}")
for what in "${list[@]}"; do
    case_fresh
    # shellcheck disable=SC2086 # a call and a number
    at $what signal=KILL "${create[@]}"
    trial "$row"
    [ "$STATUS" = 137 ] || lost "$row" "killed at $what: status $STATUS"
    (
        pattern_check a.qcow2 qcow2 0x11 0 64k
        pattern_check b.qcow2 qcow2 0x22 0 64k
    ) || lost "$row" "killed at $what: the images do not open"
done

table
