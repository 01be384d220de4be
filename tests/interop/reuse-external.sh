#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Overlays made beforehand, by qemu-img, are taken by either.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

# overlays NAME: vda.NAME and vdb.NAME, on what is active
overlays()
{
    local disk

    for disk in vda vdb; do
        make_image "$disk.$1" qcow2 1M -b "$(active "$disk")" -F "$(active_format "$disk")"
    done
}

scenario 'by virsh, then by offshot' vda:qcow2 vdb:raw
overlays a
step theirs snapshot-create-as a --disk-only --reuse-external
write
overlays b
step ours create b --disk-only --reuse-external
write
step theirs snapshot-create-as c --disk-only
write
step ours delete b
step ours revert a

scenario 'elsewhere, under names of their own'
mkdir away
make_image away/x qcow2 1M -b "$WORK/vda.qcow2" -F qcow2
step ours create a --disk-only --reuse-external --diskspec "vda,file=$WORK/away/x" --diskspec vdb,snapshot=no
write
make_image away/y qcow2 1M -b "$WORK/away/x" -F qcow2
step theirs snapshot-create-as b --disk-only --reuse-external --diskspec "vda,file=$WORK/away/y" \
    --diskspec vdb,snapshot=no
write
assert_equal "$(active vda)" "$WORK/away/y"
step ours revert a
step ours delete b

scenarios_end 2
