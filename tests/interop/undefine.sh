#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# virsh undefines and renames domains that have snapshots of ours.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'virsh does not undefine a domain that has snapshots of ours'
step ours create a --disk-only
they_fail undefine
all_well

scenario 'undefined with the metadata, and defined again'
step ours create a --disk-only
write
theirs dumpxml --inactive
cp "$STDOUT" vm.xml
theirs undefine --snapshots-metadata
assert_absent "$STORE/a.xml"
run "$OFFSHOT" -c "$EMBED" list vm
assert_error 4 "'vm'"
define vm.xml
all_well
tree ''
step ours create b --disk-only
write
step theirs snapshot-create-as c --disk-only
step ours revert b

scenario 'renamed, and back'
step ours create a
write
step theirs snapshot-create-as b
write
theirs domrename other
ok "$OFFSHOT" -c "$EMBED" list other --name
assert_stdout $'a\nb'
ok "$OFFSHOT" -c "$EMBED" current other --name
assert_stdout b
run virsh_embed "$ROOT" domrename other vm
assert_status 0
all_well
step ours revert a

scenarios_end 3
