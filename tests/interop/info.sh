#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# info, current, parent and dumpxml say what virsh says, field by field, of snapshots by offshot and
# by virsh.
. "${srcdir:?}/lib/lib.sh"

need qemu-img xmllint
need_virsh_embed

root=$WORK/root
uri="qemu:///embed?root=$root"
make_image a.qcow2 qcow2 1M
make_embed_domain "$root" vm vda:qcow2:a.qcow2
mkdir -p "$root/lib/qemu"
ok "$OFFSHOT" -c "$uri" create vm s1 'one' --disk-only
run virsh_embed "$root" snapshot-create-as vm s2 'two & more' --disk-only
assert_status 0
ok "$OFFSHOT" -c "$uri" create vm s3 --disk-only
run virsh_embed "$root" snapshot-current vm s2
assert_status 0
ok "$OFFSHOT" -c "$uri" create vm 'with blank' --disk-only
# an internal one, which offshot only shows; its tag is of no concern here
sed 's,<name>s1</name>,<name>inside</name>,; s,<parent>.*</parent>,,
    /<disks>/,/<\/disks>/c <disks><disk name="vda" snapshot="internal"/></disks>' \
    <(virsh_embed "$root" snapshot-dumpxml vm s1) >document.xml
run virsh_embed "$root" snapshot-create vm document.xml --redefine
assert_status 0

fields()
{
    sed -E 's/^([A-Za-z ]+):[[:space:]]+/\1=/; s/[[:space:]]*$//' "$1" | grep -v '^$'
}
# a document without indentation, which is libvirt's and ours
canonical()
{
    xmllint --noblanks --c14n - | sed 's,<metadata>.*</metadata>,,'
}

for name in s1 s2 s3 'with blank' inside; do
    virsh_embed "$root" snapshot-info vm "$name" >"$SCRATCH/virsh" || fail "virsh has no '$name'"
    ok "$OFFSHOT" -c "$uri" info vm "$name"
    assert_equal "$(fields "$STDOUT")" "$(fields "$SCRATCH/virsh")" "info of '$name'"
    virsh_embed "$root" snapshot-dumpxml vm "$name" >"$SCRATCH/virsh" || fail "virsh cannot dump '$name'"
    ok "$OFFSHOT" -c "$uri" dumpxml vm "$name"
    if [ "$name" = s2 ] || [ "$name" = inside ]; then
        assert_equal "$(canonical <"$STDOUT")" "$(canonical <"$SCRATCH/virsh")" "XML of '$name'"
    fi
    for path in name description state parent/name creationTime memory/@snapshot disks/disk/@name disks/disk/@snapshot \
        disks/disk/source/@file disks/disk/driver/@type domain/name domain/uuid \
            domain/devices/disk/source/@file active; do
        assert_equal "$(xmllint --xpath "string(/domainsnapshot/$path)" "$STDOUT")" \
            "$(xmllint --xpath "string(/domainsnapshot/$path)" "$SCRATCH/virsh")" "$path of '$name'"
    done
    if virsh_embed "$root" snapshot-parent vm "$name" >"$SCRATCH/virsh" 2>/dev/null; then
        ok "$OFFSHOT" -c "$uri" parent vm "$name"
        assert_stdout "$(cat "$SCRATCH/virsh")"
    else
        run "$OFFSHOT" -c "$uri" parent vm "$name"
        assert_error 4 'no parent'
    fi
done
for name in s1 'with blank' s3; do
    run virsh_embed "$root" snapshot-current vm "$name"
    assert_status 0
    ok "$OFFSHOT" -c "$uri" current vm --name
    assert_stdout "$name"
    virsh_embed "$root" snapshot-info vm --current >"$SCRATCH/virsh" || fail 'virsh has no current snapshot'
    ok "$OFFSHOT" -c "$uri" info vm --current
    assert_equal "$(fields "$STDOUT")" "$(fields "$SCRATCH/virsh")" 'info of the current one'
    ok "$OFFSHOT" -c "$uri" current vm
    assert_equal "$(xmllint --xpath 'string(/domainsnapshot/name)' "$STDOUT")" "$name" 'current'
done
