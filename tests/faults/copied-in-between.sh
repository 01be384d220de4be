#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A VM's directory is copied or renamed between a crash and its recovery: the copy's journal is about the files
# of the original, and touches nothing of them.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace qemu-io
need_plain_program

# Half-written journals may be cleared away.
state_of()
{
    find "$1" ! -name .vm.offshot ! -name 'journal.??????' -printf '%i %y %m %n %s %T@ %P\n' | LC_ALL=C sort
    find "$1" -type f ! -name 'journal.??????' -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
}

# refused DIRECTORY: whatever is run in it, the journal stays, and nothing changes there or in the case.
refused()
{
    local before now

    cd "$1" || exit 99
    before=$(state_of "$1"; state_of "$CASE")
    run "$OFFSHOT" recover ./vm.xml
    assert_error 3 "'$CASE/.vm.offshot'"
    assert_stderr_contains 'copy'
    run "$OFFSHOT" recover ./vm.xml --dry-run
    assert_status 3
    # this one may notice first that the copy names the images of the original
    run "$OFFSHOT" create ./vm.xml s9 --disk-only
    case $STATUS in
    8) assert_error 8 'is a copy of' ;;
    *) assert_error 3 "'$CASE/.vm.offshot'" ;;
    esac
    run "$OFFSHOT" list ./vm.xml
    assert_stderr_contains 'copy'
    now=$(state_of "$1"; state_of "$CASE")
    assert_equal "$now" "$before" 'state of both'
}

fixture_begin
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x11 0 64k
fixture_end
delete=("$OFFSHOT" delete ./vm.xml s1 --strategy=commit)

# each journal is renamed to its place: killed before the second, and before the third
for point in '2 preparing' '3 committed'; do
    case_fresh
    at rename "${point% *}" signal=KILL "${delete[@]}"
    assert_status 137
    grep -qx "phase=${point#* }" .vm.offshot/journal || fail "it is not $point"
    rm -rf "$WORK/copy"
    cp -a "$CASE" "$WORK/copy"
    refused "$WORK/copy"

    cd "$CASE" || exit 99
    ok "$OFFSHOT" recover ./vm.xml
    pattern_check "$(domain_source vm.xml vda)" qcow2 0x11 0 64k
    refused "$WORK/copy"
done

# The directory gets another name: what the journal tells of is not there, which does not mean that it was undone.
for point in '2 preparing' '3 committed'; do
    case_fresh
    at rename "${point% *}" signal=KILL "${delete[@]}"
    assert_status 137
    before=$(state_of "$CASE")
    cd "$WORK" || exit 99
    rm -rf moved
    mv "$CASE" moved
    cd moved || exit 99
    run "$OFFSHOT" recover ./vm.xml
    assert_status 3
    cd "$WORK" || exit 99
    mv moved "$CASE"
    assert_equal "$(state_of "$CASE")" "$before" "state when renamed and back (${point#* })"
    cd "$CASE" || exit 99
    ok "$OFFSHOT" recover ./vm.xml
    pattern_check "$(domain_source vm.xml vda)" qcow2 0x11 0 64k
done
