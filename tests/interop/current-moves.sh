#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One of them says which snapshot is current; the other one goes by it.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'virsh moves it, and ours branches there'
step ours create a --disk-only
write
step ours create b --disk-only
write
step theirs snapshot-current a
tree '*a b<a'
step ours create c --disk-only
tree 'a b<a *c<a'
write
step ours revert b
step ours delete c

scenario 'we move it, and that of virsh branches there'
step theirs snapshot-create-as a
write
step theirs snapshot-create-as b
write
ours dumpxml a
cp "$STDOUT" a.xml
step ours create --redefine --xml a.xml --current
tree '*a b<a'
step theirs snapshot-create-as c
tree 'a b<a *c<a'
step theirs snapshot-revert b
step ours revert c

scenario 'virsh records the current one again'
step ours create a --disk-only
write
step ours create b --disk-only
write
theirs snapshot-dumpxml a
cp "$STDOUT" a.xml
step theirs snapshot-create a.xml --redefine --current
tree '*a b<a'
before_step
ours revert --current
expect_active a
all_well
step ours delete b

scenario 'virsh asks for none to be current by deleting the root'
step ours create a
write
step theirs snapshot-delete a --metadata
tree ''
step ours create b
tree '*b'
step theirs snapshot-delete b
step ours create c

scenarios_end 4
