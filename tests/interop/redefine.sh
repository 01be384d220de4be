#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots are recorded again from what dumpxml of the other one gave.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'virsh records again what we dumped'
step ours create a --disk-only
write
step ours create b --disk-only
write
dump ours a b
step theirs snapshot-delete b --metadata
step theirs snapshot-delete a --metadata
step theirs snapshot-create a.xml --redefine
step theirs snapshot-create b.xml --redefine --current
tree 'a *b<a'
step ours revert a
step ours delete b

scenario 'we record again what virsh dumped'
step theirs snapshot-create-as a --disk-only
write
step theirs snapshot-create-as b
write
dump theirs a b
step ours delete b --metadata
step ours delete a --metadata
step ours create --redefine --xml a.xml
step ours create --redefine --xml b.xml --current
tree 'a *b<a'
step theirs snapshot-revert b
step ours revert b

scenario 'the whole store is lost, and virsh gets it back from our dumps'
step ours create a
write
step theirs snapshot-create-as b
write
step ours create c
write
step ours revert a
step ours create d
ours list --name --topological
mapfile -t names <"$STDOUT"
dump ours "${names[@]}"
rm -r "$STORE"
all_well
for name in "${names[@]}"; do
    step theirs snapshot-create "$name.xml" --redefine
done
step theirs snapshot-current d
tree 'a b<a c<b *d<a'
step theirs snapshot-revert c
step ours revert b

scenarios_end 3
