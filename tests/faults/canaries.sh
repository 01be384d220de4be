#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The harness of the fault tests notices what it is there for: operations as one would write them without thinking
# of crashes are killed at each call, recovered by an offshot that knows nothing of them, and have to be lost.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io flock
need_plain_program

# What offshot itself makes of the fixture: the naive ones have the same end in view.
MADE=$SCRATCH/made
NAIVE=$SCRATCH/naive
export MADE
SAMPLES=1000
CANARIES=()
exec 3>&1
# shellcheck disable=SC2016 # evaluated in the end
at_exit 'sed "s/^/    /" "$SCRATCH/said" >&3'
: >"$SCRATCH/said"

# fixture MODE CLUSTER SNAPSHOT...: one disk; it is written to before each snapshot and in the end. The smaller its
# clusters, the more calls.
fixture()
{
    local name mode=$1 cluster=$2 turn=1

    shift 2
    cd "$WORK" || exit 99
    rm -rf "$FIXTURE" "$CASE"
    fixture_begin
    make_image a.qcow2 qcow2 1M -o cluster_size="$cluster"
    make_domain vm vda:qcow2:"$CASE/a.qcow2"
    for name; do
        write_active "$turn"
        ok "$OFFSHOT" create ./vm.xml "$name" "$mode"
        turn=$((turn + 1))
    done
    write_active "$turn"
    fixture_end
}

write_active()
{
    local chunk

    for chunk in 0 1 2 3 4 5 6 7; do
        pattern_write "$(domain_source vm.xml vda)" qcow2 "0x$1$((chunk + 1))" "$((chunk * 128 + $1 * 24))k" 32k
    done
}

# made_by COMMAND...: $MADE is what COMMAND makes of the fixture.
made_by()
{
    case_fresh
    ok "$@"
    rm -rf "$MADE"
    cp -a "$CASE" "$MADE"
}

# caught NAME TEXT SCRIPT: killed at each of its calls, the naive SCRIPT is lost at least once, with TEXT in what
# the harness says.
caught()
{
    printf '#!/bin/bash\nset -e\n%s\n' "$3" >"$NAIVE"
    chmod +x "$NAIVE"
    TRIALS=0 LOST=0 ROWS=() COUNT=() COUNT_LOST=()
    : >"$SCRATCH/said"
    tree_references "$NAIVE" >>"$SCRATCH/said"
    disturb "$1" kill "$NAIVE" >>"$SCRATCH/said"
    [ "$LOST" -gt 0 ] || fail "'$1' was not noticed in $TRIALS trials"
    grep -qE -e "$2" "$SCRATCH/said" || fail "'$1' was noticed, but for another reason than: $2"
    CANARIES+=("$(printf '%-48s %6d caught %d' "$1" "$TRIALS" "$LOST")")
    : >"$SCRATCH/said"
}

fixture --disk-only 4k s1 s2
# shellcheck disable=SC2016 # for the scripts
caught 'rebase without its recipe' 'before recovery a guest would see: active vda' \
    'qemu-img rebase -f qcow2 -F qcow2 -b "$PWD/a.qcow2" "$PWD/a.s2"'

fixture --internal 1k s1 s2
caught 'no repair after a killed internal revert' '(before|after): +> check [123] ' \
    'qemu-img snapshot -a s1 a.qcow2'

fixture --disk-only 4k s1
made_by "$OFFSHOT" create ./vm.xml s2 --disk-only --keep-filename
# shellcheck disable=SC2016
caught 'create straight onto the final name' 'before recovery a guest would see: active vda' '
cp "$MADE/vm.snapshots/s2.xml" "$MADE/vm.snapshots/s1.xml" .
mv a.s1 a.s2.s1
qemu-img create -q -f qcow2 -F qcow2 -b a.s2.s1 a.s1 1M
mv s1.xml s2.xml vm.snapshots/'

made_by "$OFFSHOT" create ./vm.xml s2 --disk-only
# shellcheck disable=SC2016
caught 'metadata before images' '(before|after): +> active vda not to be opened' '
cp "$MADE/vm.xml" new.xml
cp "$MADE/vm.snapshots/s2.xml" "$MADE/vm.snapshots/s1.xml" .
mv new.xml vm.xml
mv s1.xml s2.xml vm.snapshots/
qemu-img create -q -f qcow2 -F qcow2 -b a.s1 .a.s2.new 1M
mv .a.s2.new a.s2'

printf '%-48s %6s\n' canary killed
printf '%s\n' "${CANARIES[@]}"
