#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# External snapshots of both, reverted to and deleted by offshot, while virsh goes on with what it left.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'offshot walks the tree of virsh' vda:qcow2 vdb:raw
for name in s1 s2 s3; do
    step theirs snapshot-create-as "$name" --disk-only
    write
done
step ours revert s1
step theirs snapshot-create-as theirs --disk-only
tree 's1 s2<s1 s3<s2 *theirs<s1'
write
step ours revert s3
step ours delete s2
tree 's1 *s3<s1 theirs<s1'
step ours delete s1 --children
tree ''
assert_equal "$(find . -maxdepth 1 -type f '!' -name '*.xml' | wc -l)" 2 'images left of two disks'

scenario 'virsh takes on top of our overlays, we on top of those of virsh'
step ours create a --disk-only
write
step theirs snapshot-create-as b --disk-only
write
step ours create c --disk-only
write
step ours delete b
tree 'a *c<a'
step theirs snapshot-create-as d --disk-only
step ours delete a
tree 'c *d<c'

scenario 'virsh goes on after our revert to a snapshot with children'
step theirs snapshot-create-as a --disk-only
write
step ours create b --disk-only
write
step ours revert a
write
step theirs snapshot-create-as c --disk-only
tree 'a b<a *c<a'
write
step ours revert b
step theirs snapshot-create-as d --disk-only
tree 'a b<a c<a *d<b'
step ours delete c

scenarios_end 3
