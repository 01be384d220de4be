#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that a QEMU process has open is not frozen: exit 5, nothing changed. A backing image that
# is only read is no obstacle.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-storage-daemon qemu-io jq stdbuf

make_image base.qcow2 qcow2 1M
make_image a.qcow2 qcow2 1M -b "$WORK/base.qcow2" -F qcow2
make_image b.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw

# written
hold_image a.qcow2 qcow2
assert_refuses 5 'a.qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only
release_images
hold_image b.raw raw
assert_refuses 5 'b.raw' "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_refuses 5 'b.raw' "$OFFSHOT" create ./vm.xml s1 --disk-only --dry-run
run "$OFFSHOT" create ./vm.xml s1 --disk-only --json
assert_status 5
assert_equal "$(json '.schema, .error.code, .error.exit' | tr '\n' ' ')" '1 busy 5 '
release_images

# read
hold_image b.raw raw read-only
assert_refuses 5 'b.raw' "$OFFSHOT" create ./vm.xml s1 --disk-only
release_images

# a backing image that is written
hold_image base.qcow2 qcow2
assert_refuses 5 'base.qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only
release_images

# by qemu-io as well, which is a writer like any other
mkfifo "$SCRATCH/commands"
stdbuf -oL qemu-io -f qcow2 "$WORK/a.qcow2" <"$SCRATCH/commands" >"$SCRATCH/said" 2>&1 &
exec 9>"$SCRATCH/commands"
echo 'write -P 1 0 64k' >&9
wait_until grep -q wrote "$SCRATCH/said"
assert_refuses 5 'a.qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only
exec 9>&-
wait

# a disk that is not selected may be in use; a backing image may be read
hold_image b.raw raw
hold_image base.qcow2 qcow2 read-only
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdb,snapshot=no
assert_chain "$WORK/a.s1" qcow2 "$WORK/a.qcow2" "$WORK/base.qcow2"
