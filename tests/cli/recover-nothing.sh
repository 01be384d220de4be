#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# recover says so when there is nothing to do, and leaves nothing behind.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
before=$(snapshot_state "$WORK")
ok "$OFFSHOT" recover ./vm.xml
assert_stdout 'Nothing to recover'
assert_unchanged "$WORK" "$before"
ok "$OFFSHOT" recover ./vm.xml -q
assert_stdout_empty
ok "$OFFSHOT" recover ./vm.xml --json
assert_equal "$(json .recovered)" nothing
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
before=$(snapshot_state "$WORK")
ok "$OFFSHOT" recover ./vm.xml
assert_stdout 'Nothing to recover'
assert_unchanged "$WORK" "$before"
assert_refuses 4 'none.xml' "$OFFSHOT" recover ./none.xml
assert_refuses 2 "'more'" "$OFFSHOT" recover ./vm.xml more
