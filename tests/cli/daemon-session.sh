#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A daemon of the session, libvirtd or virtqemud, is seen for as long as it runs and no longer: what changes
# anything is refused meanwhile. Its socket and what it leaves behind when it is killed are not taken for it.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/daemon.sh"

need qemu-img qemu-storage-daemon
need_daemon

make_image a.qcow2 qcow2 1M
domain_xml vm vda:qcow2:a.qcow2 >vm.xml
mkdir -p "$SESSION_DOMAINS"
cp vm.xml "$SESSION_DOMAINS/vm.xml"
n=0

# create_works WHEN
create_works()
{
    n=$((n + 1))
    run "$OFFSHOT" -c "$SESSION_URI" create vm "s$n" --disk-only
    [ "$STATUS" = 0 ] || fail "create is refused $1"
    assert_stderr_empty
}

for daemon in $(list_daemons); do
    create_works "before $daemon runs"
    start_daemon "$daemon"
    before=$(snapshot_state "$SESSION_DOMAINS"; snapshot_state "$WORK")
    for arguments in 'create vm x --disk-only' 'create vm x' "revert vm s$n" "delete vm s$n" 'flatten vm' \
        "extract vm s$n -o $WORK" 'recover vm'; do
        # shellcheck disable=SC2086 # words
        run "$OFFSHOT" -c "$SESSION_URI" $arguments
        assert_error 5 'a libvirt daemon (process '
        assert_stderr_contains 'offshot publish'
    done
    assert_equal "$(snapshot_state "$SESSION_DOMAINS"; snapshot_state "$WORK")" "$before" "state with $daemon"
    # where its process cannot be seen, its lock can
    if unshare --user --map-root-user --pid --fork true 2>/dev/null; then
        run unshare --user --map-root-user --pid --fork "$OFFSHOT" -c "$SESSION_URI" create vm x --disk-only
        assert_error 5 'a libvirt daemon serves'
    fi
    ok "$OFFSHOT" -c "$SESSION_URI" list vm --name
    assert_equal "$(session_virsh snapshot-list vm --name)" "$(cat "$STDOUT")" "what $daemon has read"
    for arguments in "info vm s$n" "dumpxml vm s$n" 'current vm' 'create vm x --disk-only --dry-run'; do
        # shellcheck disable=SC2086 # words
        ok "$OFFSHOT" -c "$SESSION_URI" $arguments
    done

    stop_daemon
    create_works "after $daemon has stopped"
    start_daemon "$daemon"
    signal_daemon KILL
    assert_exists "$SESSION_RUN/driver.pid"
    create_works "after $daemon was killed"
    # its process number belongs to somebody else by now
    echo $$ >"$SESSION_RUN/driver.pid"
    create_works 'though a number in a file lives'
    # started again, it knows what was done
    start_daemon "$daemon"
    assert_equal "$(session_virsh snapshot-current vm --name)" "s$n" 'current snapshot'
    session_virsh dumpxml vm --inactive >theirs.xml
    assert_equal "$(domain_source theirs.xml vda)" "$WORK/a.s$n" 'source of vda'
    stop_daemon
done

# systemd listens for a daemon that does not run
rm -f "$XDG_RUNTIME_DIR"/libvirt/*-sock
qemu-storage-daemon --pidfile "$SCRATCH/listens" \
    --nbd-server "addr.type=unix,addr.path=$XDG_RUNTIME_DIR/libvirt/libvirt-sock" &
at_exit "kill $!"
wait_until [ -s "$SCRATCH/listens" ]
assert_exists "$XDG_RUNTIME_DIR/libvirt/libvirt-sock"
create_works 'while only a socket listens'

# what cannot be asked is not taken for a no
rm -f "$SESSION_RUN/driver.pid"
ln -s driver.pid "$SESSION_RUN/driver.pid"
run "$OFFSHOT" -c "$SESSION_URI" create vm x --disk-only
assert_error 1 'cannot tell whether a libvirt daemon serves'
