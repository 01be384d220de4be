#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Internal snapshots go from every image and give their space back; others stay what they are. One that is gone
# already, or that qemu-img would take for another, is told of.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

prepare()
{
    start_over
    make_image a.qcow2 qcow2 4M
    make_image b.qcow2 qcow2 2M
    pattern_write a.qcow2 qcow2 0x11 0 4M
    make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
    for n in 1 2 3; do
        take "s$n"
    done
    remember
}

tags()
{
    image_info "$1" qcow2 '[.snapshots[]?.name] | join(" ")'
}

prepare
ok "$OFFSHOT" delete ./vm.xml s2
assert_stderr_empty
assert_tree s1 s3
assert_equal "$(tags a.qcow2);$(tags b.qcow2)" 's1 s3;s1 s3' tags
assert_equal "$(current)" s3 current
ok "$OFFSHOT" delete ./vm.xml s1 --children
assert_tree
assert_equal "$(tags a.qcow2);$(tags b.qcow2)" ';' tags

# the space comes back
prepare
pattern_write a.qcow2 qcow2 0x77 0 4M
remember
before=$(stat -c %b a.qcow2)
ok "$OFFSHOT" delete ./vm.xml s1 --children
[ $(((before - $(stat -c %b a.qcow2)) * 512)) -ge $((4 * 1024 * 1024)) ] || fail 'no space came back'
assert_tree

# a tag that is gone
prepare
qemu-img snapshot -d s2 a.qcow2
ok "$OFFSHOT" delete ./vm.xml s2
assert_stderr_contains "disk 'vda': '$WORK/a.qcow2' has no internal snapshot 's2' any more"
assert_equal "$(tags a.qcow2);$(tags b.qcow2)" 's1 s3;s1 s3' tags

# a tag whose name is the ID of another
prepare
qemu-img snapshot -d s1 b.qcow2
sed -i 's#<name>s1</name>#<name>3</name>#' vm.snapshots/*.xml
mv vm.snapshots/s1.xml vm.snapshots/3.xml
qemu-img snapshot -d s1 a.qcow2
qemu-img snapshot -c 3 a.qcow2
assert_refuses 8 'would take its name for the ID of another one' "$OFFSHOT" delete ./vm.xml 3
