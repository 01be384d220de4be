#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The definition of the domain goes back as well, with the disks where they are now. A header comment stays; disks
# that the snapshot did not cover go on with their images; those that came or went are told of.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# edit SED...: in the domain XML
edit()
{
    sed -i "$@" vm.xml
}

# memory: of the domain
memory()
{
    xmllint --xpath 'string(/domain/memory)' vm.xml
}

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_image c.raw raw 1M
make_image one.iso raw 1M
make_image two.iso raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2 vdc:raw:c.raw sdd:raw:one.iso
edit -e "1i <!-- mine -->" -e "s|<target dev='sdd'.*/>|<target dev='sdd' bus='sata'/><readonly/>|"
pattern_write a.qcow2 qcow2 0x11 0 64k
pattern_write b.qcow2 qcow2 0x11 0 64k
cp vm.xml before.xml
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdc,snapshot=no
pattern_write a.s1 qcow2 0x22 0 64k

# memory was added, and the medium changed
edit -e 's/65536/131072/' -e 's/one.iso/two.iso/'
ok "$OFFSHOT" revert ./vm.xml s1
assert_stdout_contains 'discarded'
assert_stderr_empty
assert_equal "$(memory)" 65536 memory
assert_equal "$(head -n 1 vm.xml)" '<!-- mine -->' 'the comment'
assert_equal "$(domain_source vm.xml vda)" "$WORK/a.s1" 'source of vda'
assert_equal "$(domain_source vm.xml sdd)" "$WORK/one.iso" 'the medium'
pattern_check a.s1 qcow2 0x11 0 64k

# only blanks and the order of attributes differ: nothing is written
edit -e "s|dev='vda' bus='virtio'|bus='virtio'   dev='vda'|"
cp vm.xml mine.xml
ok "$OFFSHOT" revert ./vm.xml s1
assert_same_file vm.xml mine.xml
rm mine.xml

# the disk that was not covered has another image now
make_image other.raw raw 1M
edit -e 's/c\.raw/other.raw/'
edit -e 's/65536/131072/'
ok "$OFFSHOT" revert ./vm.xml s1
assert_equal "$(memory)" 65536 memory
assert_equal "$(domain_source vm.xml vdc)" "$WORK/other.raw" 'source of vdc'

# it was converted in place: what is qcow2 now is not given to a guest as raw
qemu-img convert -f raw -O qcow2 "$WORK/other.raw" "$WORK/converted"
pattern_write converted qcow2 0x44 0 64k
mv converted other.raw
sed -i '/<driver/ { N; s/raw\(.*other.raw\)/qcow2\1/ }' vm.xml
assert_equal "$(domain_format vm.xml vdc)" qcow2 'format of vdc'
sed -i 's/c\.raw/other.raw/' vm.snapshots/s1.xml
edit -e 's/65536/131072/'
ok "$OFFSHOT" revert ./vm.xml s1
assert_equal "$(memory)" 65536 memory
assert_equal "$(domain_source vm.xml vdc)" "$WORK/other.raw" 'source of vdc'
assert_equal "$(domain_format vm.xml vdc)" qcow2 'format of vdc'
pattern_check other.raw qcow2 0x44 0 64k

# a disk that was attached goes, its image stays
make_image e.qcow2 qcow2 1M
disk_xml vde:qcow2:e.qcow2 >disk
sed -i '/<devices>/r disk' vm.xml
rm disk
ok "$OFFSHOT" revert ./vm.xml s1
assert_stderr_contains "disk 'vde' was attached after the snapshot"
assert_equal "$(domain_source vm.xml vde)" '' 'source of vde'
assert_exists e.qcow2

# a disk that was detached comes back, with a new overlay
awk '/<disk / { disk = "" } { disk = disk $0 "\n" }
    /<\/disk>/ { if (disk !~ /vdb/) printf "%s", disk; disk = "" } disk !~ /<disk / { printf "%s", disk; disk = "" }' \
    vm.xml >without
mv without vm.xml
assert_equal "$(domain_source vm.xml vdb)$(domain_source vm.xml vda)" "$WORK/a.s1" 'what is left'
pattern_write b.s1 qcow2 0x33 0 64k
ok "$OFFSHOT" revert ./vm.xml s1
assert_stderr_contains "disk 'vdb' was detached after the snapshot and is part of the domain again"
[[ $(domain_source vm.xml vdb) =~ ^"$WORK"/b\.[0-9]{10}$ ]] || fail 'no new overlay'
pattern_check "$(domain_source vm.xml vdb)" qcow2 0x11 0 64k
# nobody says whose the old one is
pattern_check b.s1 qcow2 0x33 0 64k

# facts of ours stay where they are
grep -q urn:offshot vm.snapshots/s1.xml || fail 'the snapshot has no facts'
grep -q urn:offshot vm.xml && fail 'facts of the snapshot are in the domain XML'
run xmllint --noout vm.xml
assert_status 0
