#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Internal snapshots that a running QEMU took by itself (savevm) hold the memory of the VM in the image of the
# first disk. They are no way back, and deleting one gives back all that it held.
. "${srcdir:?}/lib/lib.sh"

need jq qemu-img qemu-io qemu-system-x86_64

make_image a.img qcow2 1M
make_image b.img qcow2 1M
make_domain vm vda:qcow2:a.img vdb:qcow2:b.img
pattern_write a.img qcow2 0x11 0 64k
pattern_write b.img qcow2 0x21 0 64k

# each TAG: savevm TAG
savevm()
{
    local disk options=()

    for disk in a b; do
        options+=(-blockdev "qcow2,node-name=$disk,file.driver=file,file.filename=$WORK/$disk.img")
        options+=(-device "virtio-blk,drive=$disk")
    done
    run_with_input <(printf 'savevm %s\n' "$@" && echo quit) timeout 60 qemu-system-x86_64 -S -m 4 -nodefaults \
        -no-user-config -display none -accel tcg -monitor stdio "${options[@]}"
    ! grep -q Error "$STDOUT" || fail 'QEMU takes no snapshot'
}
savevm one two
assert_equal "$(image_info a.img qcow2 '[.snapshots[] | ."vm-state-size" > 0] | tostring')" '[true,true]' 'memory in a.img'
assert_equal "$(image_info b.img qcow2 '[.snapshots[]."vm-state-size"] | tostring')" '[0,0]' 'memory in b.img'
pattern_write a.img qcow2 0x12 0 64k
pattern_write b.img qcow2 0x22 0 64k

# what a user writes for them
parent=
for name in one two; do
    cat >"$name.xml" <<XML
<domainsnapshot><name>$name</name><state>running</state>$parent<creationTime>1700000000</creationTime>
<memory snapshot='internal'/>
<disks><disk name='vda' snapshot='internal'/><disk name='vdb' snapshot='internal'/></disks>
$(cat vm.xml)
</domainsnapshot>
XML
    ok "$OFFSHOT" create ./vm.xml --redefine --xml "$name.xml"
    parent="<parent><name>$name</name></parent>"
done
ok "$OFFSHOT" list ./vm.xml --json
assert_equal "$(json '[.snapshots[] | .name, .location, .memory] | join(" ")')" \
    'one internal internal two internal internal' 'what list says'

assert_refuses 8 'virsh snapshot-revert' "$OFFSHOT" revert ./vm.xml one
# also where the XML does not tell of the memory
sed -i -e "s,<memory snapshot='internal'/>,<memory snapshot='no'/>," -e 's,running,shutoff,' vm.snapshots/one.xml
assert_refuses 8 'virsh snapshot-revert' "$OFFSHOT" revert ./vm.xml one
# the disks alone can be had
mkdir copy
ok "$OFFSHOT" extract ./vm.xml two -o copy
pattern_check copy/vda.qcow2 qcow2 0x11 0 64k
pattern_check copy/vdb.qcow2 qcow2 0x21 0 64k

for name in one two; do
    ok "$OFFSHOT" delete ./vm.xml "$name"
    assert_stderr_empty
    assert_clean a.img qcow2
    assert_clean b.img qcow2
done
assert_equal "$(image_info a.img qcow2 '.snapshots // [] | length')" 0 'snapshots in a.img'
assert_equal "$(image_info b.img qcow2 '.snapshots // [] | length')" 0 'snapshots in b.img'
pattern_check a.img qcow2 0x12 0 64k
pattern_check b.img qcow2 0x22 0 64k
