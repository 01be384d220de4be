#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Eight disks, of which every third is raw, and one disk alone.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'eight disks, external' vda:qcow2 vdb:qcow2 vdc:raw vdd:qcow2 vde:qcow2 vdf:raw vdg:qcow2 vdh:qcow2
step ours create a --disk-only
write
step theirs snapshot-create-as b --disk-only
write
step ours revert a
step ours delete b

scenario 'eight disks, internal' vd{a,b,c,d,e,f,g,h}:qcow2
step ours create a
write
step theirs snapshot-create-as b
write
step theirs snapshot-revert a
step ours revert b
step theirs snapshot-delete a
step ours delete b

scenario 'one disk' vda:qcow2
step theirs snapshot-create-as a --disk-only
write
step ours create b
write
step theirs snapshot-create-as c
step ours revert a
step ours delete a
tree 'b c<b'

scenarios_end 3
