#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# edit --clone of an external snapshot: two snapshots that name one frozen image. Whichever goes first, the other
# keeps its content and can be reverted to; what neither needs goes with the second.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# tree: s1 - s2 - s3, and a clone of s2 beside it.
tree()
{
    local name target

    start_over
    make_image a.qcow2 qcow2 1M
    make_image b.qcow2 qcow2 1M
    make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
    for name in s1 s2 s3; do
        take "$name" --disk-only "$@"
    done
    remember
    EDITOR="sed -i '/^  <name>/s/s2/twin/'" ok "$OFFSHOT" edit ./vm.xml s2 --clone
    assert_stdout 'Snapshot s2 cloned to twin.'
    for target in vda vdb; do
        KNOWN["twin $target"]=${KNOWN["s2 $target"]}
    done
    assert_tree s1 s2 s3 twin
    assert_equal "$(current)" s3 current
}

# reverted NAME: the active state is that of NAME now.
reverted()
{
    ok "$OFFSHOT" revert ./vm.xml "$1"
    KNOWN['active vda']=${KNOWN["$1 vda"]}
    KNOWN['active vdb']=${KNOWN["$1 vdb"]}
}

# options of create; which of the two goes first; its strategy
while read -r kept first second strategy; do
    # shellcheck disable=SC2086 # perhaps none
    tree ${kept#none}
    ok "$OFFSHOT" delete ./vm.xml "$first" --strategy="$strategy"
    rest=(s1 s2 s3)
    [ "$second" = s2 ] || rest=(s1 s3 twin)
    assert_tree "${rest[@]}"
    reverted "$second"
    assert_tree "${rest[@]}"
    ok "$OFFSHOT" delete ./vm.xml "$second"
    assert_tree s1 s3
    ok "$OFFSHOT" delete ./vm.xml s3
    assert_tree s1
    ok "$OFFSHOT" delete ./vm.xml s1
    assert_tree
    assert_equal "$(find . -name '[ab].*' | wc -l)" 2 'number of images'
done <<'END'
none s2 twin auto
none twin s2 commit
--keep-filename s2 twin rebase
--keep-filename twin s2 auto
END

# reverted to while both are there: the overlay belongs to one of them, and both go on
tree
reverted twin
pattern_write "$(domain_source vm.xml vda)" qcow2 0x71 0 64k
ok "$OFFSHOT" create ./vm.xml s4 --disk-only
remember
assert_equal "$(snapshot_text s4 /domainsnapshot/parent/name)" twin parent
ok "$OFFSHOT" delete ./vm.xml twin
assert_tree s1 s2 s3 s4
ok "$OFFSHOT" delete ./vm.xml s2 --children
assert_tree s1 s4

# both at once, as children of one snapshot
tree
ok "$OFFSHOT" delete ./vm.xml s1 --children
assert_tree

# a clone may become the current one, and stand below what it is a clone of
tree
export EDITOR="sed -i -e '/^  <name>/s/s3/end/' -e '/<parent>/,/<.parent>/s/s2/s3/'"
ok "$OFFSHOT" edit ./vm.xml s3 --clone --current
assert_equal "$(snapshot_text end /domainsnapshot/parent/name)" s3 parent
assert_equal "$(current)" end current
for target in vda vdb; do
    KNOWN["end $target"]=${KNOWN["s3 $target"]}
done
assert_tree s1 s2 s3 end twin
ok "$OFFSHOT" delete ./vm.xml s3
assert_tree s1 s2 end twin
