#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Whatever a stored snapshot names: a file that is none of this domain's stays as it is.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# forge FROZEN OVERLAY FORMAT: snapshot "evil", as s1, but of these files.
forge()
{
    sed "s,$WORK/a.qcow2,$1,; s,$WORK/a.s1,$2,; s,<name>s1<,<name>evil<,; s,<active>1,<active>0," vm.snapshots/s1.xml \
        | sed "s,type='qcow2',type='$3',g" >vm.snapshots/evil.xml
}

mkdir victim
make_image a.qcow2 qcow2 8M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only

seq 1000 >victim/passwd
before=$(snapshot_state victim)
forge "$WORK/victim/passwd" "$WORK/victim/passwd" raw
run "$OFFSHOT" delete ./vm.xml evil
assert_unchanged victim "$before"

make_image victim/other.qcow2 qcow2 8M
before=$(snapshot_state victim)
forge "$WORK/victim/other.qcow2" "$WORK/victim/other.qcow2" qcow2
run "$OFFSHOT" delete ./vm.xml evil
assert_unchanged victim "$before"

# the disk of another domain in the same directory, which no snapshot made
make_image other.qcow2 qcow2 8M
forge "$WORK/other.qcow2" "$WORK/nothing" qcow2
run "$OFFSHOT" delete ./vm.xml evil
assert_exists other.qcow2
