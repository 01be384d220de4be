#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line of extract: where copies go, of which disks, in which format; what is printed as text and as
# JSON; nothing is overwritten, and a dry run makes nothing.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq

make_image a.qcow2 qcow2 4M
make_image b.raw raw 4M
pattern_write a.qcow2 qcow2 0x11 0 1M
pattern_write b.raw raw 0x12 0 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw vdc:raw:c.raw
make_image c.raw raw 1M
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vdc,snapshot=no
pattern_write a.s1 qcow2 0x21 0 64k
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec vdc,snapshot=no
mkdir out

assert_refuses 2 domain "$OFFSHOT" extract -o out
assert_refuses 2 '--current' "$OFFSHOT" extract ./vm.xml -o out
assert_refuses 2 '--current' "$OFFSHOT" extract ./vm.xml s1 --current -o out
assert_refuses 2 "'more'" "$OFFSHOT" extract ./vm.xml s1 more -o out
assert_refuses 2 '--output' "$OFFSHOT" extract ./vm.xml s1
assert_refuses 2 '--output' "$OFFSHOT" extract ./vm.xml s1 -o ''
assert_refuses 2 '--format' "$OFFSHOT" extract ./vm.xml s1 -o out --format=vmdk
assert_refuses 2 '--compress' "$OFFSHOT" extract ./vm.xml s1 -o out --format=raw --compress
assert_refuses 2 'one.img' "$OFFSHOT" extract ./vm.xml s1 -o one.img
assert_refuses 4 "'none'" "$OFFSHOT" extract ./vm.xml none -o out
assert_refuses 4 "'vdz'" "$OFFSHOT" extract ./vm.xml s1 -o out --disk vdz
assert_refuses 4 "'vdc'" "$OFFSHOT" extract ./vm.xml s1 -o out --disk vdc
assert_refuses 4 "'none/'" "$OFFSHOT" extract ./vm.xml s1 -o none/

before=$(snapshot_state "$WORK")
ok "$OFFSHOT" extract ./vm.xml s1 -o out --dry-run
assert_stdout_contains 'qemu-img convert'
ok "$OFFSHOT" extract ./vm.xml s1 -o out -n --json -q
assert_equal "$(json '[.operation, ([.steps[] | select(.kind == "convert")] | length)] | map(tostring) | join(" ")')" \
    'extract 2'
assert_unchanged "$WORK" "$before"

# a directory, with and without a slash; which files were made is printed, absolute
ok "$OFFSHOT" extract ./vm.xml s1 -o out
assert_stdout "$WORK/out/vda.qcow2"$'\n'"$WORK/out/vdb.qcow2"
assert_stderr_empty
assert_equal "$(cd out && echo *)" 'vda.qcow2 vdb.qcow2' files
assert_chain "$WORK/out/vda.qcow2" qcow2
pattern_check out/vda.qcow2 qcow2 0x11 0 1M
pattern_check out/vdb.qcow2 qcow2 0x12 0 1M
ok "$OFFSHOT" extract ./vm.xml --snapshotname s2 --output=out/ --format raw --disk vda -q
assert_stdout_empty
pattern_check out/vda.raw raw 0x21 0 64k
pattern_check out/vda.raw raw 0x11 64k 960k

# a file
ok "$OFFSHOT" extract ./vm.xml --current --disk vda --disk vda -o one.img --compress --json
assert_stderr_empty
assert_equal "$(jq -c . "$STDOUT")" "{\"schema\":1,\"disks\":[{\"name\":\"vda\",\"path\":\"$WORK/one.img\"}]}"
pattern_check one.img qcow2 0x21 0 64k
qemu-img check -f qcow2 one.img | grep -q '100.00% compressed' || fail 'the copy is not compressed'

# nothing is overwritten, not even through a link that leads nowhere
ln -s nowhere link.img
for name in one.img link.img; do
    before=$(snapshot_state "$WORK")
    run "$OFFSHOT" extract ./vm.xml s1 --disk vda -o "$name"
    [ "$STATUS" != 0 ] || fail 'it is overwritten'
    assert_stderr_contains "$name"
    assert_unchanged "$WORK" "$before"
done
before=$(snapshot_state "$WORK")
run "$OFFSHOT" extract ./vm.xml s2 -o out
[ "$STATUS" != 0 ] || fail 'copies are overwritten'
assert_unchanged "$WORK" "$before"
