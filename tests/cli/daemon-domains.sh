#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Domains that run under a real daemon: a transient one is no domain to take a snapshot of, and says so; one that
# is given by path is known to run; no daemon is told of new images while it runs the domain or has its memory.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/daemon.sh"

need qemu-img
need_daemon

mkdir -p "$XDG_CONFIG_HOME/libvirt"
echo 'stdio_handler = "file"' >"$XDG_CONFIG_HOME/libvirt/qemu.conf"
export LIBVIRT_DEFAULT_URI=$SESSION_URI
publish=("${AS_USER[@]}" "$OFFSHOT" publish ./vm.xml --run)
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
daemon=$(list_daemons | head -n 1)
start_daemon "$daemon"
session_virsh create vm.xml --paused >/dev/null 2>"$STDERR" || skip "no machine starts: $(cat "$STDERR")"

for name in vm "$(domain_uuid vm)"; do
    assert_refuses 5 "domain '$name' runs and is transient" "$OFFSHOT" -c "$SESSION_URI" list "$name"
    assert_refuses 5 'transient' "$OFFSHOT" -c "$SESSION_URI" create "$name" s1 --disk-only
done
assert_refuses 5 'the domain runs (process ' "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_refuses 5 "runs at '$SESSION_URI'" "${publish[@]}"
session_virsh destroy vm >/dev/null || fail 'cannot stop the domain'
run "$OFFSHOT" -c "$SESSION_URI" list vm
assert_error 4 "no domain 'vm'"

# a persistent one
session_virsh define vm.xml >/dev/null || fail 'cannot define the domain'
session_virsh start vm --paused >/dev/null || fail 'cannot start the domain'
ok "$OFFSHOT" -c "$SESSION_URI" list vm
assert_refuses 5 "runs at '$SESSION_URI'" "${publish[@]}"
# its QEMU outlives the daemon
stop_daemon
run "$OFFSHOT" -c "$SESSION_URI" create vm s1 --disk-only
assert_error 5 'the domain runs (process '
start_daemon "$daemon"
assert_equal "$(session_virsh domstate vm)" paused 'state of the domain'
session_virsh managedsave vm >/dev/null || fail 'cannot save the domain'
assert_refuses 8 'managed-save' "${publish[@]}"
session_virsh managedsave-remove vm >/dev/null || fail 'cannot drop the memory'
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
ok "${publish[@]}"
assert_equal "$(session_virsh snapshot-current vm --name)" s1 'current snapshot'
# the machine runs on what it was told
session_virsh start vm --paused >/dev/null || fail 'cannot start the domain again'
assert_equal "$(session_virsh domblklist vm | awk '$1 == "vda" { print $2 }')" "$WORK/a.s1" 'source of vda'
