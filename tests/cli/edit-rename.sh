#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# edit --rename of external snapshots: the children follow, it stays current when it was, images keep names and
# content; renamed ones revert, extract and are deleted like others, also in a tree of kept names.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# rename OLD NEW, and expect its content under the new name.
rename()
{
    local target new

    new=$(xml_escape "$2")
    new=${new//'&'/'\&'}
    EDITOR="sed -i '/^  <name>/s,>$1<,>$new<,'" ok "$OFFSHOT" edit ./vm.xml "$1" --rename
    assert_stdout "Snapshot $1 renamed to $2."
    assert_stderr_empty
    assert_mode "vm.snapshots/$2.xml" 600
    for target in vda vdb; do
        KNOWN["$2 $target"]=${KNOWN["$1 $target"]}
        unset "KNOWN[$1 $target]"
    done
}

# tree [create options...]: s1 - s2 - s3 of two disks.
tree()
{
    local name

    start_over
    make_image a.qcow2 qcow2 1M
    make_image b.qcow2 qcow2 1M
    make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
    for name in s1 s2 s3; do
        take "$name" --disk-only "$@"
    done
    remember
}

images()
{
    sha256sum ./a.* ./b.* vm.xml
}

for kept in '' --keep-filename; do
    # shellcheck disable=SC2086 # perhaps none
    tree $kept
    before=$(images)
    rename s2 middle
    rename s3 'a<b>&c'
    rename s1 first
    assert_equal "$(images)" "$before" 'images and domain'
    assert_tree first middle 'a<b>&c'
    assert_equal "$(snapshot_text middle /domainsnapshot/parent/name)" first parent
    assert_equal "$(snapshot_text 'a<b>&c' /domainsnapshot/parent/name)" middle parent
    assert_equal "$(current)" 'a<b>&c' current

    ok "$OFFSHOT" extract ./vm.xml middle -o out.img --disk vda --format=raw
    assert_equal "$(sha256sum <out.img | cut -d' ' -f1)" "${KNOWN['middle vda']}" 'extracted'
    ok "$OFFSHOT" revert ./vm.xml middle
    KNOWN['active vda']=${KNOWN['middle vda']}
    KNOWN['active vdb']=${KNOWN['middle vdb']}
    assert_tree first middle 'a<b>&c'
    rename middle again
    assert_tree first again 'a<b>&c'
    assert_equal "$(current)" again current
    ok "$OFFSHOT" revert ./vm.xml again
    assert_tree first again 'a<b>&c'
    ok "$OFFSHOT" delete ./vm.xml again
    assert_tree first 'a<b>&c'
    ok "$OFFSHOT" delete ./vm.xml first
    assert_tree 'a<b>&c'
    ok "$OFFSHOT" delete ./vm.xml 'a<b>&c'
    assert_tree
done

# the old name is free again; only images that have it are in the way
tree
rename s3 last
assert_refuses 8 "'$WORK/a.s3'" "$OFFSHOT" create ./vm.xml s3 --disk-only
take s3 --disk-only --diskspec vda,file="$WORK/a.s3-2" --diskspec vdb,file="$WORK/b.s3-2"
remember
rename s3 s4
assert_tree s1 s2 last s4

# its place in the tree, and what is current, change in the same plan
export EDITOR="sed -i -e '/^  <name>/s,>last<,>moved<,' -e '/<parent>/,/<.parent>/s/s2/s1/'"
ok "$OFFSHOT" edit ./vm.xml last --rename --current
assert_equal "$(snapshot_text moved /domainsnapshot/parent/name)" s1 parent
assert_equal "$(snapshot_text s4 /domainsnapshot/parent/name)" moved parent
assert_equal "$(current)" moved current
