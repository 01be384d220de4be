#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prints how much memory qemu-img takes for each command, with images that make it take much: what the limits of
# src/image/qemu-limits.c have to be far above. "data" is what RLIMIT_DATA counts: heap, stacks and buffers, used or
# not; "space" are addresses and "resident" what was really used, all of them as seen by looking again and again. The
# last column is the limit that offshot would set.
#
#     OFFSHOT_BENCH_LAYERS=200 bench/memory.sh
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io
need_plain_program

layers=${OFFSHOT_BENCH_LAYERS:-50}

# peaks PID: the greatest values that /proc tells of it until it ends, in KiB, into $data, $space and $resident
peaks()
{
    local name value

    data=0 space=0 resident=0
    while [ -e "/proc/$1/exe" ]; do
        while read -r name value _; do
            case $name in
            VmData:) [ "$value" -le "$data" ] || data=$value ;;
            VmPeak:) space=$value ;;
            VmHWM:) resident=$value ;;
            esac
        done 2>/dev/null <"/proc/$1/status"
    done
}

# takes WHAT IMAGES QEMU-IMG-ARGUMENTS...: of a command on so many images; it is ended after 20 seconds
takes()
{
    local what=$1 images=$2 data space resident pid

    shift 2
    qemu-img "$@" </dev/null >/dev/null 2>"$STDERR" &
    pid=$!
    { sleep 20 && kill "$pid"; } 2>/dev/null &
    peaks "$pid"
    kill "$!" 2>/dev/null
    wait "$pid" 2>/dev/null
    case $?,$1 in
    0,* | 143,* | 1,compare) ;; # 143: ended by us, 1: the images differ
    *) fail "failed: qemu-img $*" ;;
    esac
    printf '%-34s %-10s %8d %8d %8d %8d\n' "$what" "$1" $((data / 1024)) $((space / 1024)) $((resident / 1024)) \
        $((4096 + 256 * images))
}

# make_layers SIZE COUNT OPTIONS: c0.qcow2, c1.qcow2 on it and so on; something is in the last one
make_layers()
{
    local number

    rm -f ./*.qcow2
    make_image c0.qcow2 qcow2 "$1" -o "$3"
    for ((number = 1; number < $2; number++)); do
        make_image "c$number.qcow2" qcow2 "$1" -u -o "$3" -F qcow2 -b "c$((number - 1)).qcow2"
    done
    pattern_write "c$(($2 - 1)).qcow2" qcow2 0x11 0 1M
}

# chain WHAT SIZE OPTIONS: all that reads chains
chain()
{
    local top=c$((layers - 1)).qcow2 below=c$((layers - 2)).qcow2

    make_layers "$2" "$layers" "$3"
    takes "$1" "$layers" compare -U -f qcow2 -F qcow2 "$top" "$below"
    takes "$1" "$layers" convert -f qcow2 -O qcow2 "$top" out.qcow2
    takes "$1" "$layers" rebase -f qcow2 -F qcow2 -b c0.qcow2 "$top"
    make_layers "$2" "$layers" "$3"
    takes "$1" "$layers" commit -d -f qcow2 "$top"
}

# single WHAT SIZE OPTIONS: all that changes one image
single()
{
    make_layers "$2" 1 "$3"
    takes "$1" 1 snapshot -c a c0.qcow2
    takes "$1" 1 snapshot -a a c0.qcow2
    takes "$1" 1 snapshot -d a c0.qcow2
    takes "$1" 1 check -r all -f qcow2 c0.qcow2
    takes "$1" 1 create -u -f qcow2 -F qcow2 -b c0.qcow2 new.qcow2 "$2"
}

printf '%-34s %-10s %8s %8s %8s %8s MiB\n' image command data space resident limit
for options in cluster_size=64k cluster_size=4k cluster_size=2M extended_l2=on; do
    single "1 TiB, $options" 1T "$options"
    chain "$layers of 1 TiB, $options" 1T "$options"
done
# with the largest table that QEMU makes
chain "$layers of 8 TiB, cluster_size=4k" 8T cluster_size=4k

make_layers 16T 1 cluster_size=64k
for ((number = 0; number < 40; number++)); do
    qemu-img bitmap --add c0.qcow2 "bitmap-$number" || fail 'cannot add a bitmap'
done
takes '16 TiB, 40 bitmaps' 1 check -r all -f qcow2 c0.qcow2

make_layers 1T 1 cluster_size=64k
for ((number = 0; number < 1000; number++)); do
    qemu-img snapshot -c "tag-$number" c0.qcow2 || fail 'cannot take a snapshot'
done
takes '1 TiB, 1000 internal snapshots' 1 snapshot -c a c0.qcow2
takes '1 TiB, 1000 internal snapshots' 1 check -r all -f qcow2 c0.qcow2

# as much to count as in an image that is full: the limit grows by 1/256 of its length
make_layers 1T 1 cluster_size=4k
truncate -s 1T c0.qcow2
takes '1 TiB, all of it in the file, 4k' $((1 + 1024 * 1024 / 256 / 256)) check -r all -f qcow2 c0.qcow2

make_layers 1G 1 cluster_size=64k
pattern_write c0.qcow2 qcow2 0x22 0 1G
for option in -p -c; do
    rm -f out.qcow2
    takes "1 GiB of data, convert $option" 2 convert "$option" -f qcow2 -O qcow2 c0.qcow2 out.qcow2
done
