#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names of directories are as arbitrary as those of images: below each of them, an overlay with a relative and
# one with an absolute link stands on the right image.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

long=$(printf 'y%.0s' {1..240})
# shellcheck disable=SC2016 # "$" is one of the characters
names=('with blank.img' ' lead and trail ' 'com,ma,,s.qcow2' 'co:lon.img' 'nbd:x' 'json:{"driver":"null"}' 'json:x.y'
    'file:a' 'http://x' "quo'te\"s\`.img" 'per%20cent%s%n.img' '-lead.img' '--help' '-' 'ünï€𝄞.img'
    'back\slash\n.img'
    $'line\nbreak.img' $'tab\tname.img' '<angle>&amp;.img' '$HOME;*?[a]|#!.img' '=x,y=z.img' '~' '.hidden'
    '.hidden.img' 'dot.' '..x' 'a.b.c.d' 'size=1,cluster_size=2' "$long.qcow2")

for name in "${names[@]}"; do
    mkdir -p -- "$WORK/dir/$name"
    make_image "$WORK/dir/$name/disk.raw" raw 64k
    pattern_write "$WORK/dir/$name/disk.raw" raw 0x5a 0 64k
    make_domain vm "vda:raw:$WORK/dir/$name/disk.raw"
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only --backing-path=absolute
    pattern_check "$WORK/dir/$name/disk.s1" qcow2 0x5a 0 64k
    ok "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec "vda,file=over" --backing-path=relative
    pattern_check over qcow2 0x5a 0 64k
    pattern_write over qcow2 0x77 0 64k
    pattern_check "$WORK/dir/$name/disk.s1" qcow2 0x5a 0 64k
    pattern_check "$WORK/dir/$name/disk.raw" raw 0x5a 0 64k
    assert_equal "$(domain_source <(xmllint --xpath /domainsnapshot/domain vm.snapshots/s1.xml) vda)" \
        "$WORK/dir/$name/disk.raw" 'frozen image'
    rm -rf vm.snapshots over
done
