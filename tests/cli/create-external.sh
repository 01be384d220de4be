#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A snapshot of 1, 2 and 8 disks, qcow2 and raw mixed: each disk gets an overlay whose chain is right
# and whose content is that of the base, and a write through it leaves the base alone.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

targets=('' vda vdb vdc vdd vde vdf vdg vdh)

# check_disk TARGET FORMAT BASE OVERLAY
check_disk()
{
    local hash

    assert_equal "$(domain_source vm.xml "$1")" "$WORK/$4" "source of $1"
    assert_equal "$(domain_format vm.xml "$1")" qcow2 "format of $1"
    assert_chain "$WORK/$4" qcow2 "$WORK/$3"
    assert_equal "$(image_info "$4" qcow2 '."backing-filename-format"')" "$2" 'backing format'
    assert_equal "$(image_info "$4" qcow2 '."virtual-size"')" "$(image_info "$3" "$2" '."virtual-size"')" size
    assert_same_content "$4" qcow2 "$3" "$2"
    hash=$(content_hash "$3" "$2")
    pattern_write "$4" qcow2 0xee 32k 64k
    assert_equal "$(content_hash "$3" "$2")" "$hash" "content of the base '$3'"
    pattern_check "$4" qcow2 0xee 32k 64k
    pattern_check "$4" qcow2 0x11 0 32k
    assert_clean "$4" qcow2
}

check_count()
{
    local count=$1 i disks=() format

    rm -rf -- "${WORK:?}"/*
    for ((i = 1; i <= count; i++)); do
        format=qcow2
        [ $((i % 2)) = 1 ] || format=raw
        make_image "disk$i.img" "$format" $((i * 512 + 512))k
        pattern_write "disk$i.img" "$format" 0x11 0 256k
        disks+=("${targets[i]}:$format:disk$i.img")
    done
    make_domain vm "${disks[@]}"
    cp vm.xml before.xml

    ok "$OFFSHOT" create ./vm.xml s1 'what for' --disk-only
    assert_stdout 'Domain snapshot s1 created'
    assert_stderr_empty
    for ((i = 1; i <= count; i++)); do
        format=qcow2
        [ $((i % 2)) = 1 ] || format=raw
        check_disk "${targets[i]}" "$format" "disk$i.img" "disk$i.s1"
    done
    assert_equal "$(find . -mindepth 1 -maxdepth 1 | wc -l)" $((2 * count + 3)) 'number of files'
    assert_equal "$(ls -A vm.snapshots)" s1.xml 'the store'
    assert_mode vm.snapshots/s1.xml 600
    assert_absent .vm.offshot
    assert_snapshot_valid vm.snapshots/s1.xml

    # what is not source or format of a disk is as it was
    assert_equal "$(sed -E "/<source/d; s/(<driver name='qemu' type=)'[a-z0-9]*'/\1/" vm.xml)" \
        "$(sed -E "/<source/d; s/(<driver name='qemu' type=)'[a-z0-9]*'/\1/" before.xml)" \
            'the rest of the XML'
}

check_count 1
check_count 2
check_count 8
