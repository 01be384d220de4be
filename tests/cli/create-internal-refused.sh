#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where one disk cannot have an internal snapshot none gets one, and the message names the disk and a way on.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io qemu-storage-daemon

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2

# the name
qemu-img snapshot -c taken b.qcow2
assert_refuses 8 "disk 'vdb': image '$WORK/b.qcow2' has an internal snapshot 'taken' already" \
    "$OFFSHOT" create ./vm.xml taken --internal
assert_stderr_contains '--disk-only'
assert_refuses 8 'must not be all digits' "$OFFSHOT" create ./vm.xml 20260101 --internal
assert_refuses 2 '247' "$OFFSHOT" create ./vm.xml "$(printf '%0248d' 0)x" --internal
# what may be taken for a name is compared byte for byte
ok "$OFFSHOT" create ./vm.xml Taken --internal
ok "$OFFSHOT" create ./vm.xml "$(printf '%0246d' 0)x" --internal

# images in use, by a writer or a reader
for mode in '' read-only; do
    hold_image b.qcow2 qcow2 $mode
    assert_refuses 5 "'$WORK/b.qcow2'" "$OFFSHOT" create ./vm.xml busy --internal
    release_images
done

# refuse_image FORMAT:PATH TEXT: of that kind
refuse_image()
{
    make_domain other vda:qcow2:c.qcow2 vdb:"$1"
    assert_refuses 8 "disk 'vdb'" "$OFFSHOT" create ./other.xml s1 --internal
    assert_stderr_contains "$2"
    rm other.xml
}
make_image c.qcow2 qcow2 1M
make_image c.raw raw 1M
make_image c.qed qed 1M
make_image c.data qcow2 1M -o data_file="$WORK/c.data.raw,data_file_raw=on"
refuse_image raw:c.raw --disk-only
refuse_image qed:c.qed --disk-only
refuse_image qcow2:c.data data
make_domain other vda:qcow2:c.qcow2 vdb:qcow2:c.qcow2
assert_refuses 8 'same image' "$OFFSHOT" create ./other.xml s1 --internal
rm other.xml

# options that only make sense of overlays
for option in --keep-filename --reuse-external '--overlay-options cluster_size=4k'; do
    # shellcheck disable=SC2086 # words
    assert_refuses 2 --disk-only "$OFFSHOT" create ./vm.xml s1 --internal $option
done
assert_clean a.qcow2 qcow2
