#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that its disk has left behind does not go back to an internal snapshot: what it shows now may be the only
# copy of something.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --internal
pattern_write a.qcow2 qcow2 0x22 0 64k
cp vm.xml "$SCRATCH/vm.xml"

# moved by hand to a copy, or to nothing
cp a.qcow2 b.qcow2
for image in b.qcow2 gone.qcow2; do
    sed "s,/a\.qcow2,/$image," "$SCRATCH/vm.xml" >vm.xml
    for option in '' --save-as=s2; do
        # the state of nothing cannot be saved
        [ "$image$option" != gone.qcow2--save-as=s2 ] || continue
        run "$OFFSHOT" revert ./vm.xml s1 ${option:+"$option"}
        assert_status 8
        assert_stderr_contains "the domain has another image than '$WORK/a.qcow2'"
        assert_stderr_contains 'offshot extract'
        pattern_check a.qcow2 qcow2 0x22 0 64k
    done
done

# the way on
cp "$SCRATCH/vm.xml" vm.xml
ok "$OFFSHOT" revert ./vm.xml s1
pattern_check a.qcow2 qcow2 0x11 0 64k
pattern_check b.qcow2 qcow2 0x22 0 64k
