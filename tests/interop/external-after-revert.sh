#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# External snapshots of both: what virsh does after our revert, flatten, and revert with --save-as.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'reverts in a row, a snapshot by virsh between each two'
step ours create base --disk-only
for name in x y z; do
    write
    step ours revert base
    step theirs snapshot-create-as "$name" --disk-only
done
tree 'base x<base y<base *z<base'
step ours delete y
step ours delete x
tree 'base *z<base'

scenario 'we flatten, and virsh goes on'
step theirs snapshot-create-as a --disk-only
write
step ours create b --disk-only
write
step ours flatten
assert_chain "$(active vda)" qcow2
step theirs snapshot-create-as c --disk-only
write
step ours revert a
step ours revert c

scenario 'what is reverted to is saved, and virsh goes on from there'
step theirs snapshot-create-as a --disk-only
write
step ours revert a --save-as saved
tree '*a saved<a'
step theirs snapshot-create-as b --disk-only
step ours revert saved
step ours delete saved
tree '*a b<a'

scenarios_end 3
