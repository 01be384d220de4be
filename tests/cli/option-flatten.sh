#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line of flatten: which disks, what is printed as text and as JSON, and that a dry run changes
# nothing.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq

for disk in a b c; do
    make_image $disk.qcow2 qcow2 4M
    pattern_write $disk.qcow2 qcow2 0x11 0 1M
done
make_image d.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2 vdc:qcow2:c.qcow2 vdd:raw:d.raw
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdd,snapshot=no
for disk in a b c; do
    pattern_write $disk.s1 qcow2 0x22 1M 1M
done

for command in flatten blockpull; do
    assert_refuses 2 domain "$OFFSHOT" "$command"
    assert_refuses 2 "'--children'" "$OFFSHOT" "$command" ./vm.xml --children
    assert_refuses 4 "'vdz'" "$OFFSHOT" "$command" ./vm.xml --disk vda --disk vdz
    assert_refuses 4 "'$WORK/a.qcow2'" "$OFFSHOT" "$command" ./vm.xml --path "$WORK/a.qcow2"
    assert_refuses 8 '--base' "$OFFSHOT" "$command" ./vm.xml --disk vda --base "$WORK/a.qcow2"
done
assert_refuses 2 "'vda'" "$OFFSHOT" flatten ./vm.xml vda
assert_refuses 2 "'vdb'" "$OFFSHOT" blockpull ./vm.xml vda vdb
run "$OFFSHOT" flatten ./vm.xml --disk vdz --json
assert_status 4
assert_equal "$(json .error.code)" not-found

before=$(snapshot_state "$WORK")
ok "$OFFSHOT" flatten ./vm.xml --dry-run -q
assert_equal "$(grep -cE "^apply +rebase +$WORK/[abc].s1 standalone$" "$STDOUT")" 3 'images to rebase'
ok "$OFFSHOT" flatten ./vm.xml --dry-run -q --json --disk vdc --disk vda --disk vda
assert_stderr_empty
assert_equal "$(json '.operation')" flatten
assert_equal "$(jq -c '[.steps[] | select(.kind == "rebase") | [.path, .backing]] | sort' "$STDOUT")" \
    "[[\"$WORK/a.s1\",null],[\"$WORK/c.s1\",null]]"
assert_unchanged "$WORK" "$before"

# standalone IMAGE: nothing below it, and all of the content
standalone()
{
    assert_chain "$WORK/$1" qcow2
    pattern_check "$1" qcow2 0x11 0 1M
    pattern_check "$1" qcow2 0x22 1M 1M
    assert_clean "$1" qcow2
}

ok "$OFFSHOT" flatten ./vm.xml --path "$WORK/b.s1"
assert_stdout 'Domain vm flattened'
assert_stderr_empty
standalone b.s1
assert_chain "$WORK/a.s1" qcow2 "$WORK/a.qcow2"
ok "$OFFSHOT" blockpull ./vm.xml vda --wait -q
assert_stdout_empty
assert_stderr_empty
standalone a.s1
assert_chain "$WORK/c.s1" qcow2 "$WORK/c.qcow2"
ok "$OFFSHOT" flatten ./vm.xml --json -q
assert_stderr_empty
assert_equal "$(jq -c . "$STDOUT")" "{\"schema\":1,\"disks\":[{\"name\":\"vdc\",\"path\":\"$WORK/c.s1\"}]}"
standalone c.s1

before=$(snapshot_state "$WORK")
ok "$OFFSHOT" flatten ./vm.xml
assert_stdout 'Domain vm has nothing to flatten'
ok "$OFFSHOT" flatten ./vm.xml --json -q --disk vdd
assert_equal "$(jq -c . "$STDOUT")" '{"schema":1,"disks":[]}'
assert_unchanged "$WORK" "$before"
# the snapshot is what it was
pattern_check a.qcow2 qcow2 0x11 0 1M
pattern_check a.qcow2 qcow2 0 1M 1M
