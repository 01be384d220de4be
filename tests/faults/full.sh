#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real file system runs out of space, or of inodes, at every point of a create: status 6, and all is as
# before.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need_root
mkdir "$WORK/probe"
mount -t tmpfs -o size=1m tmpfs "$WORK/probe" 2>"$STDERR" || skip "cannot mount: $(cat "$STDERR")"
umount "$WORK/probe"
# shellcheck disable=SC2016 # for the end
at_exit 'cd /; umount "$CASE" 2>/dev/null'

# on_tmpfs SIZE INODES: the fixture on a fresh one.
on_tmpfs()
{
    cd "$WORK" || exit 99
    umount "$CASE" 2>/dev/null
    mkdir -p "$CASE"
    mount -t tmpfs -o "size=$1,nr_inodes=$2" tmpfs "$CASE" || exit 99
    cp -a --sparse=always "$FIXTURE/." "$CASE" || exit 99
    cd "$CASE" || exit 99
}

fixture_begin
disks=()
for letter in a b c d e f g h; do
    make_image "disk-$letter.img" qcow2 256k
    disks+=("vd$letter:qcow2:$CASE/disk-$letter.img")
done
make_domain vm "${disks[@]}"
fixture_end

# run_out ROW SIZE INODES: judged by what came of it; $STATUS says what.
run_out()
{
    on_tmpfs "$2" "$3"
    run "${create[@]}"
    trial "$1"
    case $STATUS in
    0) compare "$1" "size $2, inodes $3" nothing after ;;
    6)
        compare "$1" "size $2, inodes $3" nothing before
        [ "$(grep -c '^offshot: ' "$STDERR")" = 1 ] || lost "$1" 'not one message on stderr'
        grep -qE 'No space left|are needed' "$STDERR" || lost "$1" 'the message does not tell why'
        ;;
    *) lost "$1" "size $2, inodes $3: status $STATUS" ;;
    esac
}

# run_out_everywhere ROW
run_out_everywhere()
{
    local free used inodes undone=0 begun=0

    on_tmpfs 16m 1000
    references "${create[@]}"
    on_tmpfs 16m 1000
    used=$(($(df --output=used -k . | tail -n 1)))
    inodes=$(($(df --output=iused . | tail -n 1)))
    for ((free = 0; free <= 2400; free += step)); do
        run_out "$1: free space" "$((used + free))k" 1000
        undone=$((undone + (STATUS == 6)))
        ! grep -q 'qemu-img' "$STDERR" || begun=$((begun + 1))
    done
    assert_status 0
    [ "$undone" -gt 3 ] || fail 'there was always enough space'
    [ "$begun" -gt 0 ] || fail 'it never ran out in the middle'
    for ((free = 0; free <= 24; free++)); do
        run_out "$1: inodes" 16m "$((inodes + free))"
    done
    assert_status 0
}

# References are made where the trials are.
case_fresh()
{
    on_tmpfs 16m 1000
}

FOLLOW_UPS=(list)
step=160
! is_long || step=4
create=("$OFFSHOT" create ./vm.xml s1 --disk-only)
run_out_everywhere create
create+=(--keep-filename)
run_out_everywhere 'create --keep-filename'
cd "$WORK" || exit 99

table
