#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A merge of two disks with kept names is killed at each of its last calls, also where one disk has taken over its
# merged image and the other one has not. Then the VM is started, and its guest writes to both: after the recovery
# it finds what it wrote.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io flock
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M
make_image b.img qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:qcow2:"$CASE/b.img"
for turn in 1 2; do
    pattern_write a.qcow2 qcow2 "0x1$turn" "$((turn * 64))k" 128k
    pattern_write b.img qcow2 "0x2$turn" "$((turn * 64))k" 128k
    ok "$OFFSHOT" create ./vm.xml "s$turn" --disk-only --keep-filename
done
pattern_write a.qcow2 qcow2 0x13 192k 128k
pattern_write b.img qcow2 0x23 192k 128k
fixture_end

# write_after_kill ROW NUMBER: kill the deletion at that call, let the guest write, recover.
write_after_kill()
{
    local image

    case_fresh
    shim "$2" kill "${delete[@]}"
    flock "$SHARED" true
    for image in a.qcow2 b.img; do
        qemu-io -f qcow2 -c 'write -P 0x77 960k 64k' "$image" >/dev/null 2>&1 || return 0
    done
    trial "$1"
    run "$OFFSHOT" recover ./vm.xml
    [ "$STATUS" = 0 ] || lost "$1" "killed at call $2: recover ends with $STATUS"
    for image in a.qcow2 b.img; do
        written_is_in "$image" qcow2 0x77 || lost "$1" "killed at call $2: what was written to $image is gone"
        image_health "$image" | grep -q '^check 0' || lost "$1" "killed at call $2: $image is damaged"
    done
    while IFS= read -r line; do
        grep -qxF "$line" <<<"${BEFORE['tree']}" || lost "$1" "killed at call $2: now there is: $line"
    done < <(tree_state | grep -E '^s[0-9]+ vd[ab] ')
}

for name in s2 s1; do
    delete=("$OFFSHOT" delete ./vm.xml "$name" --strategy=commit)
    row="delete $name, killed, then both disks written"
    tree_references "${delete[@]}"
    for ((number = CALLS; number > CALLS - 14; number--)); do
        write_after_kill "$row" "$number"
    done
    [ "${COUNT[$row]-0}" -gt 8 ] || fail "$row: only ${COUNT[$row]-0} trials"
done
table
