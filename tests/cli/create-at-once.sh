#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many offshots started at once on one domain each take their snapshot, one after the other: one
# chain, one tree.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw
pids=()
at_exit wait
for n in 1 2 3 4 5 6; do
    "$OFFSHOT" create ./vm.xml "s$n" --disk-only --lock-timeout=60 >"$SCRATCH/said.$n" 2>&1 &
    pids+=($!)
done
for n in 1 2 3 4 5 6; do
    wait "${pids[n - 1]}" || fail "s$n failed: $(cat "$SCRATCH/said.$n")"
done
ok "$OFFSHOT" list ./vm.xml --topological --json
assert_stderr_empty
assert_equal "$(json '.snapshots | length')" 6
assert_equal "$(json '[.snapshots[] | select(.parent == null)] | length')" 1 roots
assert_equal "$(json '[.snapshots[] | select(.children == [])] | length')" 1 leaves
assert_equal "$(json '.snapshots[-1].current')" true 'the last is current'
last=$(json '.snapshots[-1].name')
want=$(json '[.snapshots | reverse | .[].disks[0].frozen] | join("\n")')
assert_equal "$(image_chain "a.$last" qcow2 | tail -n +2)" "$want" 'chain of vda'
assert_equal "$(image_chain "b.$last" qcow2 | wc -l)" 7 'length of the chain of vdb'
assert_absent .vm.offshot
