#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What needs a running domain is refused with exit 8, as are internal snapshots, which this version
# does not take: the message says what does work.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw

assert_refuses 8 '--live' "$OFFSHOT" create ./vm.xml s1 --disk-only --live
for memspec in mem.img file=mem.img "file=$WORK/mem.img,snapshot=external" snapshot=internal; do
    assert_refuses 8 '--memspec' "$OFFSHOT" create ./vm.xml s1 --disk-only --memspec "$memspec"
done
run "$OFFSHOT" create ./vm.xml s1
assert_error 8 "'vda'"
assert_stderr_contains '--disk-only'
run "$OFFSHOT" create ./vm.xml s1 --diskspec vdb,snapshot=no
assert_error 8 '--disk-only'
assert_refuses 8 '--disk-only' "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vda,snapshot=internal
run "$OFFSHOT" create ./vm.xml s1 --json
assert_status 8
assert_equal "$(json '.error.code')" refused
# a mode for each disk needs no --disk-only
ok "$OFFSHOT" create ./vm.xml s1 --diskspec vda,snapshot=external --diskspec vdb,snapshot=no
assert_chain "$WORK/a.s1" qcow2 "$WORK/a.qcow2"

# a managed-save image: its memory must meet the disks as they are
root=$WORK/root
make_embed_domain "$root" saved vda:raw:b.raw
mkdir -p "$root/lib/qemu/save"
touch "$root/lib/qemu/save/saved.save"
assert_refuses 8 'managed-save' "$OFFSHOT" -c "qemu:///embed?root=$root" create saved s1 --disk-only
mv "$root/lib/qemu/save/saved.save" "$root/lib/qemu/save/other.save"
ok "$OFFSHOT" -c "qemu:///embed?root=$root" create saved s1 --disk-only
