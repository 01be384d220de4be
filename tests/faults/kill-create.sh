#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# offshot is killed at each of its system calls, and qemu-img at each of its own, while a snapshot of two
# disks is taken: whatever command comes next finds the state before or the state after.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace qemu-io
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 256k
make_image b.raw raw 256k
pattern_write a.qcow2 qcow2 0x11 0 64k
pattern_write b.raw raw 0x22 0 64k
make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:raw:"$CASE/b.raw"
ok "$OFFSHOT" create ./vm.xml first --disk-only
fixture_end

create=("$OFFSHOT" create ./vm.xml s1 --disk-only)
references "${create[@]}"
case_fresh
ok "${create[@]}"
assert_case_sound a.qcow2:qcow2 b.raw:raw a.first:qcow2 b.first:qcow2 a.s1:qcow2 b.s1:qcow2
pattern_check a.s1 qcow2 0x11 0 64k
pattern_check b.s1 qcow2 0x22 0 64k

calls=$CHANGES
! is_long || calls=all
kill_everywhere 'create, offshot killed' "$calls" "${create[@]}"

# The first snapshot of a domain also makes the store.
cd "$WORK" || exit 99
rm -rf "$FIXTURE" "$CASE"
fixture_begin
make_image a.qcow2 qcow2 256k
make_image b.raw raw 256k
make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:raw:"$CASE/b.raw"
fixture_end
references "${create[@]}"
kill_everywhere 'first create, offshot killed' "$calls" "${create[@]}"

# qemu-img killed at each call: a failed step, so everything is undone at once.
calls=openat,pwrite64,pwritev,fallocate,ftruncate,fdatasync,fcntl,lseek,close,exit_group
! is_long || calls=all
case_fresh
mapfile -t list < <(trace_points "$calls" qemu-img create -q -u -f qcow2 -F raw -b b.raw -- "$CASE/x" 256k)
[ "${#list[@]}" -gt 10 ] || fail "qemu-img has only ${#list[@]} calls"
row='create, qemu-img killed'
killed=0
for i in "${!list[@]}"; do
    read -r call number <<<"${list[i]}"
    one=b.raw
    [ $((i % 2)) = 0 ] || one=a.qcow2
    # shellcheck disable=SC2016 # for the wrapper
    wrap_qemu_img 'case " $* " in
*" '"$one"' "*) exec strace -f -qq -o /dev/null -e trace='"$call"' \
    -e inject='"$call:signal=KILL:when=$number"' "$REAL" "$@" ;;
*) exec "$REAL" "$@" ;;
esac'
    case_fresh
    PATH=$BIN:$PATH run "${create[@]}"
    trial "$row"
    case $STATUS in
    0) compare "$row" "$one killed at ${list[i]}, too late" nothing after ;;
    1)
        killed=$((killed + 1))
        compare "$row" "$one killed at ${list[i]}" nothing before
        ;;
    *) lost "$row" "$one killed at ${list[i]}: status $STATUS" ;;
    esac
done
[ "$killed" -gt $((${#list[@]} / 2)) ] || fail "only $killed of ${#list[@]} were killed"

# offshot is killed by its own child, before and behind what that does.
row='create, offshot killed by qemu-img'
# shellcheck disable=SC2016 # for the wrapper
for script in 'kill -9 "$PPID"; exec "$REAL" "$@"' '"$REAL" "$@"; kill -9 "$PPID"; exec sleep 60'; do
    wrap_qemu_img "$script"
    for next in "${FOLLOW_UPS[@]}"; do
        case_fresh
        { PATH=$BIN:$PATH run "${create[@]}" --sandbox=off; } 2>/dev/null
        trial "$row"
        [ "$STATUS" = 137 ] || lost "$row" "status $STATUS"
        ! run_next "$row" "$script" "$next" || compare "$row" "$script" "$next" before
    done
done

table
