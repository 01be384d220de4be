#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An internal snapshot is in every image what the guest saw at that time; names and domain XML stay, what is
# recorded is what libvirt would record.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

# tagged IMAGE TAG: a hash of what the tag holds
tagged()
{
    qemu-img convert -f qcow2 -l "snapshot.name=${2//,/,,}" -O raw -- "$WORK/$1" "$SCRATCH/tagged.raw" \
        || fail "cannot read '$2' of '$1'"
    sha256sum <"$SCRATCH/tagged.raw" | cut -d' ' -f1
}

tags()
{
    image_info "$1" qcow2 '[.snapshots[]?.name] | join("/")'
}

make_image base.raw raw 1M
pattern_write base.raw raw 0x0f 0 300k
make_image a.qcow2 qcow2 1M -b base.raw -F raw
make_image b.old qcow2 1M -o compat=0.10
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.old
cp vm.xml before.xml
inodes=$(stat -c '%i %a %h' a.qcow2 b.old)

declare -A wanted
names=('first' 'two words, and a comma' 'naïve')
for ((turn = 0; turn < 3; turn++)); do
    name=${names[turn]}
    pattern_write a.qcow2 qcow2 "0x1$turn" "$((turn * 100))k" 150k
    pattern_write b.old qcow2 "0x2$turn" "$((turn * 100))k" 150k
    wanted[a$turn]=$(content_hash a.qcow2 qcow2)
    wanted[b$turn]=$(content_hash b.old qcow2)
    ok "$OFFSHOT" create ./vm.xml "$name" --internal
    assert_stdout "Domain snapshot $name created"
    assert_stderr_empty
    assert_equal "$(content_hash a.qcow2 qcow2)" "${wanted[a$turn]}" 'what the guest sees of vda'
    assert_clean a.qcow2 qcow2
    assert_clean b.old qcow2
done
pattern_write a.qcow2 qcow2 0x99 0 1M
pattern_write b.old qcow2 0x99 0 1M
for ((turn = 0; turn < 3; turn++)); do
    assert_equal "$(tagged a.qcow2 "${names[turn]}")" "${wanted[a$turn]}" "vda at ${names[turn]}"
    assert_equal "$(tagged b.old "${names[turn]}")" "${wanted[b$turn]}" "vdb at ${names[turn]}"
done
assert_equal "$(tags a.qcow2)" 'first/two words, and a comma/naïve' tags
assert_equal "$(tags b.old)" 'first/two words, and a comma/naïve' tags
assert_same_file vm.xml before.xml
assert_equal "$(stat -c '%i %a %h' a.qcow2 b.old)" "$inodes" 'inode, mode and links'
assert_chain "$WORK/a.qcow2" qcow2 "$WORK/base.raw"
assert_equal "$(find . -type f | wc -l)" 8 'number of files'

assert_snapshot_valid vm.snapshots/*.xml
run xmllint --xpath 'string(/domainsnapshot/disks/disk[@name="vdb"]/@snapshot)' vm.snapshots/first.xml
assert_stdout internal
assert_equal "$(domain_source <(xmllint --xpath /domainsnapshot/domain vm.snapshots/first.xml) vdb)" \
    "$WORK/b.old" 'source in the snapshot'
run xmllint --xpath 'string(/domainsnapshot/parent/name)' vm.snapshots/naïve.xml
assert_stdout "${names[1]}"
