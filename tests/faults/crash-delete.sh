#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Deletions of external snapshots of two disks are disturbed at each call of offshot and of its qemu-img: before,
# or after, never between, and no VM starts on half of a merge.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io flock
need_plain_program

# tree FORMAT [create options...]: two disks, the second based on FORMAT, three snapshots.
tree()
{
    local turn format=$1

    shift
    rm -rf "$FIXTURE" "$CASE"
    fixture_begin
    make_image a.qcow2 qcow2 1M
    make_image b.img "$format" 1M
    make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:"$format":"$CASE/b.img"
    for turn in 1 2 3; do
        write_active "$turn"
        ok "$OFFSHOT" create ./vm.xml "s$turn" --disk-only "$@"
    done
    write_active 4
    fixture_end
}

write_active()
{
    pattern_write "$(domain_source vm.xml vda)" "$(domain_format vm.xml vda)" "0x1$1" "$(($1 * 64))k" 128k
    pattern_write "$(domain_source vm.xml vdb)" "$(domain_format vm.xml vdb)" "0x2$1" "$(($1 * 64))k" 128k
}

delete=("$OFFSHOT" delete ./vm.xml)
tree raw
WITH_HANGS=1 disturb_all 'delete, committed' "${delete[@]}" s3 --strategy=commit
disturb_all 'delete the first, rebased' "${delete[@]}" s1 --strategy=rebase
disturb_all 'delete --children, rebased' "${delete[@]}" s2 --children --strategy=rebase
if is_long; then
    disturb_all 'delete in the middle, committed' "${delete[@]}" s2 --strategy=commit
    disturb_all 'delete the first, committed into raw' "${delete[@]}" s1 --strategy=commit
    disturb_all 'delete in the middle, rebased' "${delete[@]}" s2 --strategy=rebase
    disturb_all 'delete --children, committed' "${delete[@]}" s2 --children --strategy=commit
    disturb_all 'flatten' "$OFFSHOT" flatten ./vm.xml
fi
cd "$WORK" || exit 99
tree qcow2 --keep-filename
disturb_all 'delete, kept names, committed' "${delete[@]}" s3 --strategy=commit
! is_long || disturb_all 'delete in the middle, kept names, committed' "${delete[@]}" s2 --strategy=commit
table
