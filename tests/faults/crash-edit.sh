#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Renaming and cloning a snapshot are disturbed at each call of offshot: the tree is as before or as after, with
# its children in their place.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M
make_image b.img raw 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:raw:"$CASE/b.img"
for turn in 1 2 3; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$turn" 0 64k
    ok "$OFFSHOT" create ./vm.xml "s$turn" --disk-only
done
fixture_end

# the editor has calls of its own, which are not counted
export TMPDIR=$SCRATCH EDITOR="env -u LD_PRELOAD sed -i -e '/^  <name>s2/s/s2/new/'"
NO_CHILDREN=1
disturb_all 'rename' "$OFFSHOT" edit ./vm.xml s2 --rename
if is_long; then
    disturb_all 'rename, current' "$OFFSHOT" edit ./vm.xml s2 --rename --current
    disturb_all 'clone' "$OFFSHOT" edit ./vm.xml s2 --clone
fi
table
