#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Several disks: each by itself, all or none; a shared base, disks that a snapshot left out, and one that the
# domain has lost.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

prepare()
{
    start_over
    for disk in a b c; do
        make_image $disk.qcow2 qcow2 2M
        pattern_write $disk.qcow2 qcow2 0x11 0 1M
    done
    make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2 vdc:qcow2:c.qcow2
    take s1 --disk-only --diskspec vdb,snapshot=no
    take s2 --disk-only --diskspec vdc,snapshot=no
    take s3 --disk-only
    remember
}

for strategy in auto commit rebase; do
    for name in s1 s2 s3; do
        prepare
        ok "$OFFSHOT" delete ./vm.xml $name --strategy=$strategy
        # shellcheck disable=SC2046 # words
        assert_tree $(snapshot_names)
        assert_equal "$(find . -maxdepth 1 -name '?.*' '!' -name '.?*' | wc -l)" \
            "$([ $name = s3 ] && echo 7 || echo 8)" "images without $name"
    done
done

# an image that cannot be read on one disk: nothing happens to any
prepare
mv b.s2 gone
assert_refuses 7 "disk 'vdb'" "$OFFSHOT" delete ./vm.xml s3

# a reader of one of them
prepare
hold_image c.s1 qcow2 read-only
assert_refuses 5 "$WORK/c.s1" "$OFFSHOT" delete ./vm.xml s3
release_images

# one base for two disks
start_over
make_image base.qcow2 qcow2 2M
pattern_write base.qcow2 qcow2 0x11 0 2M
make_image a.qcow2 qcow2 2M -b base.qcow2 -F qcow2
make_image b.qcow2 qcow2 2M -b base.qcow2 -F qcow2
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
take s1 --disk-only
remember
ok "$OFFSHOT" delete ./vm.xml s1
assert_tree
assert_exists base.qcow2

# a disk that was taken out of the domain keeps its images
prepare
make_domain vm "vda:qcow2:$(domain_source vm.xml vda)" "vdb:qcow2:$(domain_source vm.xml vdb)"
remember
ok "$OFFSHOT" delete ./vm.xml s1 --children
assert_stderr_contains "disk 'vdc', which the domain does not have any more"
assert_tree
for image in c.qcow2 c.s1 c.s3; do
    assert_exists $image
done
