#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --overlay-options go to the new images; without them an overlay inherits cluster size and
# extended_l2; keys that would move, hide or resize data are refused.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

make_image a.qcow2 qcow2 1M
make_image big.qcow2 qcow2 1M -o cluster_size=128k,extended_l2=on
make_image small.qcow2 qcow2 1M -o cluster_size=4k
make_image b.raw raw 1M

layout()
{
    image_info "$1" qcow2 '[."cluster-size", ."format-specific".data."extended-l2", ."format-specific".data."lazy-refcounts",
        ."format-specific".data."refcount-bits"] | map(tostring) | join(" ")'
}

make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:big.qcow2 vdc:qcow2:small.qcow2 vdd:raw:b.raw
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_equal "$(layout a.s1)" '65536 false false 16'
assert_equal "$(layout big.s1)" '131072 true false 16'
assert_equal "$(layout small.s1)" '4096 false false 16'
assert_equal "$(layout b.s1)" '65536 false false 16'
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --overlay-options extended_l2=on,cluster_size=128k
for disk in a big small b; do
    assert_equal "$(layout "$disk.s2")" '131072 true false 16'
done
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --overlay-options lazy_refcounts=on,refcount_bits=32
assert_equal "$(layout a.s3)" '131072 true true 32'
ok "$OFFSHOT" create ./vm.xml s4 --disk-only --overlay-options extended_l2=off,cluster_size=64k
assert_equal "$(layout a.s4)" '65536 false false 16'
assert_equal "$(image_chain big.s4 qcow2 | wc -l)" 5 'length of the chain'

for key in backing_file=x backing_fmt=raw data_file=x data_file_raw=on encryption=on encrypt.format=luks \
    size=1M; do
    assert_refuses 8 "${key%%=*}" "$OFFSHOT" create ./vm.xml s5 --disk-only --overlay-options "$key"
    assert_refuses 8 "${key%%=*}" "$OFFSHOT" create ./vm.xml s5 --disk-only --overlay-options \
        "cluster_size=64k,$key"
done
for key in nonsense=1 cluster_size cluster_size= =x cluster_size=64k,cluster_size=4k 'cluster_size=64k,' \
    help '?'; do
    assert_refuses 2 'overlay option' "$OFFSHOT" create ./vm.xml s5 --disk-only --overlay-options "$key"
done
# what qemu-img itself refuses is undone
for key in cluster_size=1000 cluster_size=4G compat=7 extended_l2=perhaps refcount_bits=17 \
    compression_type=none; do
    assert_refuses 1 'qemu-img' "$OFFSHOT" create ./vm.xml s5 --disk-only --overlay-options "$key"
done
