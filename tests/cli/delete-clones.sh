#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What others stand on stays as it is: an overlay in the same directory, one that another domain has elsewhere,
# an image that another domain uses itself. When they are gone, a later delete clears up.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# a - a.s1 - a.s2 - a.s3, and somebody on a.s1, which s2 froze
prepare()
{
    start_over
    make_image a.qcow2 qcow2 4M
    pattern_write a.qcow2 qcow2 0x11 0 2M
    make_domain vm vda:qcow2:a.qcow2
    take s1 --disk-only
    pattern_write a.s1 qcow2 0x22 2M 1536k
    take s2 --disk-only
    take s3 --disk-only
    remember
    mkdir -p elsewhere
}

# check_stays IMAGE [WORDS of the remark]: IMAGE is somebody's.
check_stays()
{
    local hash

    hash=$(content_hash "$1" qcow2)
    ok "$OFFSHOT" delete ./vm.xml s2
    assert_stderr_contains "${2-}' stands on '$WORK/a.s1'"
    assert_tree s1 s3
    assert_exists a.s1
    assert_equal "$(content_hash "$1" qcow2)" "$hash" "content of '$1'"
    assert_equal "$(tail -n 1 .vm.offshot/layers | sed 's/.* //')" "$WORK/a.s1" 'layer'
}

for strategy in commit rebase; do
    prepare
    make_image clone qcow2 4M -b "$WORK/a.s1" -F qcow2
    assert_refuses 8 "--strategy=$strategy is not possible: '$WORK/clone' stands on '$WORK/a.s1'" \
        "$OFFSHOT" delete ./vm.xml s2 --strategy=$strategy
done

# an overlay beside it
pattern_write clone qcow2 0x99 0 64k
check_stays clone
rm clone
ok "$OFFSHOT" delete ./vm.xml s1
assert_tree s3
assert_absent .vm.offshot
assert_equal "$(find . -name 'a.*' | wc -l)" 2 'number of images'

# another domain's overlay in another directory
prepare
make_image elsewhere/clone qcow2 4M -b "$WORK/a.s1" -F qcow2
make_domain other vda:qcow2:elsewhere/clone
check_stays elsewhere/clone

# another domain's disk
prepare
make_domain other vda:qcow2:a.s1
check_stays a.s1 "of domain 'other'"

# nor does anything go that somebody stands on when nothing else does
prepare
make_image clone qcow2 4M -b "$WORK/a.s2" -F qcow2
ok "$OFFSHOT" revert ./vm.xml s2
remember
hash=$(content_hash clone qcow2)
ok "$OFFSHOT" delete ./vm.xml s3
assert_stderr_contains "'$WORK/clone' stands on '$WORK/a.s2'"
assert_tree s1 s2
assert_exists a.s2
assert_equal "$(content_hash clone qcow2)" "$hash" 'content of clone'
rm clone
ok "$OFFSHOT" delete ./vm.xml s2
assert_tree s1
assert_absent a.s2

# who stands on the image above that is to go down
prepare
make_image clone qcow2 4M -b "$WORK/a.s2" -F qcow2
hash=$(content_hash clone qcow2)
assert_refuses 8 "'$WORK/clone' stands on '$WORK/a.s2'" "$OFFSHOT" delete ./vm.xml s2 --strategy=commit
ok "$OFFSHOT" delete ./vm.xml s2
assert_tree s1 s3
assert_link a.s2 a.qcow2
assert_equal "$(content_hash clone qcow2)" "$hash" 'content of clone'
