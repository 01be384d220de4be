#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The name of an image comes to lead to somebody else's image when qemu-img, inside its sandbox, is about to open it:
# what is written is the image that was looked at, and what is only read cannot be opened. Nothing is lost.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint pgrep
need_plain_program
ok "$OFFSHOT" --version
! grep -qx 'sandbox: none' "$STDOUT" || skip 'the kernel has no Landlock'

BIN=$SCRATCH/bin
VICTIM=$SCRATCH/victim
mkdir "$BIN"
cat >"$BIN/qemu-img" <<EOF
#!/bin/bash
case "\$1" in commit | rebase) kill -STOP \$\$ ;; esac
exec $(printf %q "$(command -v qemu-img)") "\$@"
EOF
chmod +x "$BIN/qemu-img"

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
pattern_write a.qcow2 qcow2 0x11 0 64k
for number in 1 2; do
    ok "$OFFSHOT" create ./vm.xml "s$number" --disk-only
    pattern_write "a.s$number" qcow2 "0x$((number + 1))$((number + 1))" "$((number * 64))k" 64k
done
mkdir "$SCRATCH/before"
cp -a . "$SCRATCH/before"
cp a.qcow2 "$VICTIM"
victim=$(sha256sum <"$VICTIM")

# the program that PID has started, once it has stopped itself: $program
find_stopped()
{
    program=$(pgrep -P "$1") && grep -q '^State:.*T' "/proc/$program/status" 2>/dev/null
}

# swapped STRATEGY IMAGE STATUS TEXT: s2 is deleted, and IMAGE swapped meanwhile
swapped()
{
    local strategy=$1 image=$2 pid top

    find "$WORK" -mindepth 1 -delete
    cp -a "$SCRATCH/before/." .
    LAST="delete, $strategy, $image"
    PATH=$BIN:$PATH "$OFFSHOT" delete ./vm.xml s2 "--strategy=$strategy" --sandbox=require \
        </dev/null >"$STDOUT" 2>"$STDERR" &
    pid=$!
    wait_until find_stopped "$pid"
    mv "$image" "$image.aside"
    ln -s "$VICTIM" "$image"
    kill -CONT "$program"
    STATUS=0
    wait "$pid" || STATUS=$?
    assert_error "$3" "$4"
    assert_equal "$(sha256sum <"$VICTIM")" "$victim" 'the image of somebody else'
    rm "$image"
    mv "$image.aside" "$image"
    ok "$OFFSHOT" recover ./vm.xml
    top=$(domain_source vm.xml vda)
    pattern_check "$top" qcow2 0x11 0 64k
    pattern_check "$top" qcow2 0x22 64k 64k
    pattern_check "$top" qcow2 0x33 128k 64k
    assert_clean "$top" qcow2
}

swapped commit a.s1 3 'does not lie 1 links below'
swapped commit a.s2 3 'does not lie 1 links below'
swapped rebase a.s2 3 'is not the image that the plan was made for'
swapped rebase a.s1 1 'Permission denied'
