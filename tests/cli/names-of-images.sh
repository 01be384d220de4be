#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names of images and directories are arbitrary: with blanks, commas, colons, quotes, line breaks,
# protocols, a leading dash, UTF-8 or 255 bytes, the overlay stands on the right image.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

long=$(printf 'y%.0s' {1..240})
# shellcheck disable=SC2016 # "$" is one of the characters
names=('with blank.img' ' lead and trail ' 'com,ma,,s.qcow2' 'co:lon.img' 'nbd:x' 'json:{"driver":"null"}' 'json:x.y'
    'file:a' 'http://x' "quo'te\"s\`.img" 'per%20cent%s%n.img' '-lead.img' '--help' '-' 'ünï€𝄞.img'
    'back\slash\n.img'
    $'line\nbreak.img' $'tab\tname.img' '<angle>&amp;.img' '$HOME;*?[a]|#!.img' '=x,y=z.img' '~' '.hidden'
    '.hidden.img' 'dot.' '..x' 'a.b.c.d' 'size=1,cluster_size=2' "$long.qcow2")

# check_image DIRECTORY NAME FORMAT [OPTION...]
check_image()
{
    local path=$1/$2 format=$3 source frozen

    shift 3
    make_image "$path" "$format" 64k
    pattern_write "$path" "$format" 0x5a 0 64k
    make_domain vm "vda:$format:$path"
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only --json "$@"
    source=$(domain_source vm.xml vda)
    assert_equal "$(json '.snapshots[0].disks[0].overlay')" "$source" 'overlay in the snapshot'
    frozen=$(json '.snapshots[0].disks[0].frozen')
    if [ "${1-}" = --keep-filename ]; then
        assert_equal "$source" "$path" 'kept name'
    else
        assert_equal "$frozen" "$path" 'frozen image'
    fi
    pattern_check "$source" qcow2 0x5a 0 64k
    pattern_write "$source" qcow2 0x77 0 64k
    pattern_check "$frozen" "$format" 0x5a 0 64k
    # libvirt's own schema knows fewer names
    ok xmllint --noout --relaxng "$OFFSHOT_DATADIR/schemas/domainsnapshot.rng" vm.snapshots/s1.xml
    rm -rf -- vm.snapshots "$source" "$frozen"
}

for name in "${names[@]}"; do
    case $name in
    */*) mkdir -p "$WORK/${name%/*}" ;;
    esac
    check_image "$WORK" "$name" qcow2
done
for name in "${names[@]:0:16}"; do
    case $name in
    http*) continue ;;
    esac
    check_image "$WORK" "$name" qcow2 --keep-filename
done
