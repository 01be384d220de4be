#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Who is refused is told why, and nothing of what the plan that was given up would have kept or moved.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io qemu-storage-daemon

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
pattern_write a.qcow2 qcow2 0x11 0 64k
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdb,snapshot=manual
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec vdb,snapshot=no
pattern_write a.s2 qcow2 0x22 0 64k
make_image clone.qcow2 qcow2 1M -b a.s2 -F qcow2

# refuses_quietly STATUS TEXT REMARK COMMAND...: while the last image is in use; REMARK comes when it is not.
refuses_quietly()
{
    local status=$1 text=$2 remark=$3 way

    shift 3
    hold_image a.s2 qcow2
    for way in '' --dry-run -v; do
        run "$@" $way
        assert_error_among "$status" "$text" "$way"
    done
    release_images
    ok "$@" --dry-run
    assert_stderr_contains "$remark"
}

# assert_error_among STATUS TEXT WAY: assert_error, with -v below what is said of the run.
assert_error_among()
{
    if [ "$3" = -v ]; then
        assert_status "$1"
        assert_stderr_contains "$2"
        ! grep 'warning: ' "$STDERR" || fail 'a remark of the plan'
    else
        assert_error "$1" "$2"
    fi
}

in_use="image '$WORK/a.s"
refuses_quietly 5 "$in_use" "a.s2', which disk 'vda' had, is kept" "$OFFSHOT" revert ./vm.xml s1
refuses_quietly 5 "$in_use" "disk 'vdb' of snapshot 's1' was left to you" "$OFFSHOT" revert ./vm.xml s1
refuses_quietly 5 "$in_use" "snapshot 's1': disk 'vdb' was to be kept by hand" "$OFFSHOT" delete ./vm.xml s1
rm clone.qcow2
refuses_quietly 5 "$in_use" 'strategy: ' "$OFFSHOT" delete ./vm.xml s2 --strategy=rebase
refuses_quietly 5 "$in_use" "the image of disk 'vdb' stands on no other" "$OFFSHOT" flatten ./vm.xml --disk vda --disk vdb

# the planner gives up
mv a.qcow2 away
assert_refuses 7 "$WORK/a.qcow2" "$OFFSHOT" revert ./vm.xml s1
mv away a.qcow2

# and what is done says it
ok "$OFFSHOT" delete ./vm.xml s1
assert_stderr_contains "snapshot 's1': disk 'vdb' was to be kept by hand"
