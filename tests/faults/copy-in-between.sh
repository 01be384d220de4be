#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Between a crash and its recovery the whole directory of the VM is copied. The copy's journal tells of the files of the
# original: whoever works with the copy must not finish, undo or repeat anything there.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io
need_plain_program

copy=$WORK/copy

# crash_committed COMMAND...: a fresh case in which COMMAND was killed with its journal committed, and its copy.
crash_committed()
{
    local number=0

    while true; do
        number=$((number + 1))
        case_fresh
        shim "$number" kill "$@"
        assert_status 137
        ! grep -qx 'phase=committed' .vm.offshot/journal 2>/dev/null || break
    done
    rm -rf "$copy"
    cp -a "$CASE" "$copy"
}

fixture_begin
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2"
for turn in 1 2 3; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$turn" "$((turn * 64))k" 64k
    ok "$OFFSHOT" create ./vm.xml "s$turn" --disk-only
done
fixture_end

# external: nothing in the original is touched, and it can still be recovered itself
for strategy in commit rebase; do
    crash_committed "$OFFSHOT" delete ./vm.xml s3 "--strategy=$strategy"
    state=$(snapshot_state "$CASE")
    cd "$copy" || exit 99
    run "$OFFSHOT" recover ./vm.xml
    assert_unchanged "$CASE" "$state"
    [ "$STATUS" != 0 ] || fail 'the copy was recovered by what belongs to the original'
    run "$OFFSHOT" list ./vm.xml
    run "$OFFSHOT" create ./vm.xml s4 --disk-only
    assert_unchanged "$CASE" "$state"
    cd "$CASE" || exit 99
    ok "$OFFSHOT" recover ./vm.xml
    pattern_check "$(domain_source vm.xml vda)" qcow2 0x13 192k 64k
done

# internal: a snapshot that was taken anew in the original is not deleted a second time
cd "$WORK" || exit 99
rm -rf "$FIXTURE" "$CASE"
fixture_begin
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2"
ok "$OFFSHOT" create ./vm.xml s1 --internal
fixture_end
crash_committed "$OFFSHOT" delete ./vm.xml s1
cd "$CASE" || exit 99
ok "$OFFSHOT" recover ./vm.xml
pattern_write a.qcow2 qcow2 0x22 0 64k
ok "$OFFSHOT" create ./vm.xml s1 --internal
cd "$copy" || exit 99
run "$OFFSHOT" recover ./vm.xml
cd "$CASE" || exit 99
assert_equal "$(qemu-img snapshot -l a.qcow2 | awk 'NR > 2 { print $2 }')" s1 'snapshots in the original'
