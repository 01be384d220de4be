#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An internal revert is killed at each call; before anybody recovers, the VM is started and its guest writes the
# whole disk. No snapshot may show what the guest wrote, and what it wrote has to be somewhere else.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2"
for turn in 1 2; do
    pattern_write a.qcow2 qcow2 "0x1$turn" "$((turn * 64))k" 256k
    ok "$OFFSHOT" create ./vm.xml "s$turn" --internal
done
pattern_write a.qcow2 qcow2 0x13 192k 256k
fixture_end

# What the snapshots show.
snapshots()
{
    local tag

    for tag in s1 s2; do
        echo "$tag $(shown a.qcow2 qcow2 "$tag")"
    done
}

# Whether the guest's data is the active state, or in a tag that is none of the snapshots.
guest_data_is_kept()
{
    local tag

    [ "$(shown a.qcow2 qcow2)" != "$GUEST" ] || return 0
    for tag in $(qemu-img snapshot -l a.qcow2 | awk 'NR > 2 && $2 !~ /^s[12]$/ { print $2 }'); do
        [ "$(shown a.qcow2 qcow2 "$tag")" != "$GUEST" ] || return 0
    done
    return 1
}

ROW='revert to an internal one, then the VM runs'
case_fresh
WANT=$(snapshots)
make_image guest.raw raw 1M
pattern_write guest.raw raw 0x77 0 1M
GUEST=$(shown guest.raw raw)
shim 0 none "$OFFSHOT" revert ./vm.xml s1
assert_status 0
CALLS=$(shim_count)
[ "$CALLS" -gt 30 ] || fail "only $CALLS calls"
for ((number = 1; number <= CALLS; number++)); do
    case_fresh
    shim "$number" kill "$OFFSHOT" revert ./vm.xml s1
    trial "$ROW"
    written=no
    # children of a killed offshot hold its locks until they are dead, too; a VM that does not start does no harm
    sleep 0.02
    ! qemu-io -f qcow2 -c 'write -P 0x77 0 1M' "$CASE/a.qcow2" 2>/dev/null | grep -q '^wrote' || written=yes
    ok "$OFFSHOT" recover ./vm.xml
    [ "$(snapshots)" = "$WANT" ] || lost "$ROW" "killed at call $number: a snapshot has changed"
    [ "$written" = no ] || guest_data_is_kept \
        || lost "$ROW" "killed at call $number: what the guest wrote is gone"
    [ ! -e a.qcow2 ] || image_health ./a.qcow2 | grep -q '^check 0' || lost "$ROW" "killed at call $number: damaged"
done
table
