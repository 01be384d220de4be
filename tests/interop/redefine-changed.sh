#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots are recorded again, by the other one, otherwise than they were.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

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

scenarios_end 3
