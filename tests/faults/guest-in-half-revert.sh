#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An internal revert is killed anywhere in its qemu-img snapshot -a, and the VM is started before anybody
# recovers: it does not start, or on an image that is whole. All snapshots stay what they are.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io
need_plain_program

# A guest would write here; nobody else does.
GUEST=0x77

fixture_begin
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2"
for turn in 1 2; do
    pattern_write a.qcow2 qcow2 "0x1$turn" "$((turn * 64))k" 128k
    ok "$OFFSHOT" create ./vm.xml "s$turn" --internal
done
pattern_write a.qcow2 qcow2 0x13 256k 64k
fixture_end

# Which calls are those of qemu-img snapshot -a: this one says how many came before its end and its beginning.
# shellcheck disable=SC2016
wrap_qemu_img 'count() { LD_PRELOAD= od -An -tu4 -N4 "$FAULT_SHIM"; }
case " $* " in *" -a "*)
    first=$(count); "$REAL" "$@"; status=$?; last=$(count)
    echo $first $last >'"$SCRATCH/marks"'
    exit $status ;;
esac
exec "$REAL" "$@"'
case_fresh
before=$(shown a.qcow2 qcow2)
frozen="$(shown a.qcow2 qcow2 s1) $(shown a.qcow2 qcow2 s2)"
after=$(shown a.qcow2 qcow2 s1)
PATH=$BIN:$PATH shim 0 none "$OFFSHOT" revert ./vm.xml s1
assert_status 0
assert_equal "$(shown a.qcow2 qcow2)" "$after"
read -r first last <"$SCRATCH/marks"
[ $((last - first)) -ge 5 ] || fail "qemu-img snapshot -a makes only $((last - first)) calls"

# guest: writes over all of the disk that vm.xml names. Returns whether it could.
guest()
{
    run qemu-io -f qcow2 -c "write -P $GUEST 0 1M" "$(domain_source vm.xml vda)"
    [ "$STATUS" = 0 ] && grep -q '^wrote ' "$STDOUT"
}

recover()
{
    local turn

    # what was killed may hold its locks a moment longer
    for ((turn = 0; turn < 100; turn++)); do
        run "$OFFSHOT" recover ./vm.xml
        [ "$STATUS" = 5 ] || break
        sleep 0.05
    done
    assert_status 0
}

# What has to hold in the end, whoever used the disk meanwhile.
recover_and_compare()
{
    recover
    [ "$(shown a.qcow2 qcow2 s1) $(shown a.qcow2 qcow2 s2)" = "$frozen" ] || fail "$1: a snapshot has changed"
    assert_clean a.qcow2 qcow2
    assert_equal "$(find . -name '.*.offshot-*')" ''
}

# Killed at call $1, in the middle of -a when $2 is 1: then the guest does not get at the image.
killed_at()
{
    local started=0 now

    case_fresh
    shim "$1" kill "$OFFSHOT" revert ./vm.xml s1
    shim_hit || fail "call $1 was not reached"
    guest && started=1
    [ "$started$2" != 11 ] || fail "call $1: a guest starts on a half-reverted image"
    recover_and_compare "call $1"
    now=$(shown a.qcow2 qcow2)
    [ "$started" = 1 ] || [ "$now" = "$before" ] || [ "$now" = "$after" ] \
        || fail "call $1: the disk is as neither before nor after"
}

for ((call = first + 1; call <= last; call++)); do
    killed_at "$call" 1
done
for ((call = first - 8; call <= last + 12; call++)); do
    if [ "$call" -le "$first" ] || [ "$call" -gt "$last" ]; then
        killed_at "$call" 0
    fi
done

# Recovery is killed as well, anywhere; the next one ends it. Another recovery may not begin before what was
# killed has died and let go of the images.
half()
{
    case_fresh
    shim "$(((first + last) / 2))" kill "$OFFSHOT" revert ./vm.xml s1
}

# recover_killed AT: whether it came so far.
recover_killed()
{
    local turn

    for ((turn = 0; turn < 100; turn++)); do
        shim "$1" kill "$OFFSHOT" recover ./vm.xml
        [ "$STATUS" = 5 ] || break
        sleep 0.05
    done
    shim_hit
}

step=5
! is_long || step=1
tried=0
for ((call = 1; ; call += step)); do
    half
    recover_killed "$call" || break
    tried=$((tried + 1))
    guest || true
    recover_and_compare "second call $call"
done
[ "$tried" -ge 5 ] || fail "recovery was killed only $tried times"
