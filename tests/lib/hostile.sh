# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What tests share that put hostile things in the place of images; source it behind lib.sh.
#
# Outside of $WORK lie what hostile headers point to ($OUTSIDE) and a qemu-img that writes down each time it
# is started ($BIN, $CALLED).

OUTSIDE=$SCRATCH/outside
BIN=$SCRATCH/bin
CALLED=$SCRATCH/called
# no command may take longer: a few seconds, but for a machine that is busy
PATIENCE=60

# The things, and how each is refused as the image of a disk: name, format in the XML, status, text.
# shellcheck disable=SC2034 # by the tests
THINGS="
size-2^63        qcow2 7 size
size-2^63-1      qcow2 7 size
json             qcow2 8 json:
json-nested      qcow2 8 json:
nbd              qcow2 8 nbd:
http             qcow2 8 http:
fat              qcow2 8 fat:
data-file        qcow2 8 data_file
vmdk-extents     vmdk  8 in_other_files
vmdk-extents     qcow2 7 not_a_qcow2_image
vmdk-in-qcow2    qcow2 8 in_other_files
self             qcow2 7 loop
chain            qcow2 8 200
fifo             qcow2 8 neither
fifo             raw   8 neither
socket           raw   8 neither
directory        raw   8 neither
character-device raw   8 neither
link-to-itself   qcow2 7 leads_nowhere
"

# The same for headers of qcow2 that contradict themselves.
# shellcheck disable=SC2034 # by the tests
HEADERS="
l1-entries       qcow2 7 size
l1-offset        qcow2 7 L1_table
refcount-offset  qcow2 7 refcount_table
refcount-beyond  qcow2 7 refcount_table
refcount-length  qcow2 7 refcount_table
tags-offset      qcow2 7 snapshot_table
tags-beyond      qcow2 7 snapshot_table
tags-65537       qcow2 7 snapshots
header-length    qcow2 7 header_length
backing-offset   qcow2 7 backing_name
backing-beyond   qcow2 7 backing_name
backing-length   qcow2 7 name
cluster-bits-0   qcow2 7 cluster_size
cluster-bits-63  qcow2 7 cluster_size
version-2        qcow2 7 header_extension
cut-header       qcow2 7 not_a_qcow2_image
cut-tables       qcow2 7 outside_of_the_file
empty            qcow2 7 not_a_qcow2_image
"

# once, before the first thing is made
hostile_prepare()
{
    mkdir "$OUTSIDE" "$BIN"
    printf '#!/bin/bash\nprintf "%%s " "$@" >>%q\necho >>%q\nexec %q "$@"\n' "$CALLED" "$CALLED" \
        "$(command -v qemu-img)" >"$BIN/qemu-img"
    chmod +x "$BIN/qemu-img"
    echo 'root:secret' >"$OUTSIDE/secret"
    make_image "$OUTSIDE/base.qcow2" qcow2 1M
    qemu-img create -q -f qcow2 -o "data_file=$OUTSIDE/data.raw" "$OUTSIDE/data-file" 1M || fail 'cannot make a data file'
    truncate -s 1M "$OUTSIDE/data.raw"
}

# patch FILE OFFSET BYTES: BYTES as printf takes them
patch()
{
    printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# 1000 images, each on the next, without starting a program for each
make_chain()
{
    local directory=$1 bytes head tail number mark='\x31\x30\x30\x30'

    mkdir "$directory"
    make_image "$directory/layer" qcow2 1M -u -b "layer-1000" -F qcow2
    bytes=$(od -An -v -tx1 -N 1024 "$directory/layer" | tr -d '\n' | sed 's/ /\\x/g')
    head=${bytes%%"$mark"*}
    tail=${bytes#*"$mark"}
    for ((number = 1001; number < 2000; number++)); do
        printf '%b' "$head$number$tail" >"$directory/layer-$((number - 1))"
    done
    truncate -s 192k "$directory"/layer-*
}

vmdk_descriptor()
{
    printf '# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID=ffffffff\ncreateType="monolithicFlat"\n'
    printf 'RW 2048 FLAT "%s" 0\nddb.adapterType = "ide"\n' "$OUTSIDE/secret"
}

# header_make WHAT PATH: one of HEADERS
header_make()
{
    local large='\x80\0\0\0\0\0\0\0' most='\xff\xff\xff\xff' beyond='\0\0\0\1\0\0\0\0'

    make_image "$2" qcow2 1M
    case $1 in
    l1-entries) patch "$2" 36 "$most" ;;
    l1-offset) patch "$2" 40 "$large" ;;
    refcount-offset) patch "$2" 48 "$large" ;;
    refcount-beyond) patch "$2" 48 "$beyond" ;;
    refcount-length) patch "$2" 56 "$most" ;;
    tags-offset) patch "$2" 60 "\\0\\0\\0\\1$large" ;;
    tags-beyond) patch "$2" 60 "\\0\\1\\0\\0$beyond" ;;
    tags-65537) patch "$2" 60 '\0\1\0\1' ;;
    header-length) patch "$2" 100 "$most" ;;
    backing-offset) patch "$2" 8 "$large\\0\\0\\0\\4" ;;
    backing-beyond) patch "$2" 8 "$beyond\\0\\0\\0\\4" ;;
    backing-length) patch "$2" 8 "\\0\\0\\0\\0\\0\\0\\2\\0$most" ;;
    cluster-bits-0) patch "$2" 20 '\0\0\0\0' ;;
    cluster-bits-63) patch "$2" 20 '\0\0\0\x3f' ;;
    # what version 3 has there are extensions now, one of them without an end
    version-2) patch "$2" 4 '\0\0\0\2' && patch "$2" 72 "\\0\\0\\0\\7$most" ;;
    cut-header) truncate -s 80 "$2" ;;
    cut-tables) truncate -s 64k "$2" ;;
    empty) truncate -s 0 "$2" ;;
    *) false ;;
    esac
}

# hostile_make THING PATH
hostile_make()
{
    rm -rf "$2"
    case $1 in
    size-2^63) make_image "$2" qcow2 1M && patch "$2" 24 '\x80\0\0\0\0\0\0\0' ;;
    size-2^63-1) make_image "$2" qcow2 1M && patch "$2" 24 '\x7f\xff\xff\xff\xff\xff\xff\xff' ;;
    json) make_image "$2" qcow2 1M -u -F raw -b "json:{\"driver\":\"file\",\"filename\":\"$OUTSIDE/secret\"}" ;;
    json-nested)
        make_image "$2" qcow2 1M -u -F qcow2 -b "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"blkdebug\",\
\"image\":{\"driver\":\"file\",\"filename\":\"$OUTSIDE/base.qcow2\"}}}"
        ;;
    nbd) make_image "$2" qcow2 1M -u -F raw -b "nbd:unix:$OUTSIDE/socket" ;;
    http) make_image "$2" qcow2 1M -u -F raw -b 'http://127.0.0.1:1/x.raw' ;;
    fat) make_image "$2" qcow2 1M -u -F raw -b "fat:rw:$OUTSIDE" ;;
    data-file) cp "$OUTSIDE/data-file" "$2" ;;
    vmdk-extents) vmdk_descriptor >"$2" ;;
    vmdk-in-qcow2)
        vmdk_descriptor >"$2.vmdk"
        make_image "$2" qcow2 1M -u -F vmdk -b "$2.vmdk"
        ;;
    self) make_image "$2" qcow2 1M -u -F qcow2 -b "${2##*/}" ;;
    chain)
        [ -d "$SCRATCH/chain" ] || make_chain "$SCRATCH/chain"
        make_image "$2" qcow2 1M -u -F qcow2 -b "$SCRATCH/chain/layer-1000"
        ;;
    fifo) mkfifo "$2" ;;
    socket) python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$2" ;;
    directory) mkdir "$2" ;;
    character-device) ln -s /dev/zero "$2" ;;
    link-to-itself) ln -s "${2##*/}" "$2" ;;
    *) header_make "$1" "$2" ;;
    esac || fail "cannot make $1"
}

# quickly COMMAND...: run it, an offshot, with the qemu-img that writes down its calls, which nothing confines. It
# must neither hang nor crash.
quickly()
{
    : >"$CALLED"
    PATH=$BIN:$PATH run timeout "$PATIENCE" "$@" --sandbox=off
    [ "$STATUS" -lt 124 ] || fail "status $STATUS: it hangs, or has crashed"
}

# no_child: and no program has run
no_child()
{
    [ ! -s "$CALLED" ] || fail "it ran qemu-img: $(cat "$CALLED")"
}

# hostile_refuses STATUS TEXT COMMAND...: as assert_refuses, and nobody but us has looked at an image.
hostile_refuses()
{
    local code=$1 text=$2 before

    shift 2
    before=$(snapshot_state "$WORK")
    quickly "$@"
    assert_error "$code" "$text"
    assert_stdout_empty
    no_child
    assert_unchanged "$WORK" "$before"
}

# hostile_stops COMMAND...: it is refused, for whatever reason, nothing has changed and no program has run.
hostile_stops()
{
    local before

    before=$(snapshot_state "$WORK")
    quickly "$@"
    case $STATUS in
    7 | 8) ;;
    *) fail "status $STATUS instead of 7 or 8" ;;
    esac
    assert_error "$STATUS" ''
    no_child
    assert_unchanged "$WORK" "$before"
}
