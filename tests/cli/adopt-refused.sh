#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What adopt does not do: anything beside a store with faults, on a broken chain, in an image that is being written;
# and what it has no use for.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-storage-daemon jq

for image in a b; do
    make_image $image.qcow2 qcow2 1M
    make_image $image.s1 qcow2 1M -b "$PWD/$image.qcow2" -F qcow2
done
make_domain vm vda:qcow2:a.s1 vdb:qcow2:b.s1
adopt=("$OFFSHOT" adopt ./vm.xml)

assert_refuses 2 "unexpected argument 's1'" "${adopt[@]}" s1
assert_refuses 2 '--disk-only' "${adopt[@]}" --disk-only
assert_refuses 2 'give a domain' "$OFFSHOT" adopt
assert_refuses 4 none.xml "$OFFSHOT" adopt ./none.xml
run "$OFFSHOT" adopt ./none.xml --json
assert_status 4
assert_equal "$(json .error.code)" not-found

# a writer; a reader does no harm
for image in a.s1 b.qcow2; do
    hold_image $image qcow2
    assert_refuses 5 "$image" "${adopt[@]}"
    assert_refuses 5 "$image" "${adopt[@]}" --dry-run
    release_images
done
hold_image b.qcow2 qcow2 read-only
hold_image a.s1 qcow2 read-only
ok "${adopt[@]}" --dry-run
release_images

# a store that is not in order
mkdir vm.snapshots
echo nonsense >vm.snapshots/bad.xml
run "${adopt[@]}"
assert_status 8
assert_stderr_contains 'bad.xml'
assert_stderr_contains 'mend or remove them first'
assert_equal "$(ls vm.snapshots)" bad.xml
rm -r vm.snapshots

# a disk that is missing, or stands on nothing that can be found
mv b.qcow2 aside
assert_refuses 7 "disk 'vdb'" "${adopt[@]}"
mv aside b.qcow2
mv b.s1 aside
assert_refuses 7 "disk 'vdb'" "${adopt[@]}"
mv aside b.s1

# what cannot be snapshotted takes no part, and that is said; read-only disks and cdroms are not worth a word
sed -i "s#</devices>#<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' name='x'>\
<host name='localhost' port='10809'/></source><target dev='vdc' bus='virtio'/></disk>\
<disk type='file' device='cdrom'><source file='$WORK/none.iso'/><target dev='sda' bus='sata'/><readonly/></disk>&#" vm.xml
run "${adopt[@]}"
assert_status 0
assert_stdout 'Domain vm: 1 snapshot adopted'
assert_equal "$(wc -l <"$STDERR")" 1
assert_stderr_contains "warning: disk 'vdc' is left as it is: it is of type 'network'"
ok "$OFFSHOT" info ./vm.xml s1 --json
assert_equal "$(json '[.snapshots[0].disks[] | .name, .snapshot] | join(" ")')" \
    'vda external vdb external vdc no sda no'
assert_snapshot_valid vm.snapshots/s1.xml

# the store may be anywhere
rm -r vm.snapshots
ok "${adopt[@]}" --store "$WORK/other/store" --quiet
assert_stdout_empty
assert_stderr_empty
assert_equal "$(ls other/store)" s1.xml
