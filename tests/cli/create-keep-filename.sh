#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With --keep-filename the overlay has the old name, the frozen image a new one, and the domain XML
# is byte for byte the same.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

make_image a.qcow2 qcow2 1M
make_image b.tar.gz qcow2 1M
make_image noext qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.tar.gz vdc:qcow2:noext
pattern_write a.qcow2 qcow2 0x11 0 1M
pattern_write b.tar.gz qcow2 0x22 0 1M
pattern_write noext qcow2 0x33 0 1M
cp vm.xml before.xml
inode=$(stat -c %i a.qcow2)

ok "$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename
assert_same_file vm.xml before.xml
assert_equal "$(stat -c %i a.s1.qcow2)" "$inode" 'inode of the frozen image'
assert_equal "$(stat -c %h a.s1.qcow2)" 1 'links of the frozen image'
assert_chain "$WORK/a.qcow2" qcow2 "$WORK/a.s1.qcow2"
assert_chain "$WORK/b.tar.gz" qcow2 "$WORK/b.tar.s1.gz"
assert_chain "$WORK/noext" qcow2 "$WORK/noext.s1"
pattern_check a.qcow2 qcow2 0x11 0 1M
pattern_write a.qcow2 qcow2 0x12 0 512k
pattern_check a.s1.qcow2 qcow2 0x11 0 1M
pattern_check b.tar.gz qcow2 0x22 0 1M
pattern_check noext qcow2 0x33 0 1M
assert_equal "$(find . -type f | wc -l)" 9 'number of files'
assert_snapshot_valid vm.snapshots/s1.xml
assert_equal "$(domain_source <(xmllint --xpath /domainsnapshot/domain vm.snapshots/s1.xml) vda)" \
    "$WORK/a.s1.qcow2" 'source in the snapshot'

# a second one: s1 is below it, and its XML follows nothing that did not move
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --keep-filename --json
assert_equal "$(json '.snapshots[0].disks[0] | .overlay + " " + .frozen')" "$WORK/a.qcow2 $WORK/a.s2.qcow2"
assert_same_file vm.xml before.xml
assert_chain "$WORK/a.qcow2" qcow2 "$WORK/a.s2.qcow2" "$WORK/a.s1.qcow2"
pattern_check a.s2.qcow2 qcow2 0x12 0 512k
pattern_check a.s2.qcow2 qcow2 0x11 512k 512k
pattern_check a.s1.qcow2 qcow2 0x11 0 1M
