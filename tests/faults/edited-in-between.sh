#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The domain XML is touched or edited between the crash of a merge, which can only go on, and its recovery.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace qemu-io
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x11 0 64k
fixture_end

# the third journal tells that the data went down
crash()
{
    case_fresh
    at rename 4 signal=KILL "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
    assert_status 137
    grep -qx 'applied=1' .vm.offshot/journal || fail 'it has not gone down'
    assert_equal "$(domain_source vm.xml vda)" "$CASE/a.s1" 'active image'
}

is_finished()
{
    ok "$OFFSHOT" recover ./vm.xml
    assert_equal "$(domain_source vm.xml vda)" "$CASE/a.qcow2" 'active image'
    pattern_check a.qcow2 qcow2 0x11 0 64k
    assert_absent a.s1
    assert_absent .vm.offshot
}

for touch in 'touch vm.xml' 'cp vm.xml new && mv new vm.xml' 'cp vm.xml new && cat new >vm.xml && rm new'; do
    crash
    eval "$touch"
    is_finished
done

for edit in 'sed -i s/65536/131072/ vm.xml' 'sed s/65536/131072/ vm.xml >new && cat new >vm.xml && rm new'; do
    crash
    eval "$edit"
    cp vm.xml "$SCRATCH/edited"
    run "$OFFSHOT" recover ./vm.xml
    assert_error 3 "'$CASE/vm.xml' was changed after the operation was interrupted: undo that change, run"
    assert_same_file vm.xml "$SCRATCH/edited"
    assert_exists a.s1
    sed -i s/131072/65536/ vm.xml
    is_finished
    eval "$edit"
    ok "$OFFSHOT" create ./vm.xml s2 --disk-only
done
