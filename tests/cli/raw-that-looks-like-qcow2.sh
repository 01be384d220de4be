#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A raw disk into which the guest wrote a qcow2 header stays raw, with a warning: its overlay shows
# the header to the guest.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint jq

make_image secret.raw raw 1M
pattern_write secret.raw raw 0x99 0 1M
make_image a.raw qcow2 1M -b "$WORK/secret.raw" -F raw
truncate -s 1M a.raw
cp a.raw guest-saw
make_domain vm vda:raw:a.raw
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_stderr_contains 'warning'
assert_stderr_contains 'raw'
assert_equal "$(image_info a.s1 qcow2 '."backing-filename-format"')" raw
assert_same_content a.s1 qcow2 guest-saw raw
assert_same_file a.raw guest-saw
