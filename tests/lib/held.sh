# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests of delete share; source it behind lib.sh. What each snapshot and each active disk holds is
# read with qemu-img from where the XML files say it is, and compared before and after.

: "${SCRATCH:?}"
declare -A HELD_CONTENT=()

# snapshot_value SNAPSHOT XPATH
snapshot_value()
{
    xmllint --xpath "string(/domainsnapshot/$2)" "vm.snapshots/$1.xml"
}

# frozen_path SNAPSHOT DISK: where the snapshot says that the disk is. And of what format.
frozen_path()
{
    snapshot_value "$1" "domain/devices/disk[target/@dev='$2']/source/@file"
}

frozen_format()
{
    snapshot_value "$1" "domain/devices/disk[target/@dev='$2']/driver/@type"
}

# held_hash IMAGE FORMAT [TAG]
held_hash()
{
    local raw=$SCRATCH/held.raw
    local from=(-f "$2" -- "$1")

    [ -z "${3-}" ] || from=(-f "$2" -l "snapshot.name=$3" -- "$1")
    rm -f "$raw"
    qemu-img convert -O raw "${from[@]}" "$raw" || fail "cannot read '$1' ${3-}"
    sha256sum <"$raw" | cut -d' ' -f1
}

# held_now: one line for each disk of each snapshot in ./vm.snapshots, and each active one of ./vm.xml.
held_now()
{
    local file name disk kind

    for file in vm.snapshots/*.xml; do
        [ -e "$file" ] || continue
        name=$(basename "$file" .xml)
        for disk in vda vdb; do
            kind=$(snapshot_value "$name" "disks/disk[@name='$disk']/@snapshot")
            case $kind in
            external)
                echo "$name:$disk $(held_hash "$(frozen_path "$name" "$disk")" "$(frozen_format "$name" "$disk")")"
                ;;
            internal) echo "$name:$disk $(held_hash "$(frozen_path "$name" "$disk")" qcow2 "$name")" ;;
            esac
        done
    done
    for disk in vda vdb; do
        file=$(domain_source vm.xml "$disk")
        [ -z "$file" ] || echo ":$disk $(held_hash "$file" "$(domain_format vm.xml "$disk")")"
    done
}

held_remember()
{
    local what hash

    HELD_CONTENT=()
    held_now >"$SCRATCH/held.now" || exit 99
    while read -r what hash; do
        HELD_CONTENT[$what]=$hash
    done <"$SCRATCH/held.now"
}

# held_check COUNT: COUNT disks are held now, each with the content that it had; all qcow2 images are clean, and
# what is stored is valid.
held_check()
{
    local what hash count=0 image

    held_now >"$SCRATCH/held.now" || exit 99
    while read -r what hash; do
        assert_equal "$hash" "${HELD_CONTENT[$what]-not there}" "content of $what"
        count=$((count + 1))
    done <"$SCRATCH/held.now"
    assert_equal "$count" "$1" 'disks that are held'
    while IFS= read -r image; do
        [ "$(head -c 3 "$image" | tr -d '\0')" != QFI ] || assert_clean "$image" qcow2
    done < <(find . -type f ! -path './vm.snapshots/*' ! -path './.vm.offshot/*')
    for image in vm.snapshots/*.xml; do
        # libvirt's own schema may be older than <revertDisks>
        [ ! -e "$image" ] || grep -q '<revertDisks>' "$image" || assert_snapshot_valid "$image"
    done
}

# assert_images NAME...: besides the metadata, these files and no others are in the directory.
assert_images()
{
    local want have

    want=$(printf '%s\n' "$@" | LC_ALL=C sort)
    have=$(find . -mindepth 1 ! -name vm.xml ! -path './vm.snapshots*' ! -path './.vm.offshot*' ! -type d \
        -printf '%P\n' | LC_ALL=C sort)
    assert_equal "$have" "$want" 'images'
}
