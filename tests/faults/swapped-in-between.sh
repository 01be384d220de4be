#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The name of an image is made to lead to somebody else's image at the moment when qemu-img starts, after all
# checks: not a byte is written there. When the name is right again, recovery leaves what was there before the
# operation, or what is there after it. A chain that is made to lead round in a circle is not followed for long.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need qemu-io jq xmllint
need_plain_program

VICTIM=$SCRATCH/victim
SWAPPED=$SCRATCH/swapped

# s1, s2, s3 with 0x11, 0x22, 0x33 each in a place of its own, and 0x44 in the active image
fixture_begin
make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:"$CASE/a.qcow2"
for number in 1 2 3; do
    ok "$OFFSHOT" create ./vm.xml "s$number" --disk-only
    pattern_write "a.s$number" qcow2 "0x$((number + 1))$((number + 1))" "$((number * 64))k" 64k
done
# and a disk that has its snapshots inside
make_image i.qcow2 qcow2 1M
make_domain internal vda:qcow2:"$CASE/i.qcow2"
pattern_write i.qcow2 qcow2 0x55 0 64k
ok "$OFFSHOT" create ./internal.xml t1
pattern_write i.qcow2 qcow2 0x66 0 64k
fixture_end

# what a qemu-img that is led astray would write into without noticing
make_victim()
{
    rm -rf "$VICTIM"
    mkdir "$VICTIM"
    cp "$FIXTURE/i.qcow2" "$VICTIM/i.qcow2"
    cp "$FIXTURE/a.qcow2" "$FIXTURE/a.s1" "$VICTIM"
    cp "$FIXTURE/a.s2" "$VICTIM/image.qcow2"
    make_image "$VICTIM/loop.qcow2" qcow2 1M -u -F qcow2 -b "$VICTIM/./loop.qcow2"
}

# make_swapper VERB IMAGE LEADS: a qemu-img that swaps IMAGE for a link to LEADS when it is started for VERB, once; an
# image that is hidden meanwhile, too
make_swapper()
{
    local words

    words=$(printf 'VERB=%q SWAP=%q LEADS=%q SWAPPED=%q' "$1" "$CASE/$2" "$3" "$SWAPPED")
    # shellcheck disable=SC2016 # for the wrapper
    wrap_qemu_img "$words"'
[ -f "$SWAP" ] || SWAP=$(echo "${SWAP%/*}/.${SWAP##*/}.offshot-"*)
if [ "$1" = "$VERB" ] && [ ! -e "$SWAPPED" ] && [ -f "$SWAP" ]; then
    mv "$SWAP" "$SWAP.aside" && ln -s "$LEADS" "$SWAP" && : >"$SWAPPED"
fi
exec "$REAL" "$@"'
}

# swap VERB IMAGE LEADS COMMAND...: IMAGE becomes a link when qemu-img does VERB
swap()
{
    local verb=$1 image=$2 leads=$3 row before victim aside

    shift 3
    row="$1 ${*:3}: $image"
    trial "$row"
    case_fresh
    make_victim
    rm -f "$SWAPPED"
    victim=$(snapshot_state "$VICTIM")
    before=$(content_hash "$(domain_source "$DOMAIN.xml" vda)" qcow2)
    make_swapper "$verb" "$image" "$leads"
    PATH=$BIN:$PATH run timeout 60 "$OFFSHOT" "$@" --sandbox=off
    said="$STATUS $(cat "$STDERR")"
    [ -e "$SWAPPED" ] || fail "$row: nothing was swapped: $*"
    [ "$(snapshot_state "$VICTIM")" = "$victim" ] || lost "$row" 'something was written into the other image'
    # as it was, but for what has been done
    aside=$(find . -name '*.aside')
    [ ! -L "${aside%.aside}" ] || mv "$aside" "${aside%.aside}"
    run "$OFFSHOT" recover "./$DOMAIN.xml"
    [ "$STATUS" = 0 ] || lost "$row" 'it cannot be recovered'
    check_held "$row" "$before"
}

# loop VERB IMAGE COMMAND...: IMAGE leads to one that stands on itself when qemu-img does VERB
loop()
{
    swap "$1" "$2" "$VICTIM/loop.qcow2" "${@:3}"
    case $said in
    [13]*', at its limit of '*' open files'*) ;;
    *) lost "$1 ${*:3}: $2" "it was not stopped: $said" ;;
    esac
}

# the active image holds what it held, whichever it is now, and so does each snapshot that is still there
check_held()
{
    local row=$1 image

    image=$(domain_source "$DOMAIN.xml" vda)
    [ "$(content_hash "$image" qcow2)" = "$2" ] || lost "$row" 'the active image has another content'
    assert_clean "$image" qcow2
    run "$OFFSHOT" list "./$DOMAIN.xml" --name
    [ "$STATUS" = 0 ] || lost "$row" 'the snapshots cannot be listed'
}

DOMAIN=vm
for image in a.s3 a.s2; do
    swap rebase "$image" "$VICTIM/image.qcow2" delete ./vm.xml s3 --strategy=rebase
    swap commit "$image" "$VICTIM/image.qcow2" delete ./vm.xml s3 --strategy=commit
done
for image in a.s2 a.s1; do
    swap commit "$image" "$VICTIM/image.qcow2" delete ./vm.xml s2 --children --strategy=commit
done
swap rebase a.s3 "$VICTIM/image.qcow2" flatten ./vm.xml
swap create a.s3 "$VICTIM/image.qcow2" create ./vm.xml s4 --disk-only
swap create a.s3 "$VICTIM/image.qcow2" create ./vm.xml s4 --disk-only --keep-filename

# otherwise it could open very many
soft=$(ulimit -Sn)
ulimit -Sn hard
for image in a.s2 a.s1; do
    loop rebase "$image" delete ./vm.xml s3 --strategy=rebase
    loop rebase "$image" flatten ./vm.xml
    loop convert "$image" extract ./vm.xml s3 -o out.qcow2
done
loop commit a.s1 delete ./vm.xml s3 --strategy=commit
ulimit -Sn "$soft"

DOMAIN=internal
swap snapshot i.qcow2 "$VICTIM/i.qcow2" create ./internal.xml t2
swap snapshot i.qcow2 "$VICTIM/i.qcow2" delete ./internal.xml t1
table
