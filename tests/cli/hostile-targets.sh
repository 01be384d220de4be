#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hostile things at the places that a command line names, in the place of a device, and tables of internal snapshots
# that cannot be: refused before any program looks at them.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/hostile.sh"

need qemu-img python3

hostile_prepare
outside=$(snapshot_state "$OUTSIDE")
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only

count=0
while read -r thing format _; do
    case "$thing $format" in
    ' '* | *' vmdk') continue ;;
    esac
    count=$((count + 1))
    hostile_make "$thing" "$WORK/t"
    hostile_stops "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec "vda,file=$WORK/t"
    hostile_stops "$OFFSHOT" create ./vm.xml s2 --disk-only --reuse-external --diskspec "vda,file=$WORK/t"
    [ "$thing" = directory ] || hostile_stops "$OFFSHOT" extract ./vm.xml s1 -o "$WORK/t"
    # as a device
    domain_xml device "vda:$format:t" | sed "s/type='file'/type='block'/; s/source file=/source dev=/" >device.xml
    hostile_stops "$OFFSHOT" create ./device.xml s1 --internal
    hostile_stops "$OFFSHOT" create ./device.xml s1 --disk-only --diskspec "vda,file=$WORK/new"
    assert_unchanged "$OUTSIDE" "$outside"
done <<<"$THINGS"
[ "$count" -gt 10 ] || fail "only $count things were tried"

# tags PLACE OFFSET BYTES: with BYTES in the header, or in the table of internal snapshots, that cannot be read
tags()
{
    local start=0

    rm -f i.qcow2
    make_image i.qcow2 qcow2 1M
    qemu-img snapshot -c tag i.qcow2 || fail 'cannot take a snapshot'
    make_domain tagged vda:qcow2:i.qcow2
    [ "$1" = header ] || start=$(od -An -tu8 --endian=big -j 64 -N 8 i.qcow2)
    patch i.qcow2 $((start + $2)) "$3"
    hostile_refuses 7 'snapshot table' "$OFFSHOT" create ./tagged.xml s1 --internal
    hostile_refuses 7 'snapshot table' "$OFFSHOT" adopt ./tagged.xml
}

tags header 60 '\0\1\0\0'            # 65,536 of them
tags table 12 '\xff\xff'             # an ID of 65,535 bytes
tags table 14 '\xff\xff'             # and such a name
tags table 36 '\xff\xff\xff\xff'     # more about one than there can be
