#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Wrong command lines and input that cannot be read are refused with exit 2, what is not there with
# exit 4, and nothing changes.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2

assert_refuses 2 'command' "$OFFSHOT"
assert_refuses 2 "'nonsense'" "$OFFSHOT" nonsense ./vm.xml
assert_refuses 2 "'--wrong'" "$OFFSHOT" create ./vm.xml s1 --wrong
assert_refuses 2 "'--wrong'" "$OFFSHOT" --wrong create ./vm.xml s1
assert_refuses 2 "'--wrong'" "$OFFSHOT" list ./vm.xml --wrong
assert_refuses 2 'domain' "$OFFSHOT" create
assert_refuses 2 'domain' "$OFFSHOT" list ''
assert_refuses 2 "'more'" "$OFFSHOT" create ./vm.xml s1 description more --disk-only
assert_refuses 2 "'more'" "$OFFSHOT" list ./vm.xml more
assert_refuses 2 '--jobs' "$OFFSHOT" create ./vm.xml s1 --disk-only --jobs=0
assert_refuses 2 '--jobs' "$OFFSHOT" create ./vm.xml s1 --disk-only --jobs=many
assert_refuses 2 '--color' "$OFFSHOT" list ./vm.xml --color=blue
assert_refuses 2 '--progress' "$OFFSHOT" list ./vm.xml --progress=fast
assert_refuses 2 '--backing-path' "$OFFSHOT" create ./vm.xml s1 --disk-only --backing-path=near
assert_refuses 2 'URI' "$OFFSHOT" -c xen:///system list vm
assert_refuses 2 'URI' "$OFFSHOT" -c 'qemu:///embed?root=relative' list vm
assert_refuses 2 '--tree' "$OFFSHOT" list ./vm.xml --tree --name
assert_refuses 2 '--current' "$OFFSHOT" list ./vm.xml --current --from x
assert_refuses 2 '--current' "$OFFSHOT" info ./vm.xml
assert_refuses 2 '--current' "$OFFSHOT" info ./vm.xml s1 --current
assert_refuses 2 '--current' "$OFFSHOT" create ./vm.xml s1 --disk-only --current
assert_refuses 2 '--redefine' "$OFFSHOT" create ./vm.xml --redefine
assert_refuses 2 '--xml' "$OFFSHOT" create ./vm.xml s1 --xml x.xml
for spec in '' ',snapshot=no' vda,none vda,snapshot= vda,snapshot=default vda,driver= vda,file= vda,stype=network \
    vda,driver=raw vda,driver=nonsense vda,snapshot=no,file=x vda,file=x,file=y vda,snapshot=no,snapshot=no; \
        do
    run "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "$spec"
    assert_status 2
done
for memspec in '' snapshot=maybe snapshot=external file=x,snapshot=no; do
    run "$OFFSHOT" create ./vm.xml s1 --disk-only --memspec "$memspec"
    assert_status 2
done

# not found
assert_refuses 4 'none.xml' "$OFFSHOT" create ./none.xml s1 --disk-only
assert_refuses 4 'none' "$OFFSHOT" create ./none/vm.xml s1 --disk-only
assert_refuses 4 "'vm'" "$OFFSHOT" -c "qemu:///embed?root=$WORK/none" create vm s1 --disk-only
assert_refuses 4 '5bce98f7' "$OFFSHOT" -c "qemu:///embed?root=$WORK" list 5bce98f7-3f3e-40c8-87f2-729ed9509b38
assert_refuses 4 "'none'" "$OFFSHOT" info ./vm.xml none
assert_refuses 4 "'none'" "$OFFSHOT" dumpxml ./vm.xml none
assert_refuses 4 "'none'" "$OFFSHOT" parent ./vm.xml none
assert_refuses 4 "'none'" "$OFFSHOT" list ./vm.xml --from none
assert_refuses 4 'current' "$OFFSHOT" current ./vm.xml
assert_refuses 4 'current' "$OFFSHOT" info ./vm.xml --current
assert_refuses 4 'none.xml' "$OFFSHOT" create ./vm.xml --disk-only --xml none.xml
assert_refuses 4 "'vdz'" "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdz

# the same errors in JSON
run "$OFFSHOT" create ./none.xml s1 --json
assert_status 4
assert_equal "$(json '[.schema, .error.code, .error.exit] | map(tostring) | join(" ")')" '1 not-found 4'
assert_stderr_empty
run "$OFFSHOT" create ./vm.xml --json --wrong
assert_status 2
assert_equal "$(json '[.schema, .error.code, .error.exit] | map(tostring) | join(" ")')" '1 usage 2'
