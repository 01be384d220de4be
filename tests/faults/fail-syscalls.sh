#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each system call by which offshot itself changes something fails once, with each error that a file system
# gives: everything is undone (exit 1; 6 when space ran out), or done (0), or `offshot recover` does one of the
# two (3).
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace
need_plain_program

errors=(EIO ENOSPC EROFS EACCES)
calls=write,fallocate,fsync,rename,renameat2,link,unlink,openat,mkdir,fchown,fchmod,rmdir

# What a failure leaves behind when it is the removal of the lock that fails; nothing else may stay.
drop_lock()
{
    [ -e .vm.offshot/journal ] || rm -rf .vm.offshot
}

# judge ROW WHAT ERROR: after the run.
judge()
{
    if grep -q 'cannot write to standard output' "$STDERR"; then
        # It has happened by then, and only the news is lost.
        compare "$1" "$2: status $STATUS" nothing after
        return
    fi
    case $STATUS in
    0)
        drop_lock
        compare "$1" "$2: status 0" nothing after
        ;;
    1 | 6)
        drop_lock
        compare "$1" "$2: status $STATUS" nothing before
        if [ "$STATUS" = 6 ] && [ "$3" != ENOSPC ]; then
            lost "$1" "$2: status 6, but it was $3"
        elif [ "$STATUS" = 1 ] && [ "$3" = ENOSPC ]; then
            lost "$1" "$2: status 1 instead of 6"
        fi
        ;;
    3) ;;
    *) lost "$1" "$2: status $STATUS" ;;
    esac
    if [ "$STATUS" != 0 ] && ! grep -q '^offshot: .*: ' "$STDERR"; then
        lost "$1" "$2: no reason on stderr"
    fi
    if [ "$STATUS" = 3 ] && ! grep -q 'offshot recover' "$STDERR"; then
        lost "$1" "$2: status 3, but nothing says how to go on"
    fi
}

# fail_each NAME COMMAND...: of an operation.
fail_each()
{
    local row what number=0 list error

    row=$1
    shift
    mapfile -t list < <(points "$calls" "$@")
    [ "${#list[@]}" -gt 20 ] || fail "only ${#list[@]} calls"
    for what in "${list[@]}"; do
        number=$((number + 1))
        for error in "${errors[@]}"; do
            # Every call fails for want of space, and in one of the other ways.
            if ! is_long && [ "$error" != ENOSPC ] && [ "$error" != "${short[number % 3]}" ]; then
                continue
            fi
            case_fresh
            # shellcheck disable=SC2086 # a call and a number
            at $what "error=$error" "$@"
            trial "$row: ${what% *}"
            judge "$row: ${what% *}" "$error at $what" "$error"
            if run_next "$row: ${what% *}" "$error at $what" recover; then
                compare "$row: ${what% *}" "$error at $what" recover either
            fi
        done
    done
}
short=(EIO EROFS EACCES)

# fixture FORMAT: two disks with a snapshot; a user's own file as far as that can be had.
fixture()
{
    cd "$WORK" || exit 99
    rm -rf "$FIXTURE" "$CASE"
    fixture_begin
    make_image a.img qcow2 256k
    make_image b.img "$1" 256k
    make_domain vm vda:qcow2:"$CASE/a.img" vdb:"$1":"$CASE/b.img"
    ok "$OFFSHOT" create ./vm.xml first "${options[@]}"
    [ "$(id -u)" != 0 ] || chown 12345:12345 -- *.img *.first* vm.xml
    # root follows what that user wrote as by sudo
    export SUDO_UID=12345
    fixture_end
}

FOLLOW_UPS=(recover)
options=(--disk-only)
fixture raw
references "$OFFSHOT" create ./vm.xml s1 "${options[@]}"
fail_each create "$OFFSHOT" create ./vm.xml s1 "${options[@]}"

# A file system that knows no renaming without replacing.
for error in EINVAL ENOSYS; do
    row="create: renameat2 not supported"
    case_fresh
    trial "$row"
    at renameat2 1 "error=$error" "$OFFSHOT" create ./vm.xml s1 "${options[@]}"
    [ "$STATUS" = 0 ] || lost "$row" "$error: status $STATUS"
    compare "$row" "$error" nothing after
done

# A file system without hard links.
for error in EPERM EOPNOTSUPP; do
    row="create: link not supported"
    case_fresh
    trial "$row"
    at link 2 "error=$error" "$OFFSHOT" create ./vm.xml s1 "${options[@]}"
    [ "$STATUS" = 1 ] || lost "$row" "$error: status $STATUS"
    grep -q 'hard links' "$STDERR" || lost "$row" "$error: the message does not tell"
    compare "$row" "$error" nothing before
done

options=(--disk-only --keep-filename)
fixture qcow2
references "$OFFSHOT" create ./vm.xml s1 "${options[@]}"
fail_each 'create --keep-filename' "$OFFSHOT" create ./vm.xml s1 "${options[@]}"

table
