#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whatever a caller hands down, a create either works as ever, or fails and leaves nothing: another PID
# namespace, no room for files, odd masks, no working directory, closed standard
# files, ignored or blocked signals.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq
need_plain_program

fresh()
{
    cd "$WORK" || exit 99
    find . -mindepth 1 -delete
    make_image a.qcow2 qcow2 1M
    pattern_write a.qcow2 qcow2 0x11 0 64k
    make_domain vm vda:qcow2:a.qcow2
}

# as_ever: the snapshot is there, with the modes that it has otherwise.
as_ever()
{
    assert_chain "$WORK/a.s1" qcow2 "$WORK/a.qcow2"
    pattern_check a.s1 qcow2 0x11 0 64k
    assert_equal "$(domain_source vm.xml vda)" "$WORK/a.s1"
    assert_snapshot_valid vm.snapshots/s1.xml
    assert_equal "$(stat -c '%a %n' a.s1 vm.xml vm.snapshots vm.snapshots/s1.xml | tr '\n' ' ')" \
        "$(stat -c %a a.qcow2) a.s1 644 vm.xml 700 vm.snapshots 600 vm.snapshots/s1.xml " modes
    assert_equal "$(printf '%s ' .[!.]* *)" '.[!.]* a.qcow2 a.s1 vm.snapshots vm.xml ' files
}

create=("$OFFSHOT" create ./vm.xml s1 --disk-only)

# whatever the mask
for mask in 0 0777; do
    fresh
    run bash -c "umask $mask; exec \"\$@\"" - "${create[@]}"
    assert_status 0
    as_ever
done

# standard files that are closed are not taken for others
for redirection in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
    fresh
    run bash -c "exec \"\$@\" $redirection" - "${create[@]}"
    assert_status 0
    as_ever
done

# signals that a parent ignored or blocked
for signals in CHLD PIPE HUP,INT,TERM XFSZ; do
    for how in ignore block; do
        fresh
        run env "--$how-signal=$signals" "${create[@]}"
        assert_status 0
        as_ever
    done
done

# no file may grow: neither a signal nor a rest of anything
for limit in 0 1 64; do
    fresh
    before=$(snapshot_state "$WORK")
    run bash -c "ulimit -f $limit; exec \"\$@\"" - "${create[@]}"
    [ "$STATUS" = 1 ] || [ "$STATUS" = 6 ] || fail "status $STATUS with files of $limit KiB"
    [ ! -s "$STDERR" ] || assert_error "$STATUS" ''
    assert_unchanged "$WORK" "$before"
done

# the working directory has gone: what is named from the root works, what is not is no file in the root
fresh
for arguments in '--diskspec vda,file=offshot-relative' '--store offshot-relative'; do
    before=$(snapshot_state "$WORK")
    mkdir "$SCRATCH/gone"
    # shellcheck disable=SC2086 # words
    run bash -c 'cd "$1" && rmdir "$1" && shift && exec "$@"' - "$SCRATCH/gone" \
        "$OFFSHOT" create "$WORK/vm.xml" s1 --disk-only $arguments
    assert_error 2 'directory'
    assert_unchanged "$WORK" "$before"
    assert_absent /offshot-relative
done
mkdir "$SCRATCH/gone"
run bash -c 'cd "$1" && rmdir "$1" && shift && exec "$@"' - "$SCRATCH/gone" \
    "$OFFSHOT" create "$WORK/vm.xml" s1 --disk-only
assert_status 0
as_ever

# a user who is not root, and whose mask takes his own rights away
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$SCRATCH" "$WORK"
    user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    if "${user[@]}" "$OFFSHOT" --version >/dev/null 2>&1; then
        for mask in 0777 0377; do
            fresh
            chown -R 65534:65534 "$WORK"
            run "${user[@]}" bash -c "umask $mask; exec \"\$@\"" - "${create[@]}"
            assert_status 0
            as_ever
        done
        chown 0:0 "$WORK"
    fi
fi

# a daemon that is in another PID namespace is none the less there
namespace=(unshare --pid --fork --mount-proc)
if "${namespace[@]}" true 2>/dev/null && command -v flock >/dev/null && command -v python3 >/dev/null; then
    fresh
    root=$WORK/root
    make_embed_domain "$root" vm vda:qcow2:a.qcow2
    mkdir -p "$root/run/qemu" "$root/lib/qemu"
    echo $$ >"$root/run/qemu/driver.pid"
    python3 -c '
import fcntl, sys, time
held = open(sys.argv[1], "r+")
fcntl.lockf(held, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)' "$root/run/qemu/driver.pid" >"$SCRATCH/daemon" &
    daemon=$!
    at_exit "kill $daemon 2>/dev/null"
    wait_until [ -s "$SCRATCH/daemon" ]
    for prefix in '' "${namespace[*]}"; do
        # shellcheck disable=SC2086 # words
        assert_refuses 5 'daemon' $prefix "$OFFSHOT" -c "qemu:///embed?root=$root" create vm s1 --disk-only
    done
    kill "$daemon"
    wait "$daemon"
    run "${namespace[@]}" "$OFFSHOT" -c "qemu:///embed?root=$root" create vm s1 --disk-only
    assert_status 0
fi
