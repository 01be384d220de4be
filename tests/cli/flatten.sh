#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Flattened images stand on nothing and say the same; what they stood on stays for its snapshots.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

make_image base.raw raw 1M
pattern_write base.raw raw 0x11 0 256k
make_image a.qcow2 qcow2 1M -b base.raw -F raw
make_image b.raw raw 1M
make_image c.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw vdc:qcow2:c.qcow2
for n in 1 2 3; do
    ok "$OFFSHOT" create ./vm.xml "s$n" --disk-only --diskspec vdc,snapshot=no
    pattern_write "a.s$n" qcow2 "0x2$n" "${n}00k" 150k
    pattern_write "b.s$n" qcow2 "0x3$n" "${n}00k" 150k
done
# what is written as zero must hide the data below
[ "$(qemu-io -f qcow2 -c 'write -z 0 64k' "$WORK/a.s3" | head -c 5)" = wrote ] || fail 'cannot write zeros'
hash_a=$(content_hash a.s3 qcow2)
hash_b=$(content_hash b.s3 qcow2)
rm -rf "$SCRATCH/before"
mkdir "$SCRATCH/before"
mv a.s3 b.s3 "$SCRATCH/before"
others=$(snapshot_state "$WORK")
mv "$SCRATCH/before"/* .

ok "$OFFSHOT" flatten ./vm.xml
assert_stdout 'Domain vm flattened'
assert_stderr_empty
assert_chain "$WORK/a.s3" qcow2
assert_chain "$WORK/b.s3" qcow2
assert_equal "$(content_hash a.s3 qcow2)" "$hash_a" 'content of vda'
assert_equal "$(content_hash b.s3 qcow2)" "$hash_b" 'content of vdb'
assert_clean a.s3 qcow2
assert_clean b.s3 qcow2

# nothing else has changed: neither images nor the domain nor the snapshots; it is noted whose the images are
mv a.s3 b.s3 "$SCRATCH/before"
[ "$(grep -c ' flattened$' .vm.offshot/layers)" = 2 ] || fail 'it is not noted what was flattened'
rm -r .vm.offshot
assert_unchanged "$WORK" "$others"
mv "$SCRATCH/before"/* .

# what stood below may change now without being seen
pattern_write base.raw raw 0xee 0 1M
assert_equal "$(content_hash a.s3 qcow2)" "$hash_a" 'content of vda without its base'

ok "$OFFSHOT" flatten ./vm.xml
assert_stdout 'Domain vm has nothing to flatten'
