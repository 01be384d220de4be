#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A journal that is damaged, or that a newer version wrote, is not touched, nor is anything else:
# exit 3. Reading goes on working.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
mkdir -m 700 .vm.offshot
journal=.vm.offshot/journal

check()
{
    local before

    # the lock, which stays with the journal, is made by the first try
    run "$OFFSHOT" recover ./vm.xml
    before=$(snapshot_state "$WORK")
    run "$OFFSHOT" recover ./vm.xml
    assert_error 3 "$1"
    assert_unchanged "$WORK" "$before"
    run "$OFFSHOT" create ./vm.xml s2 --disk-only
    assert_error 3 "$1"
    assert_unchanged "$WORK" "$before"
    run "$OFFSHOT" create ./vm.xml s2 --disk-only --dry-run
    assert_status 3
    run "$OFFSHOT" recover ./vm.xml --json
    assert_status 3
    assert_equal "$(json '.error.code + " " + (.error.exit | tostring)')" 'interrupted 3'
    ok "$OFFSHOT" list ./vm.xml --name
    assert_stdout s1
    assert_stderr_contains offshot
    ok "$OFFSHOT" current ./vm.xml --name
    assert_unchanged "$WORK" "$before"
}

echo 'offshot-journal 4000000 0000' >"$journal"
check newer
printf 'offshot-journal 999999999 %064d\n[journal]\nphase=committed\n' 0 >"$journal"
check newer
: >"$journal"
check journal
echo 'nonsense' >"$journal"
check journal
printf 'offshot-journal 1 %064d\n[journal]\nphase=committed\n' 0 >"$journal"
check checksum
head -c 4096 /dev/urandom >"$journal"
check journal
printf 'offshot-journal 1\n' >"$journal"
check journal
# right sum, wrong content
body=$'[journal]\nphase=perhaps\n'
printf 'offshot-journal 1 %s\n%s' "$(printf %s "$body" | sha256sum | cut -d' ' -f1)" "$body" >"$journal"
check journal

# when it has gone, all goes on
rm -r .vm.offshot
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
