# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests share that need a real libvirt daemon; source it behind lib.sh. It serves qemu:///session in
# directories of the test, and ends with the test.
#
# libvirt takes root for the system's user whatever the URI says, so root plays another one in a user namespace:
# "${AS_USER[@]}" goes before every program that is to talk to the daemon.

# short, since sockets lie below
SESSION=$SCRATCH/s
export XDG_CONFIG_HOME=$SESSION/config XDG_CACHE_HOME=$SESSION/cache XDG_STATE_HOME=$SESSION/state
export XDG_RUNTIME_DIR=$SESSION/run
# virsh starts no daemon by itself
export LIBVIRT_AUTOSTART=0
export SESSION_DOMAINS=$XDG_CONFIG_HOME/libvirt/qemu SESSION_RUN=$XDG_RUNTIME_DIR/libvirt/qemu/run
SESSION_URI=qemu:///session
DAEMON_CACHE=$XDG_CACHE_HOME/libvirt/qemu/cache
DAEMON=
AS_USER=()
[ "$(id -u)" != 0 ] || AS_USER=(unshare --user --map-user=1000 --map-group=1000)

mkdir -p "$SESSION"
mkdir -m 700 "$XDG_CONFIG_HOME" "$XDG_CACHE_HOME" "$XDG_STATE_HOME" "$XDG_RUNTIME_DIR"

# find_daemon NAME: its path; daemons are not in everybody's PATH.
find_daemon()
{
    PATH=$PATH:/usr/sbin:/sbin command -v "$1"
}

# The daemons that this machine has, one or two of libvirtd and virtqemud.
list_daemons()
{
    local name

    for name in libvirtd virtqemud; do
        ! find_daemon "$name" >/dev/null || echo "$name"
    done
}

# Skip where none can run. They are given what the tests in an embedded root have learned of QEMU.
need_daemon()
{
    local first

    need virsh flock qemu-system-x86_64
    first=$(list_daemons | head -n 1)
    [ -n "$first" ] || skip 'neither libvirtd nor virtqemud is here'
    [ ${#AS_USER[@]} = 0 ] || "${AS_USER[@]}" true 2>"$STDERR" \
        || skip "root cannot play a user: $(tail -n 1 "$STDERR")"
    mkdir -p "$DAEMON_CACHE"
    cp -R "$(embed_template)/cache/qemu/." "$DAEMON_CACHE"
    launch_daemon "$first" || skip "$first does not start: $(tail -n 1 "$SCRATCH/daemon.log")"
    stop_daemon
}

# True when it serves within 20 seconds.
launch_daemon()
{
    local tries

    "${AS_USER[@]}" "$(find_daemon "$1")" </dev/null >"$SCRATCH/daemon.log" 2>&1 &
    DAEMON=$!
    for ((tries = 0; tries < 400; tries++)); do
        ! session_virsh list >/dev/null 2>&1 || return 0
        kill -0 "$DAEMON" 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}

# start_daemon NAME
start_daemon()
{
    launch_daemon "$1" || fail "$1 does not serve: $(tail -n 3 "$SCRATCH/daemon.log")"
}

# signal_daemon SIGNAL: and wait until it is gone.
signal_daemon()
{
    [ -n "$DAEMON" ] || return 0
    kill -s "$1" "$DAEMON" 2>/dev/null
    wait "$DAEMON" 2>/dev/null
    DAEMON=
}

stop_daemon()
{
    signal_daemon TERM
}

# The machines that a daemon has started live on without it.
end_session()
{
    local file

    stop_daemon
    rm -f "$SESSION_RUN/driver.pid"
    for file in "$SESSION_RUN"/*.pid; do
        [ ! -s "$file" ] || kill "$(cat "$file")" 2>/dev/null
    done
}
at_exit end_session

# session_virsh ARGUMENT...
session_virsh()
{
    "${AS_USER[@]}" virsh -q -c "$SESSION_URI" "$@" </dev/null
}

# What virsh shows of a domain: the definition, each snapshot, and which one is current.
session_state()
{
    local name

    session_virsh dumpxml --inactive --security-info "$1" || return
    session_virsh snapshot-list "$1" --name | while IFS= read -r name; do
        [ -z "$name" ] || session_virsh snapshot-dumpxml "$1" "$name" --security-info
    done
    session_virsh snapshot-current "$1" --name 2>/dev/null || echo 'none is current'
}
