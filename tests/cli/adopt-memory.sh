#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A tag that holds the memory of a running machine is left on all disks: no image tells which definition it ran with.
# Those that were taken without it are adopted nevertheless.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-system-x86_64 jq

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
for image in a b; do
    qemu-img snapshot -c cold "$PWD/$image.qcow2" || fail "cannot take 'cold'"
done
printf 'savevm live\nquit\n' \
    | timeout 60 qemu-system-x86_64 -S -M pc -m 16 -nodefaults -display none -monitor stdio \
        -drive "file=$PWD/a.qcow2,format=qcow2,if=virtio" -drive "file=$PWD/b.qcow2,format=qcow2,if=virtio" \
        >"$STDOUT" 2>"$STDERR" || skip "no machine runs here: $(tail -n 1 "$STDERR")"
assert_equal "$(image_info a.qcow2 qcow2 '[.snapshots[] | select(.["vm-state-size"] > 0) | .name] | join(" ")')" live
before=$(snapshot_state "$WORK")

ok "$OFFSHOT" adopt ./vm.xml --json
assert_equal "$(json '[.snapshots[].name] | join(" ")')" cold 'what is adopted'
assert_equal "$(json '[.left[] | .disk, .tag] | join(" ")')" 'vda live vdb live' 'what is left'
assert_equal "$(json '[.left[].message | contains("memory of a running machine")] | all')" true 'why'
assert_same_file <(snapshot_state "$WORK" | grep qcow2) <(grep qcow2 <<<"$before")
