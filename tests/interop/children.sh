#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Deleting with children, by either.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'virsh deletes ours, with children'
step ours create a
step ours create b
step theirs snapshot-create-as c
step theirs snapshot-current a
step ours create d
write
step theirs snapshot-delete b --children
tree 'a *d<a'
step theirs snapshot-delete a --children
tree ''

scenario 'we delete those of virsh, with children'
step theirs snapshot-create-as a
step theirs snapshot-create-as b
step ours create c
step ours revert a
step theirs snapshot-create-as d
write
step ours delete b --children
tree 'a *d<a'
step ours delete a --children
tree ''

scenario 'only the children, by virsh'
step ours create a
step ours create b
step theirs snapshot-create-as c
write
step theirs snapshot-delete a --children-only
tree '*a'
step ours create d

scenario 'only the children, by offshot'
step theirs snapshot-create-as a --disk-only
write
step ours create b --disk-only
write
step theirs snapshot-create-as c --disk-only
write
step ours delete a --children-only
tree '*a'
step theirs snapshot-create-as d --disk-only
step ours revert a

scenario 'one in the middle: its children move up'
step ours create a
step theirs snapshot-create-as b
step ours create c
step theirs snapshot-current b
step theirs snapshot-create-as d
step theirs snapshot-delete b
tree 'a c<a *d<a'
step ours delete a
tree 'c *d'

scenarios_end 5
