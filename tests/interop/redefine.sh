#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots are recorded again from what dumpxml of the other one gave.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

# dump ours|theirs NAME...: into NAME.xml
dump()
{
    local who=$1 name command=dumpxml

    shift
    [ "$who" = ours ] || command=snapshot-dumpxml
    for name; do
        "$who" "$command" "$name"
        cp "$STDOUT" "$name.xml"
    done
}

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

scenario 'over what is there, with another description'
step ours create a 'the first' --disk-only
write
dump ours a
sed -i 's/the first/of virsh/' a.xml
step theirs snapshot-create a.xml --redefine
ours info a --json
assert_equal "$(json '.snapshots[0].description')" 'of virsh'
sed -i 's/of virsh/of ours/' a.xml
step ours create --redefine --xml a.xml
theirs snapshot-dumpxml a
assert_stdout_contains '<description>of ours</description>'
step ours delete a

scenario 'another parent'
step ours create a
step ours create b
step theirs snapshot-create-as c
dump ours c
sed -i 's,<name>b</name>,<name>a</name>,' c.xml
step theirs snapshot-create c.xml --redefine
tree 'a b<a *c<a'
dump theirs b
sed -i '/<parent>/,/<\/parent>/d' b.xml
step ours create --redefine --xml b.xml
tree 'a b *c<a'

scenario 'what makes no tree is recorded by neither'
step ours create a
step theirs snapshot-create-as b
dump ours a
sed -i "s,<creationTime>,<parent><name>b</name></parent>&," a.xml
they_fail snapshot-create a.xml --redefine
refused 8 descendants create --redefine --xml a.xml
sed -i 's,<name>b</name>,<name>none</name>,' a.xml
they_fail snapshot-create a.xml --redefine
refused 4 none create --redefine --xml a.xml
all_well
tree 'a *b<a'

scenarios_end 6
