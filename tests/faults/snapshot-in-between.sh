#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A deletion is killed, and the files of the snapshots are written anew before the recovery, as libvirt does. When that says
# it has finished, the deleted snapshot is gone, and each of the others shows what it showed.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2"
for turn in 1 2 3; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$turn" "$((turn * 64))k" 64k
    ok "$OFFSHOT" create ./vm.xml "s$turn" --disk-only
done
fixture_end

# Name and content of each snapshot but the one that is deleted.
snapshots()
{
    ok "$OFFSHOT" list ./vm.xml --json
    json '.snapshots[] | .name + " " + .disks[0].frozen' >"$SCRATCH/snapshots"
    while read -r name path; do
        echo "$name $(shown "$path" qcow2)"
    done <"$SCRATCH/snapshots"
}

for options in 's1 --strategy=commit' 's3 --strategy=commit' 's3 --strategy=rebase'; do
    number=0
    case_fresh
    want=$(snapshots | grep -v "^${options%% *} ")
    while true; do
        case_fresh
        number=$((number + 1))
        # shellcheck disable=SC2086 # words
        shim "$number" kill "$OFFSHOT" delete ./vm.xml $options
        [ "$STATUS" = 137 ] || break
        [ -e .vm.offshot/journal ] || continue
        trial "$options"
        for path in vm.snapshots/*.xml; do
            cp "$path" new
            mv new "$path"
        done
        run "$OFFSHOT" recover ./vm.xml
        cp "$STDERR" "$SCRATCH/said"
        [ "$STATUS" = 0 ] || continue
        now=$(snapshots)
        [ "$(grep -v "^${options%% *} " <<<"$now")" = "$want" ] || lost "$options" "killed at $number: now $now"
        ! grep -q 'not to be opened' <<<"$now" || lost "$options" "killed at $number: half deleted: $now"
    done
done
table
