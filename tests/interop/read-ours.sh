#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# libvirt loads what offshot wrote, with every field, and both schemas accept it.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint
need_virsh_embed

root=$WORK/root
uri="qemu:///embed?root=$root"

for count in 1 2 8; do
    rm -rf "$root"
    disks=()
    for ((i = 1; i <= count; i++)); do
        format=qcow2
        [ $((i % 3)) != 0 ] || format=raw
        rm -f "d$count-$i".*
        make_image "d$count-$i.img" "$format" 1M
        disks+=("vd$(tr 1-8 a-h <<<"$i"):$format:d$count-$i.img")
    done
    make_embed_domain "$root" vm "${disks[@]}"
    ok "$OFFSHOT" -c "$uri" create vm first 'the first one' --disk-only
    ok "$OFFSHOT" -c "$uri" create vm second $'two\nlines' --disk-only
    assert_snapshot_valid "$root"/lib/qemu/snapshot/vm/*.xml

    assert_equal "$(virsh_embed "$root" snapshot-list vm --name)" $'first\nsecond'
    assert_equal "$(virsh_embed "$root" snapshot-current vm --name)" second
    assert_equal "$(virsh_embed "$root" snapshot-parent vm second)" first
    virsh_embed "$root" snapshot-info vm second >info || fail 'snapshot-info'
    grep -qE '^State: +shutoff$' info || fail "state: $(cat info)"
    grep -qE '^Location: +external$' info || fail "location: $(cat info)"
    grep -qE '^Parent: +first$' info || fail "parent: $(cat info)"
    virsh_embed "$root" snapshot-dumpxml vm first >first.xml || fail 'snapshot-dumpxml'
    assert_equal "$(xmllint --xpath 'string(/domainsnapshot/description)' first.xml)" 'the first one'
    assert_equal "$(xmllint --xpath 'string(/domainsnapshot/memory/@snapshot)' first.xml)" no
    assert_equal "$(xmllint --xpath 'count(/domainsnapshot/disks/disk[@snapshot="external"])' first.xml)" \
        "$count"
    assert_equal "$(xmllint --xpath 'string(//disks/disk[1]/source/@file)' first.xml)" "$WORK/d$count-1.first"
    assert_equal "$(xmllint --xpath 'string(//domain//disk[1]/source/@file)' first.xml)" "$WORK/d$count-1.img"
    virsh_embed "$root" snapshot-dumpxml vm second >second.xml || fail 'snapshot-dumpxml'
    assert_equal "$(xmllint --xpath 'string(/domainsnapshot/description)' second.xml)" $'two\nlines'
    assert_equal "$(xmllint --xpath 'string(//domain//disk[1]/source/@file)' second.xml)" \
        "$WORK/d$count-1.first"
    virsh_embed "$root" dumpxml vm >domain.xml || fail dumpxml
    assert_equal "$(domain_source domain.xml vda)" "$WORK/d$count-1.second"
    assert_equal "$(domain_format domain.xml vda)" qcow2
done
