#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Reverts to external snapshots of two disks are disturbed at each call: before, or after, never between.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io flock
need_plain_program

# tree [create options...]: two disks, one of them raw unless names are kept, two snapshots.
tree()
{
    local turn

    fixture_begin
    make_image a.qcow2 qcow2 1M
    if [ $# = 0 ]; then
        make_image b.img raw 1M
        make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:raw:"$CASE/b.img"
    else
        make_image b.img qcow2 1M
        make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:qcow2:"$CASE/b.img"
    fi
    for turn in 1 2; do
        write_active "$turn"
        ok "$OFFSHOT" create ./vm.xml "s$turn" --disk-only "$@"
    done
    write_active 3
    fixture_end
}

write_active()
{
    pattern_write "$(domain_source vm.xml vda)" "$(domain_format vm.xml vda)" "0x1$1" "$(($1 * 64))k" 128k
    pattern_write "$(domain_source vm.xml vdb)" "$(domain_format vm.xml vdb)" "0x2$1" "$(($1 * 64))k" 128k
}

NO_CHILDREN=1
tree
disturb_all 'revert to the current one' "$OFFSHOT" revert ./vm.xml s2
disturb_all 'revert to an older one' "$OFFSHOT" revert ./vm.xml s1
disturb_all 'revert, --save-as' "$OFFSHOT" revert ./vm.xml s1 --save-as s3
cd "$WORK" || exit 99
rm -rf "$FIXTURE" "$CASE"
tree --keep-filename
disturb_all 'revert, kept names' "$OFFSHOT" revert ./vm.xml s1
disturb_all 'revert, kept names, --save-as' "$OFFSHOT" revert ./vm.xml s1 --save-as s3
table
