#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Internal snapshots of both, reverted to and deleted by either.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'a tree taken in turns, walked by offshot'
step theirs snapshot-create-as t1
write
step ours create o2
write
step theirs snapshot-create-as t3
write
tree 'o2<t1 t1 *t3<o2'
step ours revert t1
step ours revert t3
step ours delete t1
tree 'o2 *t3<o2'
step ours delete o2
step ours delete t3
tree ''

scenario 'a tree taken in turns, walked by virsh'
step ours create o1
write
step theirs snapshot-create-as t2
write
step ours create o3
write
step theirs snapshot-revert o1
step theirs snapshot-revert o3
step theirs snapshot-delete o1
tree '*o3<t2 t2'
step theirs snapshot-delete t2
step theirs snapshot-delete o3
tree ''

scenario 'each goes back to where the other one went from'
step ours create a
write
step theirs snapshot-create-as b
write
step ours revert a
write
step theirs snapshot-create-as c
tree 'a b<a *c<a'
step theirs snapshot-revert b
step ours create d
tree 'a b<a c<a *d<b'
step ours revert c

scenario 'the current snapshot is deleted by the other one'
step ours create a
step theirs snapshot-create-as b
write
step ours delete b
tree '*a'
step theirs snapshot-create-as c
step ours create d
step theirs snapshot-delete d
tree 'a *c<a'

scenario 'no tag is left, whoever deleted'
step ours create a
step theirs snapshot-create-as b
step ours create c
step theirs snapshot-delete a
step ours delete b
step theirs snapshot-delete c
for disk in vda vdb; do
    assert_equal "$(image_info "$disk.qcow2" qcow2 '[.snapshots[]?.name] | join(" ")')" '' "tags of $disk"
done

scenarios_end 5
