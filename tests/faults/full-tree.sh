#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A real file system runs out of space in the middle of operations on whole trees: refused before (6), undone (1,
# 6), or left for `recover`, which ends it once there is space (3). Nothing is lost.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io flock
need_root
need_plain_program
mkdir "$WORK/probe"
mount -t tmpfs -o size=1m tmpfs "$WORK/probe" 2>"$STDERR" || skip "cannot mount: $(cat "$STDERR")"
umount "$WORK/probe"
# shellcheck disable=SC2016 # for the end
at_exit 'cd /; umount "$CASE" 2>/dev/null'

# Trials are on a file system of their own, of $SIZE KiB.
case_fresh()
{
    cd "$WORK" || exit 99
    umount "$CASE" 2>/dev/null
    mkdir -p "$CASE"
    mount -t tmpfs -o "size=${SIZE}k" tmpfs "$CASE" || exit 99
    cp -a --sparse=always "$FIXTURE/." "$CASE" || exit 99
    cd "$CASE" || exit 99
}

# tree [create options...]: two disks, two snapshots.
tree()
{
    local turn

    cd "$WORK" || exit 99
    umount "$CASE" 2>/dev/null
    rm -rf "$FIXTURE" "$CASE"
    fixture_begin
    make_image a.qcow2 qcow2 1M
    make_image b.qcow2 qcow2 1M
    make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:qcow2:"$CASE/b.qcow2"
    for turn in 1 2; do
        write_active "$turn"
        ok "$OFFSHOT" create ./vm.xml "s$turn" "$@"
    done
    write_active 3
    fixture_end
}

write_active()
{
    pattern_write "$(domain_source vm.xml vda)" "$(domain_format vm.xml vda)" "0x1$1" "$(($1 * 64))k" 256k
    pattern_write "$(domain_source vm.xml vdb)" "$(domain_format vm.xml vdb)" "0x2$1" "$(($1 * 64))k" 256k
}

# run_out ROW FREE COMMAND...: with so many KiB free.
run_out()
{
    local row=$1 free=$2 allowed=before status

    shift 2
    SIZE=$((USED + free))
    case_fresh
    run "$@"
    status=$STATUS
    trial "$row"
    case $status in
    0) allowed=after ;;
    1 | 6) ;;
    3) allowed=either ;;
    *) lost "$row" "$free KiB free: status $STATUS" ;;
    esac
    # somebody makes room
    mount -o remount,size=64m "$CASE" || exit 99
    finish_tree "$row" "$free KiB free (status $status)" "$allowed"
    return "$status"
}

# run_out_everywhere ROW COMMAND...: from nothing to enough.
run_out_everywhere()
{
    local row=$1 free=0 failed=0

    shift
    SIZE=65536
    tree_references "$@"
    case_fresh
    USED=$(($(df --output=used -k . | tail -n 1)))
    until run_out "$row" "$free" "$@"; do
        failed=$((failed + 1))
        free=$((free + step))
        [ "$free" -lt 16384 ] || fail "$row: never enough"
    done
    [ "$failed" -gt 0 ] || fail "$row: there was always enough"
}

step=640
! is_long || step=32
tree --disk-only
run_out_everywhere 'revert' "$OFFSHOT" revert ./vm.xml s1 --save-as s3
run_out_everywhere 'delete, committed' "$OFFSHOT" delete ./vm.xml s2 --strategy=commit
run_out_everywhere 'delete, rebased' "$OFFSHOT" delete ./vm.xml s1 --strategy=rebase
run_out_everywhere 'flatten' "$OFFSHOT" flatten ./vm.xml
tree --internal
run_out_everywhere 'create --internal' "$OFFSHOT" create ./vm.xml s3 --internal
run_out_everywhere 'revert, internal' "$OFFSHOT" revert ./vm.xml s1
run_out_everywhere 'delete, internal' "$OFFSHOT" delete ./vm.xml s1
cd "$WORK" || exit 99
table
