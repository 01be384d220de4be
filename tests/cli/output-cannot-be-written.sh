#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Commands that print fail with exit 1 when their output cannot be written.
. "${srcdir:?}/lib/lib.sh"

need qemu-img
[ -c /dev/full ] || skip 'no /dev/full'

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
for arguments in 'list ./vm.xml' 'list ./vm.xml --json' 'info ./vm.xml s1' 'dumpxml ./vm.xml s1' 'current ./vm.xml' \
    '--version' '--help' 'create ./vm.xml s2 --disk-only --dry-run'; do
    status=0
    # shellcheck disable=SC2086 # words
    "$OFFSHOT" $arguments >/dev/full 2>"$STDERR" || status=$?
    assert_equal "$status" 1 "status of '$arguments'"
    assert_stderr_contains 'offshot: cannot write'
    # a closed stdout is no other file
    # shellcheck disable=SC2086 # words
    "$OFFSHOT" $arguments >&- 2>/dev/null
    # a reader that went away is no crash
    status=0
    # shellcheck disable=SC2086 # words
    { "$OFFSHOT" $arguments 2>/dev/null; echo $? >"$SCRATCH/status"; } | true
    [ "$(cat "$SCRATCH/status")" -le 1 ] \
        || fail "status $(cat "$SCRATCH/status") with a closed pipe: '$arguments'"
done
assert_absent a.s2
