#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Images of one chain that differ in size: nothing that lay beyond an end comes to light, nothing is cut off.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# prepare SIZE...: a, then an overlay for each further size
prepare()
{
    local n=0 size

    start_over
    make_image a.qcow2 qcow2 "$1"
    pattern_write a.qcow2 qcow2 0x11 0 "$1"
    make_domain vm vda:qcow2:a.qcow2
    shift
    for size; do
        n=$((n + 1))
        ok "$OFFSHOT" create ./vm.xml s$n --disk-only
        qemu-img resize -q --shrink -f qcow2 "$WORK/a.s$n" "$size"
        pattern_write "a.s$n" qcow2 0x2$n 64k 64k
    done
    remember
}

# larger above
for strategy in commit rebase auto; do
    for name in s1 s2; do
        prepare 2M 3M 4M
        ok "$OFFSHOT" delete ./vm.xml $name --strategy=$strategy
        assert_stderr_empty
        # shellcheck disable=SC2046 # words
        assert_tree $(snapshot_names)
        assert_equal "$(find . -name 'a.*' | wc -l)" 2 'number of images'
    done
done

# smaller above: nothing goes down
prepare 4M 2M 2M
assert_refuses 8 "'$WORK/a.s1' is smaller than '$WORK/a.qcow2' below it" \
    "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
ok "$OFFSHOT" delete ./vm.xml s1
assert_tree s2
assert_absent a.qcow2

# a small one between two large ones hides the end of the lowest
prepare 4M 2M 4M
for name in s1 s2; do
    run "$OFFSHOT" delete ./vm.xml $name --strategy=commit
    assert_status 8
done
ok "$OFFSHOT" delete ./vm.xml s2
assert_tree s1
assert_equal "$(find . -name 'a.*' | wc -l)" 2 'number of images'
ok "$OFFSHOT" delete ./vm.xml s1
assert_tree
