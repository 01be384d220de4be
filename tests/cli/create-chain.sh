#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots on snapshots: every state stays what it was, and the newest is current.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw

images=(a.qcow2 b.raw)
formats=(qcow2 raw)
for n in 1 2 3 4; do
    pattern_write "${images[0]}" "${formats[0]}" "0x1$n" "${n}00k" 100k
    pattern_write "${images[1]}" "${formats[1]}" "0x2$n" "${n}00k" 100k
    frozen_a[n]="$(content_hash "${images[0]}" "${formats[0]}") ${images[0]} ${formats[0]}"
    frozen_b[n]="$(content_hash "${images[1]}" "${formats[1]}") ${images[1]} ${formats[1]}"
    ok "$OFFSHOT" create ./vm.xml "s$n" --disk-only
    images=("a.s$n" "b.s$n")
    formats=(qcow2 qcow2)
    assert_snapshot_valid vm.snapshots/*.xml
done
pattern_write a.s4 qcow2 0xff 0 1M

for n in 1 2 3 4; do
    read -r hash image format <<<"${frozen_a[n]}"
    assert_equal "$(content_hash "$image" "$format")" "$hash" "vda at s$n"
    read -r hash image format <<<"${frozen_b[n]}"
    assert_equal "$(content_hash "$image" "$format")" "$hash" "vdb at s$n"
done
assert_chain "$WORK/a.s4" qcow2 "$WORK/a.s3" "$WORK/a.s2" "$WORK/a.s1" "$WORK/a.qcow2"
assert_chain "$WORK/b.s4" qcow2 "$WORK/b.s3" "$WORK/b.s2" "$WORK/b.s1" "$WORK/b.raw"

ok "$OFFSHOT" list ./vm.xml --json
assert_equal "$(json '.snapshots | map([.name, .parent, .current, (.children | join(","))] | map(tostring)
    | join(" ")) | sort | join("|")')" 's1 null false s2|s2 s1 false s3|s3 s2 false s4|s4 s3 true '
assert_equal "$(json '.snapshots | sort_by(.name) | map(.disks[0].frozen + " " + .disks[0].overlay) | join("|")')" \
    "$WORK/a.qcow2 $WORK/a.s1|$WORK/a.s1 $WORK/a.s2|$WORK/a.s2 $WORK/a.s3|$WORK/a.s3 $WORK/a.s4"
assert_equal "$(xmllint --xpath 'string(/domainsnapshot/active)' vm.snapshots/s3.xml)" 0 'active of s3'
assert_equal "$(xmllint --xpath 'string(/domainsnapshot/active)' vm.snapshots/s4.xml)" 1 'active of s4'
