#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Between a crash and its recovery an image that is about to go is given to another domain: it stays, whatever is
# finished, and the other domain has its disk.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace qemu-io
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
pattern_write a.s2 qcow2 0x55 0 64k
fixture_end

# named IMAGE ROW COMMAND...: COMMAND is killed at each call that removes, renames or flushes; then other.xml names IMAGE.
named()
{
    local image=$1 row=$2 point kept=0 list

    shift 2
    mapfile -t list < <(points unlink,rename,renameat2,fsync "$@")
    for point in "${list[@]}"; do
        case_fresh
        # shellcheck disable=SC2086 # a call and a number
        at $point signal=KILL "$@"
        [ -e "$image" ] || continue
        make_domain other vda:qcow2:"$CASE/$image"
        trial "$row"
        run "$OFFSHOT" recover ./vm.xml
        case $STATUS in
        0) ;;
        3) assert_stderr_contains 'other.xml' ;;
        *) lost "$row" "killed at $point: recover ends with $STATUS" ;;
        esac
        ! grep -q 'other.xml' "$STDERR" || kept=$((kept + 1))
        if [ ! -e "$image" ]; then
            lost "$row" "killed at $point: the image is gone"
        elif ! pattern_is "$image"; then
            lost "$row" "killed at $point: the image shows something else"
        fi
    done
    [ "$kept" -gt 0 ] || fail "$row: nothing was kept"
}

pattern_is()
{
    (pattern_check "$1" qcow2 0x55 0 64k) >/dev/null 2>&1
}

named a.s2 'revert' "$OFFSHOT" revert ./vm.xml s1
named a.s2 'delete, committed' "$OFFSHOT" delete ./vm.xml s2 --strategy=commit
table
