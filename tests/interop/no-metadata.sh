#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Overlays of which one of them records nothing, between snapshots of both.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'virsh records nothing'
step ours create a --disk-only
write
step theirs snapshot-create-as unrecorded --disk-only --no-metadata
write
tree '*a'
step ours create b --disk-only
write
step ours delete a
step ours revert b

scenario 'offshot records nothing'
step theirs snapshot-create-as a --disk-only
write
before_step
ours create unrecorded --disk-only --no-metadata
all_well
write
tree '*a'
step theirs snapshot-create-as b --disk-only
write
step ours revert a
step ours revert b

scenario 'neither does, and the chain is flattened'
step theirs snapshot-create-as one --disk-only --no-metadata
write
step ours create two --disk-only --no-metadata
write
tree ''
step ours flatten
assert_chain "$(active vda)" qcow2
step theirs snapshot-create-as a

scenarios_end 3
