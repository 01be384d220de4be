#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots that virsh took while the VM ran.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

at_exit stop_guest

# A guest that virsh could not stop.
stop_guest()
{
    [ ! -s "$ROOT/run/qemu/vm.pid" ] || kill "$(cat "$ROOT/run/qemu/vm.pid")"
}

# while_it_runs COMMAND...: one virsh starts the VM, runs these, and stops it. They must succeed.
while_it_runs()
{
    local command script='start vm; '

    for command; do
        script+="$command; "
    done
    before_step
    run virsh_embed "$ROOT" "$script destroy vm"
    ! grep -q '^error' "$STDERR" || fail 'virsh fails'
    all_well
}

scenario 'none, to see whether virsh can start it here'
run virsh_embed "$ROOT" 'start vm; destroy vm'
[ "$STATUS" = 0 ] || skip "virsh cannot start a VM: $(grep -m 1 '^error: [^F]' "$STDERR")"

scenario 'with its memory, in the image'
step ours create a
write
while_it_runs 'snapshot-create-as vm live'
tree 'a *live<a'
ours list --name --active
assert_stdout live
step ours create b
step ours delete live
tree 'a *b<a'
step theirs snapshot-revert a

scenario 'with its memory, started from it again by virsh'
step theirs snapshot-create-as a
write
while_it_runs 'snapshot-create-as vm live' 'snapshot-revert vm live --running'
step ours create b
tree 'a *b<live live<a'
step ours delete a
step theirs snapshot-delete live
tree '*b'

scenario 'its disks only: libvirt writes the chain into the definition, and we go on'
step ours create a --disk-only
write
while_it_runs 'snapshot-create-as vm live --disk-only'
write
grep -q '<backingStore' "$DOMAIN_XML" || echo 'not here: a <backingStore>'
step ours create b --disk-only
write
step ours delete live
tree 'a *b<a'
step ours revert b

scenario 'its disks only, and then flattened'
while_it_runs 'snapshot-create-as vm live --disk-only'
write
step ours flatten
assert_chain "$(active vda)" qcow2
while_it_runs 'snapshot-create-as vm again --disk-only'
write
step ours delete again
tree '*live'

scenarios_end 5
