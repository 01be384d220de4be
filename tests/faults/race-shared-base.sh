#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two domains that share a base change at the same time, from one directory or from two: the base stays byte for
# byte what it is, whatever would merge into it or remove it, and each disk and snapshot holds what it held.
. "${srcdir:?}/lib/lib.sh"

need jq qemu-io xmllint

ROUNDS=2
! is_long || ROUNDS=15
BASE=
at_exit wait

# What can be told: that the base is another's as well, or (yet) nothing but that it may be a template.
KNOWN=yes

# layout NAME BASE XML XML IMAGE IMAGE: the domain of the first XML file had its disk on the base itself, which
# its snapshot s0 freezes; that of the second is on an overlay of the base.
layout()
{
    echo "$1"
    BASE=$WORK/$2
    find "$WORK" -mindepth 1 -delete
    mkdir -p templates 1 2
    make_image "$2" qcow2 1M
    pattern_write "$2" qcow2 0x10 0 512k
    domain_xml first "vda:qcow2:$2" >"$3"
    ok "$OFFSHOT" create "./$3" s0 --disk-only --diskspec "vda,file=$WORK/$5"
    make_image "$6" qcow2 1M -b "$BASE" -F qcow2
    domain_xml second "vda:qcow2:$6" >"$4"
    base_state >"$SCRATCH/base"
}

base_state()
{
    stat -c '%i %a %h %s %y' "$BASE"
    sha256sum <"$BASE"
}

# work STATUS COMMAND...: while the other one has the base, this one has to wait.
work()
{
    local tries status=$1

    shift
    for ((tries = 0; tries < 600; tries++)); do
        run "$OFFSHOT" "$@"
        [ "$STATUS" = 5 ] || break
        sleep 0.02
    done
    assert_status "$status"
}

# patiently COMMAND...: while the other one has the base, no VM would start either.
patiently()
{
    local tries said

    for ((tries = 0; tries < 600; tries++)); do
        said=$("$@" 2>&1) && return
        case $said in *'Failed to get'*lock*) sleep 0.02 ;; *) break ;; esac
    done
    fail "$said"
}

# check XML PATTERN: what is in the second half of the disk; the base in the first.
check()
{
    local image

    image=$(domain_source "$1" vda)
    patiently pattern_check "$image" qcow2 0x10 0 512k
    patiently pattern_check "$image" qcow2 "$2" 512k 64k
    patiently assert_clean "$image" qcow2
}

# write XML PATTERN
write()
{
    patiently pattern_write "$(domain_source "$1" vda)" qcow2 "$2" 512k 64k
}

# one_turn XML STRATEGY MODE: a snapshot is taken, reverted to, and deleted.
one_turn()
{
    write "$1" 0x21
    work 0 create "$1" t1 "$3"
    write "$1" 0x22
    work 0 create "$1" t2 "$3"
    check "$1" 0x22
    work 0 revert "$1" t1
    check "$1" 0x21
    work 0 delete "$1" t2
    write "$1" 0x23
    # shellcheck disable=SC2086 # none for internal ones
    work 0 delete "$1" t1 $2
    check "$1" 0x23
}

# first: it also tries to be rid of the base, and is in the end: its disk takes over what is in there.
first()
{
    local turn

    for ((turn = 0; turn < ROUNDS; turn++)); do
        [ $KNOWN = no ] || work 8 delete "$1" s0 --strategy=commit
        one_turn "$1" --strategy=commit --disk-only
        [ $KNOWN = no ] || work 8 delete "$1" s0 --strategy=commit
        one_turn "$1" --strategy=rebase --disk-only
    done
    work 0 delete "$1" s0
    check "$1" 0x23
    work 0 flatten "$1"
    check "$1" 0x23
}

second()
{
    local turn

    for ((turn = 0; turn < ROUNDS; turn++)); do
        one_turn "$1" --strategy=commit --disk-only
        one_turn "$1" '' --internal
        one_turn "$1" '' --internal
    done
}

# both XML XML
both()
{
    local pids=() pid number=0 which

    for which in "first ./$1" "second ./$2"; do
        number=$((number + 1))
        # shellcheck disable=SC2086 # words
        (STDOUT=$SCRATCH/out.$number STDERR=$SCRATCH/err.$number && $which >"$SCRATCH/said.$number" 2>&1) &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || fail "$(cat "$SCRATCH"/said.*)"
    done
    base_state | diff "$SCRATCH/base" - || fail 'the base has changed'
    for which in "$1" "$2"; do
        ok "$OFFSHOT" recover "./$which"
        assert_stdout_line 'Nothing to recover'
        ok "$OFFSHOT" list "./$which" --name
        assert_stdout ''
        check "$which" 0x23
    done
    assert_equal "$(image_chain "$(domain_source "$1" vda)" qcow2 | wc -l)" 1 'images of the first'
    assert_equal "$(image_chain "$(domain_source "$2" vda)" qcow2 | tail -n 1)" "$BASE" 'base of the second'
    assert_equal "$(find . -type f '!' -name '*.xml' '!' -path '*/.*.offshot/*' | wc -l)" 3 'images'
}

layout 'one directory' base.qcow2 1.xml 2.xml a.one b.qcow2
both 1.xml 2.xml
layout 'images in two' 1/base.qcow2 1.xml 2.xml 1/a.one 2/b.qcow2
# as an operation on the second leaves it that is killed
mv 2/b.qcow2 2/.b.qcow2.offshot-1
assert_refuses 8 "2/.b.qcow2.offshot-1' stands on '$BASE'" "$OFFSHOT" delete ./1.xml s0 --strategy=commit
mv 2/.b.qcow2.offshot-1 2/b.qcow2
both 1.xml 2.xml
KNOWN=no
layout 'a template, domains in two' templates/base.qcow2 1/vm.xml 2/vm.xml 1/a.one 2/b.qcow2
both 1/vm.xml 2/vm.xml
