#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The power is cut in the middle of each operation, and of what had not been flushed any part is lost: before, or
# after, never between; and what was reported as done is there.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"
. "${srcdir:?}/lib/power.sh"

need jq qemu-io flock
need_plain_program

# tree FORMAT [create options...]: two disks, the second based on FORMAT, two external snapshots.
tree()
{
    local turn format=$1

    shift
    cd "$WORK" || exit 99
    rm -rf "$FIXTURE" "$CASE"
    fixture_begin
    make_image a.qcow2 qcow2 1M
    make_image b.img "$format" 1M
    make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:"$format":"$CASE/b.img"
    for turn in 1 2; do
        write_active "$turn"
        ok "$OFFSHOT" create ./vm.xml "s$turn" "$@"
    done
    write_active 3
    fixture_end
}

write_active()
{
    pattern_write "$(domain_source vm.xml vda)" "$(domain_format vm.xml vda)" "0x1$1" "$(($1 * 64))k" 128k
    pattern_write "$(domain_source vm.xml vdb)" "$(domain_format vm.xml vdb)" "0x2$1" "$(($1 * 64))k" 128k
}

# A program that does not flush loses what it has said was done; this has to be seen.
canary()
{
    tree_references "$@"
    POWER_FORGET=1 powered 0 "$@"
    assert_status 0
    lose none
    [ "$DOUBT" -gt 10 ] || fail "only $DOUBT calls are in doubt without any flush"
    [ "$(tree_state)" != "${AFTER['tree']}" ] || fail 'nothing is lost without any flush'
}

SAMPLES=2
tree raw --disk-only
canary "$OFFSHOT" create ./vm.xml s3 --disk-only
cut_everywhere 'create' "$OFFSHOT" create ./vm.xml s3 --disk-only
cut_everywhere 'revert' "$OFFSHOT" revert ./vm.xml s1
cut_everywhere 'delete, committed' "$OFFSHOT" delete ./vm.xml s2 --strategy=commit
cut_everywhere 'delete, rebased' "$OFFSHOT" delete ./vm.xml s1 --strategy=rebase
cut_everywhere 'flatten' "$OFFSHOT" flatten ./vm.xml
tree qcow2 --disk-only --keep-filename
cut_everywhere 'create --keep-filename' "$OFFSHOT" create ./vm.xml s3 --disk-only --keep-filename
cut_everywhere 'revert, kept names' "$OFFSHOT" revert ./vm.xml s2
tree qcow2 --internal
canary "$OFFSHOT" delete ./vm.xml s1
cut_everywhere 'create --internal' "$OFFSHOT" create ./vm.xml s3 --internal
cut_everywhere 'revert, internal' "$OFFSHOT" revert ./vm.xml s1
cut_everywhere 'delete, internal' "$OFFSHOT" delete ./vm.xml s1
table
