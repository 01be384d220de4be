#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Prints what `offshot delete` and `offshot revert` cost beside qemu-img alone: medians of interleaved runs, each
# on a fresh copy of its domain, and their ratios. It judges nothing: times are for people.
#
#     OFFSHOT_BENCH_RUNS=21 bench/delete.sh
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/bench.sh"

need qemu-img qemu-io awk
need_plain_program

runs=${OFFSHOT_BENCH_RUNS:-9}

# A frozen image of 1 GiB, all of it written, and 64 MiB in its overlay.
big_fixture()
{
    mkdir big
    make_image big/vda.img qcow2 1G
    pattern_write big/vda.img qcow2 0x11 0 1G
    domain_xml vm "vda:qcow2:$WORK/run/vda.img" >big/vm.xml
    cp -a --sparse=always big run
    ok "$OFFSHOT" create "$WORK/run/vm.xml" s1 --disk-only
    pattern_write run/vda.s1 qcow2 0x22 256M 64M
    rm -rf big
    mv run big
}

# The best that can be done by hand: commit, flush, remove.
bare_delete()
{
    qemu-img commit -q -d -f qcow2 "$WORK/run/vda.s1" && sync -f "$WORK/run" && rm "$WORK/run/vda.s1"
}

# Two snapshots of one small disk, and the state of a CI loop on them.
small_fixture()
{
    mkdir small
    make_image small/vda.img qcow2 64M
    domain_xml vm "vda:qcow2:$WORK/run/vda.img" >small/vm.xml
    cp -a small run
    ok "$OFFSHOT" create "$WORK/run/vm.xml" s1 --disk-only
    pattern_write run/vda.s1 qcow2 0x22 1M 1M
    rm -rf small
    mv run small
}

bare_overlay()
{
    qemu-img create -q -u -f qcow2 -F qcow2 -b vda.img -- "$WORK/run/new" 64M
}

big_fixture
for ((run = 0; run <= runs; run++)); do
    measure delete big "$OFFSHOT" delete "$WORK/run/vm.xml" s1
    measure bare-delete big bare_delete
    [ "$run" -gt 0 ] || rm -f "$SCRATCH"/times.*
done
rm -rf run big
echo "medians of $runs runs"
ratio '64 MiB onto 1 GiB: delete / bare commit -d, rm' delete bare-delete '1.2'

small_fixture
for ((run = 0; run <= 3 * runs; run++)); do
    measure revert small "$OFFSHOT" revert "$WORK/run/vm.xml" s1
    measure bare-revert small bare_overlay
    [ "$run" -gt 0 ] || rm -f "$SCRATCH"/times.*
done
ratio 'revert to the current one / bare create -u' revert bare-revert '2.5'
