#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prints what `offshot create --disk-only` costs beside qemu-img alone: medians of interleaved runs, each on
# a fresh copy of its domain, and their ratios. It judges nothing: times are for people.
#
#     OFFSHOT_BENCH_RUNS=41 bench/create.sh
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/bench.sh"

need qemu-img awk
need_plain_program

runs=${OFFSHOT_BENCH_RUNS:-31}

# fixture NAME DISKS DEPTH: a domain of so many disks, each chain so deep, alternately qcow2 and raw below.
fixture()
{
    local number layer format path below

    mkdir "$1"
    set -- "$1" "$2" "$3" ""
    for ((number = 0; number < $2; number++)); do
        format=qcow2
        [ $((number % 2)) = 0 ] || format=raw
        path=$WORK/run/disk$number.img
        make_image "$1/disk$number.img" "$format" 64M
        for ((layer = 2; layer <= $3; layer++)); do
            below=${path##*/}
            path=$WORK/run/disk$number.$layer
            qemu-img create -q -u -f qcow2 -F "$format" -b "$below" -- "$1/disk$number.$layer" 64M \
                || fail 'cannot make a layer'
            format=qcow2
        done
        set -- "$1" "$2" "$3" "${4:+$4$'\n'}$(printf 'vd%b:%s:%s' "\\x$(printf %x $((97 + number)))" \
            "$format" "$path")"
    done
    mapfile -t disks <<<"$4"
    domain_xml vm "${disks[@]}" >"$1/vm.xml"
}

bare()
{
    local number

    for ((number = 0; number < $1; number++)); do
        qemu-img create -q -u -f qcow2 -F qcow2 -b "disk$number.img" -- "$WORK/run/disk$number.new" 64M
    done
}

fixture one 1 1
fixture eight 8 1
fixture deep 1 190

create=("$OFFSHOT" create "$WORK/run/vm.xml" s1 --disk-only)
for ((run = 0; run <= runs; run++)); do
    measure one one "${create[@]}"
    measure bare-one one bare 1
    measure keep one "${create[@]}" --keep-filename
    measure eight eight "${create[@]}"
    measure bare-eight eight bare 8
    measure deep deep "${create[@]}"
    # The first round only warms the caches.
    [ "$run" -gt 0 ] || rm -f "$SCRATCH"/times.*
done

echo "medians of $runs runs"
ratio 'one disk / bare qemu-img create -u' one bare-one '2.5'
ratio 'one disk, --keep-filename / bare' keep bare-one '2.5'
ratio 'eight disks / eight bare in a row' eight bare-eight 'below 1'
ratio 'chain of 190 / chain of 1' deep one '1.3'
