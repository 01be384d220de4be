#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --print-xml prints the request as virsh prints it, needs no domain to be right, and does nothing.
. "${srcdir:?}/lib/lib.sh"

need virsh xmllint

make_domain vm
before=$(snapshot_state "$WORK")
compare()
{
    virsh -q -c test:///default snapshot-create-as test "$@" --print-xml >"$SCRATCH/want" 2>"$STDERR" \
        || skip "virsh has no test driver: $(cat "$STDERR")"
    ok "$OFFSHOT" create ./vm.xml "$@" --print-xml
    assert_equal "$(xmllint --format --noblanks - <"$STDOUT")" \
        "$(xmllint --format --noblanks "$SCRATCH/want")" "XML of '$*'"
    ok "$OFFSHOT" snapshot-create-as ./vm.xml "$@" --print-xml
    assert_equal "$(xmllint --format --noblanks - <"$STDOUT")" \
        "$(xmllint --format --noblanks "$SCRATCH/want")" "XML of '$*'"
}
compare s1
compare s1 'a <description> & more'
compare s1 --disk-only
compare s1 --diskspec vda
compare s1 --diskspec vda,snapshot=no --diskspec vdb,snapshot=external
compare s1 --diskspec vda,file=/x/y
compare s1 --diskspec vda,file=/x,,y,driver=qcow2,snapshot=external
compare s1 --diskspec vda,stype=block,file=/dev/x
compare s1 --diskspec vda,driver=qed
compare s1 --diskspec /path/of/disk.img,snapshot=manual
compare s1 --memspec file=/x/memory
compare s1 --memspec /x/memory,snapshot=external
compare s1 --memspec snapshot=no
compare s1 description --memspec snapshot=internal --diskspec vda,snapshot=internal
assert_unchanged "$WORK" "$before"
