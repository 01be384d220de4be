#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each number of descriptors that a process may have is enough for a create, or it is not, and then
# nothing happened: exit 1, one line, nothing left.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq
need_plain_program

fresh()
{
    cd "$WORK" || exit 99
    find . -mindepth 1 -delete
    make_image a.qcow2 qcow2 1M
    pattern_write a.qcow2 qcow2 0x11 0 64k
    make_domain vm vda:qcow2:a.qcow2
}

# as_ever: the snapshot is there, with the modes that it has otherwise.
as_ever()
{
    assert_chain "$WORK/a.s1" qcow2 "$WORK/a.qcow2"
    pattern_check a.s1 qcow2 0x11 0 64k
    assert_equal "$(domain_source vm.xml vda)" "$WORK/a.s1"
    assert_snapshot_valid vm.snapshots/s1.xml
    assert_equal "$(stat -c '%a %n' a.s1 vm.xml vm.snapshots vm.snapshots/s1.xml | tr '\n' ' ')" \
        "$(stat -c %a a.qcow2) a.s1 644 vm.xml 700 vm.snapshots 600 vm.snapshots/s1.xml " modes
    assert_equal "$(printf '%s ' .[!.]* *)" '.[!.]* a.qcow2 a.s1 vm.snapshots vm.xml ' files
}

create=("$OFFSHOT" create ./vm.xml s1 --disk-only)

# each number of descriptors is enough, or it is not and nothing happened
enough=0
for limit in 3 4 5 6 7 8 9 10 11 12 13 14 15 16 18 20 24 32; do
    fresh
    before=$(snapshot_state "$WORK")
    run bash -c "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; ulimit -n $limit; exec \"\$@\"" - "${create[@]}"
    case $STATUS in
    0)
        as_ever
        enough=$((enough + 1))
        ;;
    # the program could not even be loaded
    127) assert_unchanged "$WORK" "$before" ;;
    *)
        assert_status 1
        [ "$(wc -l <"$STDERR")" = 1 ] || fail 'stderr is not one line'
        assert_unchanged "$WORK" "$before"
        ;;
    esac
done
[ "$enough" -gt 0 ] || fail 'no limit was enough'
