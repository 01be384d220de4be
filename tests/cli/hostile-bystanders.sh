#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hostile things beside the images, in the directory that is searched for what stands on them: they are only
# read, no program runs on them, nothing hangs, and every snapshot keeps its content.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/hostile.sh"

need qemu-img qemu-io jq python3 xmllint

hostile_prepare
things=$THINGS
! is_long || things+=$HEADERS

mkdir "$WORK/case"
cd "$WORK/case" || exit 99
make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 64k 64k
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
pattern_write a.s2 qcow2 0x33 128k 64k
cd "$WORK" || exit 99
mv case "$SCRATCH/fixture"

# bystander PATH: what can be told of it without opening it
bystander()
{
    stat -c '%F %a %s %h' "$1"
    [ ! -f "$1" ] || sha256sum "$1"
}

fresh()
{
    rm -rf "$WORK/case"
    cp -a "$SCRATCH/fixture" "$WORK/case"
    cd "$WORK/case" || exit 99
}

# beside THING COMMAND PATTERN...: run the command with the thing in the directory; of the patterns, one for
# each 64 KiB, the active image holds the first ones.
beside()
{
    local thing=$1 command=$2 place=$WORK/case/bystander was number=0 pattern image

    shift 2
    fresh
    hostile_make "$thing" "$place"
    was=$(bystander "$place")
    # shellcheck disable=SC2086 # words
    quickly "$OFFSHOT" $command
    case $STATUS in
    0) ;;
    8) assert_error 8 '' && no_child && set -- 0x11 0x22 0x33 ;;
    *) fail "$thing: status $STATUS instead of 0 or 8" ;;
    esac
    ! grep -qF -e bystander -e "$OUTSIDE" "$CALLED" || fail "it ran qemu-img on it: $(cat "$CALLED")"
    assert_equal "$(bystander "$place")" "$was" 'what is beside the images'
    image=$(domain_source vm.xml vda)
    for pattern; do
        pattern_check "$image" qcow2 "$pattern" "$((number * 64))k" 64k
        number=$((number + 1))
    done
    assert_clean "$image" qcow2
}

count=0
while read -r thing format _; do
    [ "$format" = qcow2 ] || [ "$thing" = directory ] || [ "$thing" = socket ] || continue
    count=$((count + 1))
    beside "$thing" 'create ./vm.xml s3 --disk-only' 0x11 0x22 0x33
    beside "$thing" 'revert ./vm.xml s2' 0x11 0x22 0
    beside "$thing" 'delete ./vm.xml s2' 0x11 0x22 0x33
    beside "$thing" 'delete ./vm.xml s1 --children --strategy=rebase' 0x11 0x22 0x33
    beside "$thing" 'flatten ./vm.xml' 0x11 0x22 0x33
done <<<"$things"
[ "$count" -gt 10 ] || fail "only $count things were tried"

# keeps WHAT: the bystander says that it stands on an image of ours, which is kept as it is
keeps()
{
    local hash

    hash=$(sha256sum <a.s1)
    hostile_refuses 8 'bystander' "$OFFSHOT" delete ./vm.xml s2 --strategy=commit
    ok "$OFFSHOT" delete ./vm.xml s2
    assert_equal "$(sha256sum <a.s1)" "$hash" "the image that $1 names"
}

fresh
make_image bystander qcow2 1M -u -F qcow2 \
    -b "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"$WORK/case/a.s1\"}}"
keeps 'a json: name'
# no QEMU opens these, but a repair can bring them back
while read -r what offset bytes; do
    fresh
    make_image bystander qcow2 1M -u -F qcow2 -b "$WORK/case/a.s1"
    patch bystander "$offset" "$bytes"
    ! qemu-img info bystander >/dev/null 2>&1 || fail "qemu-img opens an image with a damaged $what"
    keeps "an image with a damaged $what"
done <<'EOF'
refcount-table 48 \x80\0\0\0\0\0\0\0
L1-table 40 \x80\0\0\0\0\0\0\0
size 24 \x7f\xff\xff\xff\xff\xff\xff\xff
cluster-size 20 \0\0\0\0
encryption 32 \0\0\0\x09
header-length 100 \xff\xff\xff\xff
EOF
