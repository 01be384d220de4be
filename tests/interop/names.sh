#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Odd names of snapshots, of both, in both directions.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

names=('with blank' "it's" 'say "so"' 'a;b' 'c,d' 'e%20f' '<g>&amp;' 'h\i' '1st' 'Ärger ☃' 'j#k?l' "\$(m)*")

scenario 'external ones'
for name in "${names[@]}"; do
    ours create "$name" --disk-only
done
before_step
all_well
step ours revert "${names[3]}"
step ours delete "${names[1]}"

scenario 'internal ones of offshot'
for name in "${names[@]}"; do
    ours create "$name"
    KNOWN["$name vda"]=${KNOWN['active vda']} KNOWN["$name vdb"]=${KNOWN['active vdb']}
    write
done
all_well
step theirs snapshot-revert "${names[4]}"
step theirs snapshot-delete "${names[2]}"
step ours delete "${names[5]}"
step ours revert "${names[9]}"

scenario 'internal ones of virsh'
for name in "${names[@]}"; do
    theirs snapshot-create-as "$name"
    KNOWN["$name vda"]=${KNOWN['active vda']} KNOWN["$name vdb"]=${KNOWN['active vdb']}
    write
done
all_well
step ours revert "${names[0]}"
step theirs snapshot-revert "${names[11]}"
step ours delete "${names[7]}"
step theirs snapshot-delete "${names[8]}"

scenario 'the default names of virsh are all digits'
before_step
theirs snapshot-create
all_well
name=$(cat "$SCRATCH/virsh.current")
[[ $name =~ ^[0-9]+$ ]] || fail "the default name is '$name'"
write
step ours revert "$name"
step ours create after
step theirs snapshot-revert after
step ours delete "$name"
tree '*after'

scenarios_end 4
