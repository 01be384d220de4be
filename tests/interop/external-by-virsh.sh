#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# External snapshots of ours, deleted and reverted to by a virsh that can: older ones cannot do all of it.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

# by_virsh delete|revert SNAPSHOT: by offshot where virsh cannot, which then has changed nothing.
by_virsh()
{
    before_step
    run virsh_embed "$ROOT" "snapshot-$1" vm "$2"
    if [ "$STATUS" != 0 ]; then
        echo "not here: virsh snapshot-$1: $(grep -v ' warning : ' "$STDERR" | tail -n 1)"
        all_well
        ours "$1" "$2"
    fi
    [ "$1" = delete ] || expect_active "$2"
    all_well
}

scenario 'the newest is deleted' vda:qcow2
step ours create a --disk-only
write
step ours create b --disk-only
write
by_virsh delete b
tree '*a'
write
step ours create c --disk-only
step ours delete a
tree '*c'

scenario 'one of virsh between two of ours is deleted' vda:qcow2
step ours create a --disk-only
write
step theirs snapshot-create-as b --disk-only
write
step ours create c --disk-only
write
by_virsh delete b
tree 'a *c<a'

scenario 'one with kept names is deleted' vda:qcow2
step ours create a --disk-only --keep-filename
write
by_virsh delete a
tree ''

scenario 'reverted to' vda:qcow2
step ours create a --disk-only
write
step ours create b --disk-only
write
by_virsh revert a
write
step ours create c --disk-only
tree 'a b<a *c<a'
by_virsh revert b
write
step ours revert c
step ours delete b

scenarios_end 4
