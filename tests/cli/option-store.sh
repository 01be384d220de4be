#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --store puts the snapshot files elsewhere, relative to the working directory or absolute.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
mkdir elsewhere
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --store "$WORK/elsewhere/store"
assert_exists elsewhere/store/s1.xml
assert_absent vm.snapshots
ok "$OFFSHOT" --store elsewhere/store create ./vm.xml s2 --disk-only
assert_equal "$(ls -A elsewhere elsewhere/store)" $'elsewhere:\nstore\n\nelsewhere/store:\ns1.xml\ns2.xml' \
    files
ok "$OFFSHOT" list ./vm.xml --name --store elsewhere/store
assert_stdout $'s1\ns2'
ok "$OFFSHOT" list ./vm.xml --name
assert_stdout_empty
assert_mode elsewhere/store/s2.xml 600
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --store new/deep/store
assert_exists new/deep/store/s3.xml
# no directory
touch file
run "$OFFSHOT" create ./vm.xml s4 --disk-only --store file
[ "$STATUS" = 1 ] || [ "$STATUS" = 2 ] || [ "$STATUS" = 8 ] \
    || fail "status $STATUS with a store that is a file"
assert_absent a.s4
