#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every operation on images works when qemu-img is confined to them: whatever directories, links, devices and file
# systems they are on.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint
ok "$OFFSHOT" --version
! grep -qx 'sandbox: none' "$STDOUT" || skip 'the kernel has no Landlock'

offshot()
{
    ok "$OFFSHOT" "$@" --sandbox=require
}

# active PATTERN: write it into all disks, at a place of its own.
active()
{
    local disk source

    for disk in "${disks[@]}"; do
        source=$(domain_source vm.xml "$disk")
        pattern_write "$source" "$(domain_format vm.xml "$disk")" "$1" "$((64 * $1))k" 64k
    done
}

# shows PATTERN...: the active images hold these and no more.
shows()
{
    local disk source pattern

    for disk in "${disks[@]}"; do
        source=$(domain_source vm.xml "$disk")
        for pattern in 1 2 3 4 5; do
            case " $* " in
            *" $pattern "*) pattern_check "$source" "$(domain_format vm.xml "$disk")" "$pattern" "$((64 * pattern))k" 64k ;;
            *) pattern_check "$source" "$(domain_format vm.xml "$disk")" 0 "$((64 * pattern))k" 64k ;;
            esac
        done
    done
}

# --- external: several directories, a symbolic link, another file system, a name that needs care ------

elsewhere=$WORK/elsewhere
if [ -w /dev/shm ] && [ "$(stat -c %d /dev/shm)" != "$(stat -c %d "$WORK")" ]; then
    elsewhere=$(mktemp -d /dev/shm/offshot-test.XXXXXX) || exit 99
    at_exit "rm -rf '$elsewhere'"
fi
mkdir -p "$elsewhere" 'one, two' links
make_image 'one, two/a b.qcow2' qcow2 1M
make_image real.qcow2 qcow2 1M
ln -s ../real.qcow2 links/c.qcow2
make_image "$elsewhere/d.raw" raw 1M
make_domain vm "vda:qcow2:$WORK/one, two/a b.qcow2" vdb:qcow2:links/c.qcow2 "vdc:raw:$elsewhere/d.raw"
disks=(vda vdb vdc)

active 1
offshot create ./vm.xml s1 --disk-only
active 2
offshot create ./vm.xml s2 --disk-only
active 3
offshot create ./vm.xml s3 --disk-only
active 4
offshot revert ./vm.xml s2
shows 1 2
active 5
offshot revert ./vm.xml s3 --save-as s4
shows 1 2 3
mkdir out
for format in raw qcow2; do
    offshot extract ./vm.xml s2 -o "$WORK/out/" --format "$format"
done
offshot extract ./vm.xml s3 -o "$WORK/out/c.qcow2" --disk vdb --format qcow2 --compress
pattern_check out/vda.raw raw 2 128k 64k
pattern_check out/vdc.qcow2 qcow2 2 128k 64k
pattern_check out/c.qcow2 qcow2 3 192k 64k
offshot delete ./vm.xml s1
offshot delete ./vm.xml s4
offshot delete ./vm.xml s3 --strategy=commit
shows 1 2 3
offshot flatten ./vm.xml
shows 1 2 3
for disk in "${disks[@]}"; do
    assert_equal "$(image_chain "$(domain_source vm.xml "$disk")" qcow2 | wc -l)" 1 "layers of $disk"
    assert_clean "$(domain_source vm.xml "$disk")" qcow2
done

# --- the same names, relative links, a base in another format -----------------------------------------

rm -rf vm.snapshots .vm.offshot
make_image k.qcow2 qcow2 1M
make_image base.vdi vdi 1M
qemu-img create -q -f qcow2 -F vdi -b base.vdi l.qcow2
make_domain vm vda:qcow2:k.qcow2 vdb:qcow2:l.qcow2
disks=(vda vdb)
active 1
offshot create ./vm.xml s1 --disk-only --keep-filename
active 2
offshot create ./vm.xml s2 --disk-only --keep-filename --backing-path=relative
active 3
offshot revert ./vm.xml --current
shows 1 2
offshot delete ./vm.xml s1 --strategy=rebase
shows 1 2

# --- internal -----------------------------------------------------------------------------------------

rm -rf vm.snapshots .vm.offshot
make_image i.qcow2 qcow2 1M
make_domain vm vda:qcow2:i.qcow2
disks=(vda)
active 1
offshot create ./vm.xml s1
active 2
offshot create ./vm.xml s2 --internal
active 3
offshot revert ./vm.xml s1
shows 1
offshot extract ./vm.xml s2 -o "$WORK/out/i.raw" --format raw
pattern_check out/i.raw raw 2 128k 64k
offshot delete ./vm.xml s2
offshot delete ./vm.xml s1
assert_equal "$(image_info i.qcow2 qcow2 '.snapshots // [] | length')" 0 'tags left'
assert_clean i.qcow2 qcow2

# --- a block device ------------------------------------------------------------------------------------

[ "$(id -u)" = 0 ] && command -v losetup >/dev/null || exit 0
truncate -s 4M "$SCRATCH/device"
device=$(losetup --find --show "$SCRATCH/device" 2>/dev/null) || exit 0
at_exit "losetup -d '$device'"
[ -b "$device" ] || exit 0
qemu-img create -q -f qcow2 "$device" 1M
rm -rf vm.snapshots .vm.offshot
make_domain vm "vda:qcow2:$device"
active 1
offshot create ./vm.xml s1 --internal
active 2
offshot create ./vm.xml s2 --disk-only --diskspec vda,file=device.s2
active 3
offshot extract ./vm.xml s2 -o "$WORK/out/device.raw" --format raw
pattern_check out/device.raw raw 2 128k 64k
offshot delete ./vm.xml s1
offshot flatten ./vm.xml
shows 1 2 3
