#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# virsh undefines and renames domains that have snapshots of ours.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

# rename_back NAME: that domain is called vm again.
rename_back()
{
    run virsh_embed "$ROOT" domrename "$1" vm
    assert_status 0
}

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
# as virsh: the state and definition of then, and the name of today
ok "$OFFSHOT" -c "$EMBED" revert other a
assert_equal "$(xmllint --xpath 'string(/domain/name)' "$ROOT/etc/qemu/other.xml")" other 'name of the domain'
run virsh_embed "$ROOT" snapshot-current other --name
assert_stdout a
rename_back other
expect_active a
all_well
step ours revert b

scenario 'another domain takes the old name, and does not touch what the first one kept there'
step ours create a --disk-only
write
step ours create b --disk-only
write
step ours revert a
step ours create c --disk-only
write
step ours delete a
files=$(sha256sum vd*)
theirs domrename other
make_image new.qcow2 qcow2 1M
domain_xml vm vda:qcow2:new.qcow2 | sed "s,<uuid>.*,<uuid>$(domain_uuid another)</uuid>," >another.xml
define another.xml
for name in x y z; do
    ours create "$name" --disk-only
done
ours delete y
ours revert x
ours flatten
assert_equal "$(sha256sum vd*)" "$files" 'images of the renamed domain'
theirs domrename another
rename_back other
all_well
step ours revert b
step ours delete c

scenarios_end 4
