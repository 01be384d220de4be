#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --metadata forgets the record and touches no image, also where an image is missing or the store is not in
# order, which is refused otherwise.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
for n in 1 2; do
    take "s$n" --disk-only
done
take s3
remember

images()
{
    sha256sum -- a.* vm.xml
}

before=$(images)
ok "$OFFSHOT" delete ./vm.xml s3 --metadata
ok "$OFFSHOT" delete ./vm.xml s1 --metadata
assert_tree s2
assert_equal "$(current)" s2 current
assert_equal "$(snapshot_text s2 /domainsnapshot/parent/name)" '' 'parent of s2'
assert_equal "$(images)" "$before" 'images and domain'
assert_equal "$(image_info a.s2 qcow2 '.snapshots[].name')" s3 'internal snapshot'

# a missing image
mv a.s1 gone
assert_refuses 7 --metadata "$OFFSHOT" delete ./vm.xml s2
ok "$OFFSHOT" delete ./vm.xml s2 --metadata
assert_equal "$(snapshot_names)" '' snapshots
mv gone a.s1
assert_equal "$(images)" "$before" 'images and domain'

# a store that is not in order
take s4 --disk-only
echo '<nothing' >vm.snapshots/wrong.xml
before=$(images)
run "$OFFSHOT" delete ./vm.xml s4
assert_status 8
assert_stderr_contains 'wrong.xml'
assert_stderr_contains --metadata
assert_equal "$(images)" "$before" 'images and domain'
ok "$OFFSHOT" delete ./vm.xml s4 --metadata
assert_equal "$(images)" "$before" 'images and domain'
