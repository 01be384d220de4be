#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Trees in which internal and external snapshots stand on each other: what a tag reads stays, and goes with it.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# vda: s1 external, s2 internal in a.s1, s3 external, s4 internal in a.s3; vdb: external, left out, internal
prepare()
{
    start_over
    make_image a.qcow2 qcow2 4M
    pattern_write a.qcow2 qcow2 0x11 0 2M
    make_image b.qcow2 qcow2 4M
    make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
    take s1 --disk-only
    take s2 --diskspec vdb,snapshot=no
    take s3 --disk-only --diskspec vdb,snapshot=internal
    take s4
    remember
}

images()
{
    find . -maxdepth 1 -type f -name "$1.*" | wc -l
}

# what lies below a tag is needed
for strategy in commit rebase; do
    prepare
    assert_refuses 8 "which needs what is below" \
        "$OFFSHOT" delete ./vm.xml s1 --strategy=$strategy
done
ok "$OFFSHOT" delete ./vm.xml s1
assert_stderr_contains "'$WORK/a.qcow2' stays"
assert_tree s2 s3 s4
assert_exists a.qcow2

# with the tag it goes
ok "$OFFSHOT" delete ./vm.xml s2
assert_tree s3 s4
assert_equal "$(images a)" 2 'images of vda'
ok "$OFFSHOT" delete ./vm.xml s4
assert_tree s3
ok "$OFFSHOT" delete ./vm.xml s3
assert_tree
assert_equal "$(images a) $(images b)" '1 1' 'images'
assert_absent .vm.offshot

# all at once; what goes takes its tags along
for strategy in auto commit rebase; do
    prepare
    ok "$OFFSHOT" delete ./vm.xml s1 --children --strategy=$strategy
    assert_tree
    assert_equal "$(images a) $(images b)" '1 1' 'images'
    assert_equal "$(image_info "$(domain_source vm.xml vda)" qcow2 '.snapshots // [] | length')" 0 tags
done

# in any order
for order in 's4 s3 s2 s1' 's3 s1 s4 s2' 's2 s3 s1 s4'; do
    prepare
    for name in $order; do
        ok "$OFFSHOT" delete ./vm.xml "$name"
        # shellcheck disable=SC2046 # words
        assert_tree $(snapshot_names)
    done
    assert_equal "$(images a) $(images b)" '1 1' "images after $order"
done

# an overlay that only an internal snapshot kept goes with it
prepare
ok "$OFFSHOT" revert ./vm.xml s3
remember
ok "$OFFSHOT" delete ./vm.xml s4
assert_tree s1 s2 s3
assert_absent a.s3
