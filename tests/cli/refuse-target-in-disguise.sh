#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An overlay never goes onto an image of the domain, onto one that a snapshot has frozen, into the
# store or where lock and journal are, nor do two go to one place, under whatever name that is asked for.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io

# content NAME...: of images and devices; snapshot_state does not look into devices
contents()
{
    sha256sum -- "$@"
}

# create_refused TEXT OPTION...
create_refused()
{
    local text=$1

    shift
    assert_refuses 8 "$text" "$OFFSHOT" create ./vm.xml s9 --disk-only "$@"
}

make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
pattern_write b.qcow2 qcow2 0x22 0 64k
mkdir real
ln -s real linked

# where offshot's own files are, also through a link, a different spelling, or before they are there
make_domain vm vda:qcow2:a.qcow2
create_refused 'vm.snapshots' --diskspec vda,file=vm.snapshots
mkdir vm.snapshots
ln -s vm.snapshots store
create_refused 'vm.snapshots' --diskspec "vda,file=$WORK/vm.snapshots/s9.xml"
create_refused 'vm.snapshots' --diskspec vda,file=vm.snapshots/other
create_refused 'vm.snapshots' --diskspec vda,file=store/s9.xml
create_refused 'vm.snapshots' --diskspec vda,file=real/../vm.snapshots/other
create_refused 'real' --store real --diskspec vda,file=linked/other
for name in .vm.offshot/other .vm.offshot/journal .vm.offshot/journal.x real/../.vm.offshot/other; do
    create_refused '.vm.offshot' --diskspec "vda,file=$name"
done
# a snapshot whose overlay, by the rule, would be the store
rm -r vm.snapshots store
make_image vm.qcow2 qcow2 1M
make_domain vm vda:qcow2:vm.qcow2
assert_refuses 8 'vm.snapshots' "$OFFSHOT" create ./vm.xml snapshots --disk-only

# one name through two directories: by the rule, and by request
make_image real/a.qcow2 qcow2 1M
make_image real/a.raw raw 1M
make_domain vm vda:qcow2:real/a.qcow2 vdb:raw:linked/a.raw
create_refused 'a.s9'
create_refused 'linked/x' --diskspec vda,file=real/x --diskspec vdb,file=linked/x
create_refused 'x' --diskspec vda,file=linked/x --diskspec vdb,file="$WORK/real/../real/x"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vda,file=real/x --diskspec vdb,file=linked/y
rm -r vm.snapshots real/x real/y

# an image that a snapshot has frozen is no overlay any more, although it stands on the active image
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
cp vm.xml first.xml
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
cp first.xml vm.xml
ln a.s1 another
ln -s a.s1 a.link
for name in a.s1 another a.link; do
    create_refused "'s2'" --reuse-external --diskspec "vda,file=$name" --diskspec vdb,snapshot=no
done
# the top of that chain does not stand on the active image at once
create_refused 'a.s2' --reuse-external --diskspec vda,file=a.s2 --diskspec vdb,snapshot=no
# what another disk stands on
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:over.b
make_image over.a qcow2 1M -b "$WORK/a.qcow2" -F qcow2
make_image over.b qcow2 1M -b "$WORK/over.a" -F qcow2
create_refused '' --reuse-external --diskspec vda,file=over.a --diskspec vdb,snapshot=no
rm -r vm.snapshots

# devices
[ "$(id -u)" = 0 ] || skip 'without root there is no device; all else passed'
need losetup mknod
devices=()
for number in 0 1; do
    truncate -s 4M "$SCRATCH/loop.$number"
    device=$(losetup --find --show "$SCRATCH/loop.$number" 2>/dev/null) \
        || skip 'no loop device can be made; all else passed'
    at_exit "losetup -d '$device'"
    [ -b "$device" ] || skip 'the loop device has no node; all else passed'
    devices+=("$device")
    mknod "alias.$number" b "$((0x$(stat -c %t "$device")))" "$((0x$(stat -c %T "$device")))" \
        || skip 'no device node can be made; all else passed'
    # a node on a file system that is mounted without devices cannot be opened
    head -c 1 "alias.$number" >/dev/null 2>&1 || skip 'the device node cannot be opened; all else passed'
done
zero=${devices[0]}
one=${devices[1]}
before=$(contents "$zero" "$one")

# the active image of another disk, whichever comes first, and whether it takes part
for disks in "vda:qcow2:a.qcow2 vdb:raw:$zero" "vdb:raw:$zero vda:qcow2:a.qcow2"; do
    # shellcheck disable=SC2086 # two disks
    make_domain vm $disks
    for name in "$zero" "$WORK/alias.0"; do
        create_refused "'vdb'" --diskspec "vda,stype=block,file=$name" --diskspec vdb,file=b.s9
        create_refused "'vdb'" --diskspec "vda,stype=block,file=$name" --diskspec vdb,snapshot=no
    done
done
# its own base
make_domain vm "vda:raw:$zero"
create_refused "'vda'" --diskspec "vda,stype=block,file=$WORK/alias.0"
create_refused "'vda'" --diskspec "vda,stype=block,file=$zero"
# a base further below
make_image over.device qcow2 4M -b "$zero" -F raw
make_domain vm vda:qcow2:over.device
create_refused "'vda'" --diskspec "vda,stype=block,file=$WORK/alias.0"
# two overlays on one device
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
create_refused 'alias.1' --diskspec "vda,stype=block,file=$one" --diskspec "vdb,stype=block,file=$WORK/alias.1"
assert_equal "$(contents "$zero" "$one")" "$before" 'content of the devices'

# what is none of these works
ok "$OFFSHOT" create ./vm.xml s9 --disk-only --diskspec "vda,stype=block,file=$one" \
    --diskspec "vdb,stype=block,file=$WORK/alias.0"
assert_chain "$one" qcow2 "$WORK/a.qcow2"
assert_chain "$WORK/alias.0" qcow2 "$WORK/b.qcow2"
pattern_check "$one" qcow2 0x11 0 64k
pattern_check "$zero" qcow2 0x22 0 64k

# a device that is an image by what lies behind it: the zeros at the beginning of raw images are no empty space
rm -r vm.snapshots
# behind FILE: $device is a loop device over it
behind()
{
    device=$(losetup --find --show "$1") || fail 'no loop device can be made'
    at_exit "losetup -d '$device'"
}
for name in raw neighbour spare; do
    truncate -s 4M "$name"
done
pattern_write raw raw 0x33 3M 64k
make_domain vm vda:qcow2:a.qcow2 vdb:raw:raw
make_domain vn vda:raw:neighbour
behind raw
create_refused "'$device' is an image of disk 'vdb'" --diskspec "vda,stype=block,file=$device" \
    --diskspec vdb,snapshot=no
create_refused "'$device' is an image of disk 'vdb'" --diskspec "vdb,stype=block,file=$device"
# frozen, or below what is frozen, in another branch
ok "$OFFSHOT" create ./vm.xml t1 --disk-only
make_domain vm vda:qcow2:a.qcow2
create_refused "'$device' holds disk 'vdb' of snapshot 't1'" --diskspec "vda,stype=block,file=$device"
ok "$OFFSHOT" delete ./vm.xml t1 --metadata
make_domain vm vda:qcow2:a.qcow2 "vdb:qcow2:raw.t1"
ok "$OFFSHOT" create ./vm.xml t2 --disk-only
make_domain vm vda:qcow2:a.qcow2
create_refused "'$device' is '$WORK/raw', on which a snapshot stands" --diskspec "vda,stype=block,file=$device"
# of a domain beside this one
behind neighbour
create_refused "'$device' is disk 'vda' of domain 'vn'" --diskspec "vda,stype=block,file=$device"
# one file behind two devices
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
behind spare
first=$device
behind spare
create_refused "in one place, '$device'" --diskspec "vda,stype=block,file=$first" \
    --diskspec "vdb,stype=block,file=$device"
ok "$OFFSHOT" create ./vm.xml t3 --disk-only --diskspec "vda,stype=block,file=$device" --diskspec vdb,snapshot=no

# a partition lies on its disk, and beside others
need addpart delpart
truncate -s 8M disk
behind disk
for number in 1 2; do
    addpart "$device" "$number" $((number * 4096)) 4096 2>/dev/null || skip 'no partition can be made; all else passed'
    AT_EXIT=("delpart '$device' $number" "${AT_EXIT[@]}")
    IFS=: read -r major minor <"/sys/block/${device##*/}/${device##*/}p$number/dev"
    mknod "part.$number" b "$major" "$minor" || fail 'no node can be made'
done
make_domain vm vda:raw:part.1
create_refused "'vda'" --diskspec "vda,stype=block,file=$device"
make_domain vm vda:raw:disk
create_refused "'vda'" --diskspec "vda,stype=block,file=$WORK/part.1"
make_domain vm vda:raw:part.1
ok "$OFFSHOT" create ./vm.xml t4 --disk-only --diskspec "vda,stype=block,file=$WORK/part.2"
