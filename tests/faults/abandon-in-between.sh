#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A rebase to no backing image is done when offshot dies; the guest then discards and zeroes what it had. The recovery fails
# at any of its calls: what the guest had removed from its disk must not come back, now or after the next recovery.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M -o compat=0.10
make_domain vm vda:qcow2:"$CASE/a.qcow2"
for turn in 1 2; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$turn" "$((turn * 64))k" 64k
    ok "$OFFSHOT" create ./vm.xml "s$turn" --disk-only --overlay-options compat=0.10
done
fixture_end
delete=("$OFFSHOT" delete ./vm.xml s1 --children --strategy=rebase)

# A fresh case in which the rebase alone is done, and the guest has run since.
crash_rebased()
{
    case_fresh
    shim "$1" kill "${delete[@]}"
    assert_status 137
    wait_until qemu-io -f qcow2 -c 'read 0 64k' "$CASE/a.s2" >/dev/null 2>&1
    qemu-io -f qcow2 -c 'discard 64k 64k' -c 'write -z -u 128k 64k' "$CASE/a.s2" >/dev/null
    pattern_check a.s2 qcow2 0 64k 128k
}

# Where that is: the first call at which the old link is gone.
for ((call = 1; ; call++)); do
    case_fresh
    shim "$call" kill "${delete[@]}"
    assert_status 137
    [ "$(image_info a.s2 qcow2 '."backing-filename" // "none"')" != none ] || break
done
crash_rebased "$call"
shim 0 none "$OFFSHOT" recover ./vm.xml
assert_status 0
CALLS=$(shim_count)
pattern_check "$(domain_source vm.xml vda)" qcow2 0 64k 128k
for ((number = 1; number <= CALLS; number++)); do
    trial 'recovery fails'
    crash_rebased "$call"
    shim "$number" 5 "$OFFSHOT" recover ./vm.xml
    [ "$(qemu-io -r -f qcow2 -c 'read -P 0 64k 128k' "$(domain_source vm.xml vda)" 2>&1 | grep -c verification)" = 0 ] \
        || lost 'recovery fails' "EIO at call $number: old data is back"
    ok "$OFFSHOT" recover ./vm.xml
    [ "$(qemu-io -r -f qcow2 -c 'read -P 0 64k 128k' "$(domain_source vm.xml vda)" 2>&1 | grep -c verification)" = 0 ] \
        || lost 'recovery fails' "EIO at call $number, recovered: old data is back"
done
table
