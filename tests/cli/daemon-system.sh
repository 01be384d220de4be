#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon of the system is seen like that of a session. It runs in a mount namespace, in which it finds
# nothing of this machine's libvirt.
: "${srcdir:?}"
if [ "$(id -u)" = 0 ] && [ "${OFFSHOT_TEST_APART-}" != yes ] && unshare --mount true 2>/dev/null; then
    OFFSHOT_TEST_APART=yes exec unshare --mount --propagation private "$0"
fi
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/daemon.sh"

need_root
[ "${OFFSHOT_TEST_APART-}" = yes ] || skip 'cannot make a mount namespace'
need qemu-img
[ -d /etc/libvirt ] || skip '/etc/libvirt is missing'
for place in /etc/libvirt /run /var/cache /var/lib; do
    mkdir -p "$SCRATCH/apart$place"
    mount --bind "$SCRATCH/apart$place" "$place" || skip "cannot mount on '$place'"
done
mkdir /etc/libvirt/qemu
printf 'user = "+0"\ngroup = "+0"\n' >/etc/libvirt/qemu.conf
AS_USER=()
SESSION_URI=qemu:///system
DAEMON_CACHE=/var/cache/libvirt/qemu
need_daemon

make_image a.qcow2 qcow2 1M
domain_xml vm vda:qcow2:a.qcow2 >/etc/libvirt/qemu/vm.xml
domain_xml other vda:qcow2:a.qcow2 >other.xml
ok "$OFFSHOT" create vm s1 --disk-only
assert_exists /var/lib/libvirt/qemu/snapshot/vm/s1.xml

for daemon in $(list_daemons); do
    start_daemon "$daemon"
    assert_equal "$(session_virsh snapshot-list vm --name)" s1 "what $daemon has read"
    for arguments in 'create vm s2 --disk-only' 'revert vm s1' 'delete vm s1' 'recover vm'; do
        # shellcheck disable=SC2086 # words
        run "$OFFSHOT" $arguments
        assert_error 5 'a libvirt daemon (process '
        assert_stderr_contains "'qemu:///system'"
    done
    ok "$OFFSHOT" list vm --name
    assert_stdout s1
    # root's session is another place, and no daemon serves it
    mkdir -p "$SESSION_DOMAINS"
    cp other.xml "$SESSION_DOMAINS/other.xml"
    ok "$OFFSHOT" -c qemu:///session create other "$daemon" --disk-only --dry-run
    # told once, it has written the hand-made description in its own way
    ok "$OFFSHOT" publish vm --run
    ok "$OFFSHOT" publish vm --run
    assert_stderr_contains 'nothing to tell'
    stop_daemon
done
ok "$OFFSHOT" create vm s2 --disk-only
start_daemon "$(list_daemons | head -n 1)"
assert_equal "$(session_virsh snapshot-current vm --name)" s2 'current snapshot'
