#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Images that an overlay cannot stand on safely are refused with exit 8: encrypted, data file,
# corrupt, unknown features, links without a format or with a protocol, no file at all.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

# set_incompatible IMAGE BIT: set a bit of the incompatible features (bytes 72 to 79, big endian)
set_incompatible()
{
    local offset=$((79 - $2 / 8)) byte

    byte=$(od -An -tu1 -j "$offset" -N 1 "$1")
    printf '%b' "\\x$(printf %x $((byte | 1 << ($2 % 8))))" | dd of="$1" bs=1 seek="$offset" conv=notrunc \
        status=none
}

refused()
{
    make_domain vm "vda:${3-qcow2}:$1"
    assert_refuses 8 "$2" "$OFFSHOT" create ./vm.xml s1 --disk-only
    assert_refuses 8 "$2" "$OFFSHOT" create ./vm.xml s1 --disk-only --dry-run
}

# LUKS measures the processor, which fails at times on a busy machine; the older way does not
for encryption in encrypt.format=luks,encrypt.iter-time=10 encrypt.format=aes; do
    rm -f luks.qcow2
    ! qemu-img create -q -f qcow2 --object secret,id=s,data=abc -o "$encryption,encrypt.key-secret=s" luks.qcow2 1M \
        || break
done
assert_exists luks.qcow2
refused luks.qcow2 encrypted
qemu-img create -q -f qcow2 -o "data_file=$WORK/data.raw" data.qcow2 1M \
    || fail 'cannot make an image with a data file'
refused data.qcow2 data_file
make_image corrupt.qcow2 qcow2 1M
set_incompatible corrupt.qcow2 1
refused corrupt.qcow2 corrupt
for bit in 5 13 63; do
    make_image "feature$bit.qcow2" qcow2 1M
    set_incompatible "feature$bit.qcow2" "$bit"
    refused "feature$bit.qcow2" 'features'
done

# the same below the top
make_image over-luks.qcow2 qcow2 1M -u -b "$WORK/luks.qcow2" -F qcow2
refused over-luks.qcow2 encrypted
make_image over-data.qcow2 qcow2 1M -u -b "$WORK/data.qcow2" -F qcow2
refused over-data.qcow2 data_file

# backing strings
make_image base.raw raw 1M
make_image json.qcow2 qcow2 1M -u -F raw -b \
    "json:{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"$WORK/base.raw\"}}"
refused json.qcow2 'json:'
make_image nbd.qcow2 qcow2 1M -u -F raw -b 'nbd://localhost/x'
refused nbd.qcow2 'nbd:'
make_image file.qcow2 qcow2 1M -u -F raw -b "file:$WORK/base.raw"
refused file.qcow2 'file:'
make_image http.qcow2 qcow2 1M -u -F raw -b 'http://localhost/x.raw'
refused http.qcow2 'http:'
make_image over-json.qcow2 qcow2 1M -u -F qcow2 -b "$WORK/json.qcow2"
refused over-json.qcow2 'json:'

# a link without a format
make_image v2.qcow2 qcow2 1M -o compat=0.10
make_image nofmt.qcow2 qcow2 1M
qemu-img rebase -u -f qcow2 -b "$WORK/v2.qcow2" "$WORK/nofmt.qcow2" 2>/dev/null
if [ "$(image_info nofmt.qcow2 qcow2 '."backing-filename-format" // "none"')" = none ] \
    && [ "$(image_info nofmt.qcow2 qcow2 '."backing-filename" // "none"')" != none ]; then
    refused nofmt.qcow2 'format'
fi

# neither file nor device
mkfifo fifo
refused fifo 'neither' raw
mkdir directory
refused directory 'neither' raw
[ ! -c /dev/null ] || refused /dev/null 'neither' raw
