#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What others use stays byte for byte: clones, templates, disks of other domains, images with further names.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/held.sh"

need qemu-img qemu-io xmllint

# one NAME: a snapshot s1 of a disk on NAME/a.qcow2, in a directory of its own
one()
{
    mkdir "$1"
    cd "$1" || exit 99
    make_image a.qcow2 qcow2 4M
    pattern_write a.qcow2 qcow2 0x10 0 1M
    make_domain vm vda:qcow2:a.qcow2
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only
    pattern_write a.s1 qcow2 0x11 512k 1M
    held_remember
}

# stays FILE TEXT [OPTION...]: s1 goes and FILE stays as it is, for the reason TEXT; and neither way is forced.
stays()
{
    local file=$1 text=$2 hash

    hash=$(sha256sum <"$file")
    assert_refuses 8 "$text" "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
    assert_refuses 8 "$text" "$OFFSHOT" delete ./vm.xml s1 --strategy=rebase
    ok "$OFFSHOT" delete ./vm.xml s1
    assert_stderr_contains "$text"
    assert_equal "$(sha256sum <"$file")" "$hash" "bytes of $file"
    held_check 1
    assert_equal "$(domain_source vm.xml vda)" "$PWD/a.s1" 'active image'
    cd "$WORK" || exit 99
}

one clone
make_image clone.qcow2 qcow2 4M -b a.qcow2 -F qcow2
pattern_write clone.qcow2 qcow2 0x77 2M 64k
clone=$(content_hash clone.qcow2 qcow2)
stays a.qcow2 "clone.qcow2' stands on"
assert_equal "$(content_hash clone/clone.qcow2 qcow2)" "$clone" 'the clone'

# the layer goes once the clone does not need it any more
cd clone || exit 99
rm clone.qcow2
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
held_remember
ok "$OFFSHOT" delete ./vm.xml s2
held_check 1
assert_equal "$(find . -maxdepth 1 -name 'a.*' | wc -l)" 1 'number of images'
cd "$WORK" || exit 99

one domain
domain_xml other vda:qcow2:a.qcow2 >other.xml
stays a.qcow2 "of domain 'other'"

one linked
mkdir elsewhere
ln a.qcow2 elsewhere/b.qcow2
stays a.qcow2 'hard links'

# in use: nothing happens at all
one busy
hold_image a.s1 qcow2
assert_refuses 5 a.s1 "$OFFSHOT" delete ./vm.xml s1
release_images
hold_image a.qcow2 qcow2 read-only
assert_refuses 5 a.qcow2 "$OFFSHOT" delete ./vm.xml s1
release_images
ok "$OFFSHOT" delete ./vm.xml s1
held_check 1
cd "$WORK" || exit 99

# a template elsewhere, on which the domain stood when the snapshot was taken
mkdir golden disks
make_image golden/g.qcow2 qcow2 4M
pattern_write golden/g.qcow2 qcow2 0x10 0 1M
make_domain vm vda:qcow2:golden/g.qcow2
template=$(sha256sum <golden/g.qcow2)
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec "vda,file=$WORK/disks/a.s1"
pattern_write disks/a.s1 qcow2 0x11 512k 1M
held_remember
ok "$OFFSHOT" delete ./vm.xml s1
assert_stderr_contains template
held_check 1
assert_chain "$WORK/disks/a.s1" qcow2 "$WORK/golden/g.qcow2"
assert_equal "$(sha256sum <golden/g.qcow2)" "$template" 'the template'
assert_absent .vm.offshot/layers

# the domain has moved on to another image: nothing that is asked for makes the template garbage
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
make_domain vm vda:qcow2:golden/g.qcow2
ok "$OFFSHOT" delete ./vm.xml s2 --metadata
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --diskspec "vda,file=$WORK/disks/b.s3"
make_image disks/new.qcow2 qcow2 4M
make_domain vm vda:qcow2:disks/new.qcow2
rm disks/a.* disks/b.*
for strategy in commit rebase auto; do
    cp vm.snapshots/s3.xml "$SCRATCH/s3.xml"
    ok "$OFFSHOT" delete ./vm.xml s3 --strategy=$strategy
    assert_stderr_contains g.qcow2
    assert_equal "$(sha256sum <golden/g.qcow2)" "$template" "the template after $strategy"
    cp "$SCRATCH/s3.xml" vm.snapshots/s3.xml
done
