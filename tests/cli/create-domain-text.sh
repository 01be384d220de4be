#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# In the domain XML only sources and formats change: comments, order, white space, unknown elements
# and namespaces stay byte for byte.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
make_image 'b & c.raw' raw 1M
make_image d.raw raw 1M
cat >vm.xml <<XML
<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment: <source file='no'/> -->
<domain   xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0' type="kvm"
   xmlns:my="urn:my">
  <name>vm</name><uuid>5bce98f7-3f3e-40c8-87f2-729ed9509b38</uuid>
	<my:own a='1'  b="2"><![CDATA[<source file="x"/>]]></my:own>
  <devices><emulator>/usr/bin/qemu</emulator>
    <disk device='disk' type='file' ><target bus='virtio'   dev='vda'/>
      <!-- inside -->
      <source   file="$WORK/a.qcow2"  startupPolicy='optional'><seclabel model='dac' relabel='no'/></source>
      <driver   cache='none' type="qcow2"   name='qemu' io='native'/>
      <unknown x='y'/>
    </disk>
    <disk type='file' device='disk'><driver name='qemu' type='raw' discard='unmap'/><source
      file='$WORK/b &amp; c.raw'/><target dev='vdb'/></disk>
    <disk type='file' device='disk'>
      <source file='$WORK/d.raw'/>
      <target dev='vdc'/>
    </disk>
  </devices>
  <qemu:commandline><qemu:arg value='-foo'/></qemu:commandline>
</domain>
<!-- the end -->
XML
sed -e "s,$WORK/a.qcow2,$WORK/a.s1," -e "s,$WORK/b &amp; c.raw,$WORK/b \&amp; c.s1," \
    -e "s/type='raw' discard/type='qcow2' discard/" vm.xml >want.xml

ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdc,snapshot=no
assert_same_file vm.xml want.xml

# a disk without <driver> gets one, and only that disk changes
cp vm.xml before.xml
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec vda,snapshot=no --diskspec vdb,snapshot=no
assert_equal "$(diff before.xml vm.xml | grep -c "^>")" \
    "$(diff before.xml vm.xml | grep '^>' | grep -cE 'd.s2|driver')"
grep -q "<source file='$WORK/d.s2'/>" vm.xml || fail 'the source of vdc is not right'
assert_equal "$(domain_format vm.xml vdc)" qcow2 'format of vdc'
