#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A domain that libvirt runs, by its pid file, is not touched: exit 5; a pid file that a dead process
# left is no obstacle.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

root=$WORK/root
uri="qemu:///embed?root=$root"
make_image a.qcow2 qcow2 1M
make_embed_domain "$root" vm vda:qcow2:a.qcow2
mkdir -p "$root/run/qemu" "$root/lib/qemu"

sleep 1000 &
alive=$!
at_exit "kill $alive"
echo "$alive" >"$root/run/qemu/vm.pid"
assert_refuses 5 'runs' "$OFFSHOT" -c "$uri" create vm s1 --disk-only
assert_refuses 5 'runs' "$OFFSHOT" -c "$uri" create vm s1 --disk-only --dry-run
assert_refuses 5 'runs' "$OFFSHOT" -c "$uri" recover vm
ok "$OFFSHOT" -c "$uri" list vm

# of another domain
mv "$root/run/qemu/vm.pid" "$root/run/qemu/other.pid"
ok "$OFFSHOT" -c "$uri" create vm s1 --disk-only

sleep 0 &
dead=$!
wait "$dead"
echo "$dead" >"$root/run/qemu/vm.pid"
ok "$OFFSHOT" -c "$uri" create vm s2 --disk-only
: >"$root/run/qemu/vm.pid"
ok "$OFFSHOT" -c "$uri" create vm s3 --disk-only
