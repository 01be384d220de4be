#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A <backingStore> in the domain XML, as libvirt writes it, is no obstacle while it says what the images say; it goes
# when these change. One that says otherwise is refused.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# level FORMAT PATH [INNER]
level()
{
    printf "<backingStore type='file'><format type='%s'/><source file='%s'/>%s</backingStore>" \
        "$1" "$WORK/$2" "${3-}"
}

# fresh TEXT: a.img <- a.s1 <- a.s2, and TEXT as what the domain XML says of the chain
fresh()
{
    start_over
    make_image a.img raw 1M
    make_domain vm vda:raw:a.img
    take s1 --disk-only
    take s2 --disk-only
    remember
    sed -i "s,<target,$1&," vm.xml
}

assert_gone()
{
    ! grep -q backingStore vm.xml || fail "the domain XML still has a <backingStore>: $1"
}

whole=$(level qcow2 a.s1 "$(level raw a.img)")
ended=$(level qcow2 a.s1 "$(level raw a.img '<backingStore/>')")
part=$(level qcow2 a.s1)

for text in "$whole" "$ended" "$part"; do
    fresh "$text"
    ok "$OFFSHOT" create ./vm.xml s3 --disk-only
    assert_gone create
    assert_chain "$WORK/a.s3" qcow2 "$WORK"/a.{s2,s1,img}

    fresh "$text"
    ok "$OFFSHOT" delete ./vm.xml s1
    assert_gone delete
    assert_tree s2

    fresh "$text"
    ok "$OFFSHOT" flatten ./vm.xml
    assert_gone flatten
    assert_tree s1 s2
    assert_chain "$WORK/a.s2" qcow2

    fresh "$text"
    ok "$OFFSHOT" create ./vm.xml s3
    ok "$OFFSHOT" revert ./vm.xml s3
    assert_gone revert

    fresh "$text"
    assert_refuses 8 'with --keep-filename' "$OFFSHOT" create ./vm.xml s3 --disk-only --keep-filename
done

for text in "$(level qcow2 a.other)" "$(level raw a.s1)" "$(level qcow2 a.s1 '<backingStore/>')" '<backingStore/>' \
    "$(level qcow2 a.s1 "$(level raw a.img "$(level raw a.s1)")")" \
    "<backingStore type='network'><format type='qcow2'/><source protocol='nbd'/></backingStore>"; do
    fresh "$text"
    for command in 'create s3 --disk-only' 'create s3' flatten; do
        # shellcheck disable=SC2086 # words
        set -- $command
        assert_refuses 8 'a <backingStore> in the domain XML that does not say the same' \
            "$OFFSHOT" "$1" ./vm.xml "${@:2}"
    done
    text=$(cat vm.xml)
    ok "$OFFSHOT" delete ./vm.xml s1
    assert_stderr_contains '<backingStore>'
    assert_equal "$(cat vm.xml)" "$text" 'the domain XML'
    assert_tree s2
done
