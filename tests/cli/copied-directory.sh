#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is done to a copy of a domain's whole directory leaves the images of the original alone.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# make_original: one snapshot, backing links absolute as virsh writes them.
make_original()
{
    cd "$WORK" || exit 99
    rm -rf ./orig ./copy ./fast
    mkdir orig fast
    cd orig || exit 99
    make_image a.qcow2 qcow2 8M
    pattern_write a.qcow2 qcow2 0x11 0 1M
    make_domain vm vda:qcow2:a.qcow2
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only --backing-path=absolute
    pattern_write a.s1 qcow2 0x22 0 3M
}

# make_copy: into ../copy, and go there.
make_copy()
{
    cd "$WORK" || exit 99
    cp -a orig copy
    BEFORE=$(snapshot_state orig)
    cd copy || exit 99
}

# nothing is edited: vm.xml of the copy still names the images of the original
for operation in delete revert; do
    make_original
    make_copy
    run "$OFFSHOT" "$operation" ./vm.xml s1
    assert_unchanged "$WORK/orig" "$BEFORE"
done

# the copy has images of its own, and the list of layers of the original
make_original
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec "vda,file=$WORK/fast/x.qcow2"
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --diskspec "vda,file=$WORK/fast/y.qcow2"
ok "$OFFSHOT" revert ./vm.xml s2
ok "$OFFSHOT" delete ./vm.xml s2
ok "$OFFSHOT" revert ./vm.xml s3
make_copy
rm -r vm.snapshots
make_image own.qcow2 qcow2 8M
make_domain vm vda:qcow2:own.qcow2
ok "$OFFSHOT" create ./vm.xml n1 --disk-only
run "$OFFSHOT" delete ./vm.xml n1
assert_unchanged "$WORK/orig" "$BEFORE"

# vm.xml and the snapshots are edited, and the links in the images are not
make_original
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --backing-path=absolute
make_copy
sed -i "s,$WORK/orig,$WORK/copy," vm.xml vm.snapshots/*.xml
run "$OFFSHOT" delete ./vm.xml s2
assert_unchanged "$WORK/orig" "$BEFORE"
assert_exists a.s1
