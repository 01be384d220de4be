#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# virsh takes a snapshot on top of those of offshot, and offshot on top of those of virsh: one tree,
# one chain, every state kept.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint jq
need_virsh_embed

root=$WORK/root
uri="qemu:///embed?root=$root"
make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_embed_domain "$root" vm vda:qcow2:a.qcow2 vdb:raw:b.raw

pattern_write a.qcow2 qcow2 0x10 0 1M
pattern_write b.raw raw 0x20 0 1M
top_a=a.qcow2 top_b=b.raw format_a=qcow2 format_b=raw
for n in 1 2 3 4; do
    if [ $((n % 2)) = 1 ]; then
        ok "$OFFSHOT" -c "$uri" create vm "s$n" --disk-only
    else
        run virsh_embed "$root" snapshot-create-as vm "s$n" --disk-only
        assert_status 0
    fi
    assert_chain "$WORK/a.s$n" qcow2 "$(image_chain "$top_a" "$format_a")"
    assert_chain "$WORK/b.s$n" qcow2 "$(image_chain "$top_b" "$format_b")"
    top_a=a.s$n top_b=b.s$n format_a=qcow2 format_b=qcow2
    pattern_write "$top_a" qcow2 "0x1$n" "${n}00k" 100k
    pattern_write "$top_b" qcow2 "0x2$n" "${n}00k" 100k

    want=$(seq -f 's%g' 1 "$n")
    assert_equal "$(virsh_embed "$root" snapshot-list vm --name)" "$want" 'list of virsh'
    assert_equal "$(virsh_embed "$root" snapshot-current vm --name)" "s$n" 'current of virsh'
    ok "$OFFSHOT" -c "$uri" list vm --name
    assert_stdout "$want"
    ok "$OFFSHOT" -c "$uri" current vm --name
    assert_stdout "s$n"
    assert_snapshot_valid "$root"/lib/qemu/snapshot/vm/*.xml
done
pattern_check a.qcow2 qcow2 0x10 0 1M
pattern_check b.raw raw 0x20 0 1M
for n in 1 2 3; do
    pattern_check "a.s$n" qcow2 "0x1$n" "${n}00k" 100k
    pattern_check "a.s$n" qcow2 0x10 "$((n + 1))00k" 100k
    pattern_check "b.s$n" qcow2 "0x2$n" "${n}00k" 100k
    pattern_check "b.s$n" qcow2 0x20 "$((n + 1))00k" 100k
done

# virsh rewrites what offshot wrote (s4 is no longer current), and the facts that offshot keeps there survive
run virsh_embed "$root" snapshot-current vm s1
assert_status 0
grep -q 'urn:offshot:snapshot:1' "$root/lib/qemu/snapshot/vm/s1.xml" || fail 'virsh lost the metadata of s1'
ok "$OFFSHOT" -c "$uri" info vm --current --json
assert_equal "$(json '.snapshots[0].name + " " + .snapshots[0].disks[1].frozen')" "s1 $WORK/b.raw"
ok "$OFFSHOT" -c "$uri" create vm branch --disk-only
ok "$OFFSHOT" -c "$uri" parent vm branch
assert_stdout s1
assert_equal "$(virsh_embed "$root" snapshot-parent vm branch)" s1
