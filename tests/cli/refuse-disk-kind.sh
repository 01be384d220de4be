#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks of types and devices that offshot does not snapshot are refused with exit 8, and work when
# they are left out.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
mkdir dir

# with_disk XML: a domain whose vda is fine and whose second disk is XML
with_disk()
{
    { domain_xml vm vda:qcow2:a.qcow2 | sed '/<\/devices>/,$d'; echo "$1"; echo '</devices></domain>'; } \
        >vm.xml
}

# refused TYPE DRIVER SOURCE [WORD [DEVICE]]: of a disk with these; WORD is in the message
refused()
{
    with_disk "<disk type='$1' device='${5-disk}'><driver name='qemu' type='$2'/>$3
        <target dev='vdb' bus='virtio'/></disk>"
    assert_refuses 8 "${4-vdb}" "$OFFSHOT" create ./vm.xml s1 --disk-only
}

file="<source file='$WORK/b.qcow2'"
luks="<encryption format='luks'><secret type='passphrase' uuid='$(domain_uuid secret)'/></encryption>"
refused network raw "<source protocol='nbd' name='x'><host name='h'/></source>"
refused volume qcow2 "<source pool='p' volume='v'/>"
refused dir fat "<source dir='$WORK/dir'/>"
refused nvme raw "<source type='pci' managed='yes' namespace='1'><address domain='0' bus='1'/></source>"
refused vhostuser raw "<source type='unix' path='$WORK/socket'/>"
refused file qcow2 "$file/><shareable/>" shareable
refused file qcow2 "$file>$luks</source>" encrypt
refused file qcow2 "$file/>$luks" encrypt
refused file qcow2 "$file><slices><slice type='storage' offset='0' size='1024'/></slices></source>" slices
refused file qcow2 "$file/><backingStore type='file'><format type='raw'/>
    <source file='$WORK/x'/><backingStore/></backingStore>" backingStore
refused block raw "<source dev='$WORK/b.qcow2'/>" LUN lun
refused file luks "$file/>"

with_disk "<disk type='network'><driver name='qemu' type='raw'/><source protocol='nbd' name='x'/>
    <target dev='vdb' bus='virtio'/></disk>"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdb,snapshot=no
assert_chain "$WORK/a.s1" qcow2 "$WORK/a.qcow2"
grep -q "protocol='nbd' name='x'" vm.xml || fail 'the network disk has changed'
