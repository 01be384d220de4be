#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One forgets what the other recorded; the images stay, and the rest of the tree is good.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'virsh forgets one between two, and may point its child to the wrong images'
step ours create a --disk-only
write
step ours create b --disk-only
write
step ours create c --disk-only
write
theirs snapshot-delete b --metadata
theirs snapshot-dumpxml c
if grep -q "source file='$WORK/vda.a'" "$STDOUT"; then
    sed "/<domain /,\$ s,\(source file='$WORK/vd.\).a',\1.b'," "$STDOUT" >c.xml
    for command in 'revert c' 'delete c' 'extract c --disk vda -o out'; do
        # shellcheck disable=SC2086 # words
        refused 7 "its state is in '$WORK/vda.b'" $command
    done
    before_step
    ours create --redefine --xml c.xml
fi
all_well
tree 'a *c<a'
step ours delete a
step ours revert c

scenario 'virsh forgets the current one, and we go on'
step ours create a --disk-only
write
step ours create b --disk-only
write
step theirs snapshot-delete b --metadata
tree '*a'
step ours create c --disk-only
tree 'a *c<a'
step ours delete c

scenario 'we forget one of virsh, and it goes on'
step theirs snapshot-create-as a --disk-only
write
step theirs snapshot-create-as b --disk-only
write
step ours delete a --metadata
tree '*b'
step theirs snapshot-create-as c --disk-only
write
step ours delete b

scenario 'virsh forgets all, and we begin again above the chain'
step ours create a --disk-only
write
step ours create b --disk-only
write
step theirs snapshot-delete a --children --metadata
tree ''
step ours create c --disk-only
write
step ours flatten

scenario 'virsh forgets an internal one: its name is taken still'
step ours create a
write
step theirs snapshot-delete a --metadata
refused 8 "'a'" create a
all_well
step ours create b
step theirs snapshot-revert b

scenario 'after virsh forgot a branch, its images stay when we delete'
step ours create a --disk-only
write
step ours create b --disk-only
write
hash=$(content_hash vda.a qcow2)
step ours revert a
step theirs snapshot-delete b --metadata
tree '*a'
step ours delete a
assert_equal "$(content_hash vda.a qcow2)" "$hash" 'what virsh forgot'

scenarios_end 6
