#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots that libvirt took of a running VM, with memory inside, in a file and without: shown as virsh shows
# them, gone back to where that is possible, deleted with all that they hold.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/virsh.sh"

need jq qemu-img qemu-io xmllint
need_virsh_embed

# canonical FILE: without indentation, which virsh writes anew
canonical()
{
    xmllint --noblanks --c14n - <"$1"
}

fields()
{
    sed -E 's/^([A-Za-z ]+):[[:space:]]+/\1=/; s/[[:space:]]*$//' "$1" | grep -v '^$'
}

# shown_as_theirs NAME
shown_as_theirs()
{
    theirs snapshot-info "$1"
    cp "$STDOUT" theirs.txt
    ours info "$1"
    assert_equal "$(fields "$STDOUT")" "$(fields theirs.txt)" "info of '$1'"
    theirs snapshot-dumpxml "$1"
    cp "$STDOUT" theirs.txt
    ours dumpxml "$1"
    assert_equal "$(canonical "$STDOUT")" "$(canonical theirs.txt)" "XML of '$1'"
}

running_domain qcow2
write_history 1
while_running 'snapshot-create-as vm inside' \
    "snapshot-create-as vm beside --memspec file=$WORK/memory --diskspec vda,snapshot=external" \
    'snapshot-create-as vm disks --disk-only' 'snapshot-create-as vm last --disk-only'
write_history 2
agree_on 'beside inside false;disks beside false;inside - false;last disks true;'
for name in inside beside disks last; do
    shown_as_theirs "$name"
done
theirs snapshot-list
cp "$STDOUT" theirs.txt
ours list
assert_equal "$(tail -n +2 "$STDOUT" | tr -s ' ' | sed 's/ *$//')" "$(tr -s ' ' <theirs.txt | sed 's/^ //; s/ *$//; /^$/d')" 'list'
ours list --json
assert_equal "$(json '.snapshots[] | [.name, .state, .location, .memory] | join(" ")')" \
    "$(printf '%s\n' 'beside running external external' 'disks disk-snapshot external no' \
        'inside running internal internal' 'last disk-snapshot external no')" 'what list says'
assert_equal "$(image_info a.img qcow2 '.snapshots[] | select(.name == "inside")."vm-state-size" > 0')" true 'memory inside'

# with memory there is no way back without QEMU
for name in inside beside; do
    assert_refuses 8 'virsh snapshot-revert' "$OFFSHOT" -c "$EMBED" revert vm "$name"
done
mkdir copy
ours extract inside -o copy
assert_equal "$(ls copy)" $'vda.qcow2\nvdb.qcow2' 'what was copied'
pattern_check copy/vda.qcow2 qcow2 0x11 64k 64k

# a new snapshot stands on what they made, and so does the VM
ours create mine --disk-only
agree_on 'beside inside false;disks beside false;inside - false;last disks false;mine last true;'
write_history 3
while_running 'snapshot-create-as vm theirs --disk-only'
check_history 3

# without memory there is: the definition is that of the VM when it is shut off
ours revert disks
agree_on 'beside inside false;disks beside true;inside - false;last disks false;mine last false;theirs mine false;'
check_history 1
assert_equal "$(virsh_embed "$ROOT" dumpxml vm | grep -cE '<resource>|<alias|backingStore')" 0 'live elements'
while_running 'domstate vm'
ours revert theirs
check_history 3

# the file with the memory goes with its snapshot, and every layer with its last
assert_exists memory
ours delete beside
assert_absent memory
assert_stderr_empty
agree_on 'disks inside false;inside - false;last disks false;mine last false;theirs mine true;'
check_history 3
ours delete disks
ours delete last
check_history 3
! grep -rE 'a\.(beside|disks)' "$STORE" "$ROOT/etc/qemu/vm.xml" || fail 'an image that is gone is named'
ours delete inside
assert_equal "$(image_info a.img qcow2 '.snapshots // [] | length')" 0 'internal snapshots'
agree_on 'mine - false;theirs mine true;'
check_history 3
while_running 'domstate vm'
