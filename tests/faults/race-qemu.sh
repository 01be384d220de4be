#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# QEMU opens the active image just before, during and after each operation. Before: exit 5, nothing changes. During:
# wherever an image of the disk is changed, or to be frozen, nobody starts on it. After: a VM starts, and sees what
# it should.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need jq qemu-io qemu-storage-daemon qemu-system-x86_64
need_plain_program

# The operations, one a line: fixture, what the VM sees afterwards (the number of its last write), command. An
# extract is the only one that a VM may meet: it reads what lies below the disk, which nobody writes.
OPERATIONS='external 3 create ./vm.xml new --disk-only
external 3 create ./vm.xml new --disk-only --keep-filename
external 2 revert ./vm.xml s2
external 1 revert ./vm.xml s1
external 3 delete ./vm.xml s2 --strategy=commit
external 3 delete ./vm.xml s2 --strategy=rebase
external 3 delete ./vm.xml s1
external 3 flatten ./vm.xml
external 3 extract ./vm.xml s1 -o ./out.qcow2
internal 3 create ./vm.xml new --internal
internal 1 revert ./vm.xml s1
internal 3 delete ./vm.xml s1'

# fixture NAME MODE: the disk is written to before each of two snapshots, and in the end.
fixture()
{
    local turn

    cd "$WORK" || exit 99
    fixture_begin
    make_image a.qcow2 qcow2 1M
    make_domain vm vda:qcow2:"$CASE/a.qcow2"
    for turn in 1 2 3; do
        pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$turn" $((turn * 128))k 128k
        [ $turn = 3 ] || ok "$OFFSHOT" create ./vm.xml "s$turn" "$2"
    done
    fixture_end
    mv "$FIXTURE" "$SCRATCH/$1"
}

# use_fixture NAME
use_fixture()
{
    FIXTURE=$SCRATCH/$1
    case_fresh
    IMAGE=$(domain_source vm.xml vda)
}

# qemu_system IMAGE: a VM with this disk, its processors stopped; its monitor is at stdin and stdout.
qemu_system()
{
    timeout 300 qemu-system-x86_64 -S -accel tcg -machine pc -m 16 -nodefaults -display none -monitor stdio \
        -drive "if=none,id=disk,format=qcow2,file=$1" -device virtio-blk-pci,drive=disk 2>&1
}

# try_qemu_system IMAGE, and so on: start, and end again. Each prints what QEMU says, and succeeds when it started.
try_qemu_system()
{
    echo quit | qemu_system "$1"
}

try_qemu_io()
{
    local said

    said=$(qemu-io -f qcow2 -c 'write -P 0x77 960k 64k' "$1" 2>&1)
    echo "$said"
    [[ $said == wrote* ]]
}

try_qemu_storage_daemon()
{
    local name=$SCRATCH/daemon

    qemu-storage-daemon --daemonize --pidfile "$name.pid" --nbd-server "addr.type=unix,addr.path=$name.socket" \
        --blockdev "driver=qcow2,node-name=disk,file.driver=file,file.filename=$1" \
        --export type=nbd,id=disk,node-name=disk,writable=on 2>&1 || return
    kill "$(cat "$name.pid")"
    while [ -e "$name.pid" ]; do sleep 0.01; done
}

# try_all IMAGE PROGRAM...: into the file ATTEMPTS, which of them start, and why not.
try_all()
{
    local image=$1 program said

    shift
    for program; do
        if said=$("try_$program" "$image"); then
            echo "$program started"
        else
            echo "$program refused: $(tail -n 1 <<<"$said")"
        fi
    done >>"$ATTEMPTS"
}

PROGRAMS=(qemu_io qemu_storage_daemon qemu_system)
IMAGE=
ATTEMPTS=$SCRATCH/attempts

# wrap_attempts: what offshot runs instead of qemu-img: everybody tries to get at $IMAGE at the first call that makes
# or changes anything; later only qemu-io. An image that has no name for a while is locked, too.
wrap_attempts()
{
    # shellcheck disable=SC2016 # for the wrapper
    wrap_qemu_img "$(declare -p SCRATCH IMAGE ATTEMPTS HOME
declare -f qemu_system try_qemu_system try_qemu_io try_qemu_storage_daemon try_all)"'
case $1 in
info | --version) ;;
*) if [ -s "$ATTEMPTS" ]; then try_all "$IMAGE" qemu_io
    else try_all "$IMAGE" qemu_io qemu_storage_daemon qemu_system; fi
    [ -e "$IMAGE" ] || try_all "$(ls "${IMAGE%/*}/.${IMAGE##*/}".offshot-*)" qemu_io ;;
esac
exec "$REAL" "$@"'
}

# before FIXTURE: whoever has the disk, each operation is refused.
before()
{
    local fixture sees command

    while read -r fixture sees command; do
        [[ "$fixture $command" == "$1 "* && $command != extract* ]] || continue
        # shellcheck disable=SC2086 # words
        assert_refuses 5 'in use' "$OFFSHOT" $command
    done <<<"$OPERATIONS"
}

hold_by_vm()
{
    mkfifo "$SCRATCH/monitor"
    qemu_system "$IMAGE" <"$SCRATCH/monitor" >"$SCRATCH/vm" &
    exec 9>"$SCRATCH/monitor"
    echo 'info status' >&9
    wait_until grep -q '^VM status' "$SCRATCH/vm"
}

release_vm()
{
    echo quit >&9
    exec 9>&-
    wait
    rm "$SCRATCH/monitor"
}

# during COMMAND: only the extract lets anybody in.
during()
{
    local want=refused

    [[ $1 != extract* ]] || want=started
    : >"$ATTEMPTS"
    wrap_attempts
    # shellcheck disable=SC2086 # words
    PATH=$BIN:$PATH run "$OFFSHOT" $1 --sandbox=off
    assert_status 0
    [ "$(wc -l <"$ATTEMPTS")" -ge ${#PROGRAMS[@]} ] || fail "$1: only tried: $(cat "$ATTEMPTS")"
    ! grep -v " $want" "$ATTEMPTS" || fail "$1: the image was not $want"
    [[ $1 != *internal* ]] || grep -q 'refused: Is another process' "$ATTEMPTS" || fail "$1: no lock"
    ! grep refused "$ATTEMPTS" | grep -v -e 'lock' -e 'No such file' -e 'Is another process' \
        || fail "$1: refused for another reason"
}

# after LAST: a VM starts, and sees all writes up to LAST and no later ones.
after()
{
    local turn

    for turn in 1 2 3; do
        echo "qemu-io disk \"read -P $([ $turn -gt "$1" ] && echo 0 || echo "0x1$turn") $((turn * 128))k 128k\""
    done >"$SCRATCH/reads"
    echo quit >>"$SCRATCH/reads"
    qemu_system "$(domain_source vm.xml vda)" <"$SCRATCH/reads" >"$STDOUT"
    assert_equal "$(grep -c '^read 131072/131072' "$STDOUT")" 3 'reads of the VM'
    ! grep -i 'failed' "$STDOUT" || fail 'the VM sees something else'
    assert_clean "$(domain_source vm.xml vda)" qcow2
}

fixture external --disk-only
fixture internal --internal
for name in external internal; do
    use_fixture $name
    : >"$ATTEMPTS"
    try_all "$IMAGE" "${PROGRAMS[@]}"
    ! grep -v started "$ATTEMPTS" || fail 'nothing starts, whoever has the image'
    hold_image "$IMAGE" qcow2
    before $name
    release_images
    hold_by_vm
    before $name
    release_vm
done
while read -r name sees command; do
    echo "$command"
    use_fixture "$name"
    during "$command"
    after "$sees"
    [ ! -e out.qcow2 ] || pattern_check out.qcow2 qcow2 0 256k 768k
done <<<"$OPERATIONS"
