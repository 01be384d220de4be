#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The recovery is killed, too, at each call by which it changes something; the next one ends it.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace
need_plain_program

changes=write,fsync,rename,renameat2,link,unlink,mkdir,rmdir,fchmod,exit_group

# fixture FORMAT: two disks with a snapshot.
fixture()
{
    cd "$WORK" || exit 99
    rm -rf "$FIXTURE" "$CASE"
    fixture_begin
    make_image a.img qcow2 256k
    make_image b.img "$1" 256k
    make_domain vm vda:qcow2:"$CASE/a.img" vdb:"$1":"$CASE/b.img"
    ok "$OFFSHOT" create ./vm.xml first "${options[@]}"
    fixture_end
}

# crash WHERE: a fresh case in which the create was killed there.
crash()
{
    case_fresh
    # shellcheck disable=SC2086 # a call and a number
    at $1 signal=KILL "${create[@]}"
    [ "$STATUS" = 137 ] || fail "the create was not killed at $1"
}

# crash_twice ROW: at every STRIDE-th call of the create, and each of every recovery.
crash_twice()
{
    local row=$1 first second firsts seconds i=0 next

    mapfile -t firsts < <(points "$changes" "${create[@]}")
    [ "${#firsts[@]}" -gt 20 ] || fail "only ${#firsts[@]} calls"
    for first in "${firsts[@]}"; do
        i=$((i + 1))
        [ $((i % stride)) = 0 ] || continue
        [ "${first% *}" != exit_group ] || continue
        crash "$first"
        mapfile -t seconds < <(trace_points "$changes" "$OFFSHOT" recover ./vm.xml)
        for second in "${seconds[@]}"; do
            crash "$first"
            # shellcheck disable=SC2086 # a call and a number
            at $second signal=KILL "$OFFSHOT" recover ./vm.xml
            next=${FOLLOW_UPS[$((TRIALS % ${#FOLLOW_UPS[@]}))]}
            trial "$row"
            [ "$STATUS" = 137 ] || lost "$row" "killed at $first, then at $second: status $STATUS"
            if run_next "$row" "killed at $first, then at $second" "$next"; then
                compare "$row" "killed at $first, then at $second" "$next" either
            fi
        done
    done
}

stride=5
! is_long || stride=1

options=(--disk-only)
fixture raw
create=("$OFFSHOT" create ./vm.xml s1 "${options[@]}")
references "${create[@]}"
crash_twice 'create, recovery killed'

options=(--disk-only --keep-filename)
fixture qcow2
create=("$OFFSHOT" create ./vm.xml s1 "${options[@]}")
references "${create[@]}"
crash_twice 'create --keep-filename, recovery killed'

# A call of the recovery fails, and the next one succeeds.
row='create, recovery failing'
options=(--disk-only)
fixture raw
create=("$OFFSHOT" create ./vm.xml s1 "${options[@]}")
references "${create[@]}"
for first in 'rename 2' 'rename 3' 'renameat2 1' 'unlink 2'; do
    crash "$first"
    mapfile -t seconds < <(trace_points fsync,rename,renameat2,unlink "$OFFSHOT" recover ./vm.xml)
    for second in "${seconds[@]}"; do
        crash "$first"
        # shellcheck disable=SC2086 # a call and a number
        at $second error=EIO "$OFFSHOT" recover ./vm.xml
        trial "$row"
        if [ -e .vm.offshot/journal ] && [ "$STATUS" != 3 ]; then
            lost "$row" "killed at $first, EIO at $second: status $STATUS, but the journal is there"
        fi
        if run_next "$row" "killed at $first, EIO at $second" recover; then
            compare "$row" "killed at $first, EIO at $second" recover either
        fi
    done
done

table
