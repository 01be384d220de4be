#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hostile things in the place of an image that holds a snapshot: what needs it is refused before any program
# looks at it, and what does not need it keeps the content of all others.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/hostile.sh"

need qemu-img qemu-io jq python3 xmllint

hostile_prepare
things=$THINGS
! is_long || things+=$HEADERS

# s1 on a.qcow2; s2 and s3 on it, in two branches: a.s1 holds s2 alone, the active image stands on a.qcow2
mkdir "$WORK/case"
cd "$WORK/case" || exit 99
make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 64k 64k
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
ok "$OFFSHOT" revert ./vm.xml s1
cd "$WORK" || exit 99
mv case "$SCRATCH/fixture"
active=$(basename "$(domain_source "$SCRATCH/fixture/vm.xml" vda)")

fresh()
{
    rm -rf "$WORK/case"
    cp -a "$SCRATCH/fixture" "$WORK/case"
    cd "$WORK/case" || exit 99
}

# stops IMAGE THING COMMAND...: IMAGE is the thing, and the command is refused
stops()
{
    fresh
    hostile_make "$2" "$WORK/case/$1"
    shift 2
    hostile_stops "$@"
}

# passes THING COMMAND...: the image of s2 is the thing. The command is refused, or what it leaves is s1.
passes()
{
    local before

    fresh
    hostile_make "$1" "$WORK/case/a.s1"
    shift
    before=$(snapshot_state "$WORK")
    quickly "$@"
    ! grep -qF 'a.s1 ' "$CALLED" || fail "it ran qemu-img on it: $(cat "$CALLED")"
    if [ "$STATUS" != 0 ]; then
        assert_error "$STATUS" ''
        no_child
        assert_unchanged "$WORK" "$before"
    fi
    pattern_check "$(domain_source vm.xml vda)" qcow2 0x11 0 64k
    pattern_check "$(domain_source vm.xml vda)" qcow2 0 64k 64k
}

count=0
while read -r thing format _; do
    [ "$format" = qcow2 ] || continue
    count=$((count + 1))
    # the image of another branch
    fresh
    hostile_make "$thing" "$WORK/case/a.s1"
    for words in 'list ./vm.xml --tree' 'info ./vm.xml s2'; do
        # shellcheck disable=SC2086 # words
        quickly "$OFFSHOT" $words
        assert_status 0
        no_child
    done
    stops a.s1 "$thing" "$OFFSHOT" revert ./vm.xml s2
    stops a.s1 "$thing" "$OFFSHOT" extract ./vm.xml s2 -o "$WORK/out.qcow2"
    # the image of the parent of all
    stops a.qcow2 "$thing" "$OFFSHOT" revert ./vm.xml s1
    stops a.qcow2 "$thing" "$OFFSHOT" delete ./vm.xml s1
    # what could do without it
    passes "$thing" "$OFFSHOT" create ./vm.xml s3 --disk-only
    passes "$thing" "$OFFSHOT" revert ./vm.xml s1
    passes "$thing" "$OFFSHOT" delete ./vm.xml s1
    passes "$thing" "$OFFSHOT" delete ./vm.xml s2
    passes "$thing" "$OFFSHOT" flatten ./vm.xml
    # the active image, of which a revert needs nothing
    fresh
    hostile_make "$thing" "$WORK/case/$active"
    before=$(snapshot_state "$WORK")
    quickly "$OFFSHOT" revert ./vm.xml s1
    if [ "$STATUS" = 0 ]; then
        pattern_check "$(domain_source vm.xml vda)" qcow2 0x11 0 64k
    else
        assert_error "$STATUS" ''
        assert_unchanged "$WORK" "$before"
    fi
done <<<"$things"
[ "$count" -gt 10 ] || fail "only $count things were tried"
