#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Between a crash and its recovery the file system of the images was unmounted, and mounted again from
# another device: its files are what they were, and the recovery undoes or finishes as ever.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace qemu-io losetup mkfs.ext4 mount umount
need_plain_program
need_root

mounted=$WORK/case
truncate -s 16M "$SCRATCH/fs"
mkfs.ext4 -q -F -I 256 "$SCRATCH/fs" || skip 'no file system can be made'
truncate -s 1M "$SCRATCH/other"
at_exit "cd /; mountpoint -q '$mounted' && umount '$mounted'
for file in '$SCRATCH/fs' '$SCRATCH/other'; do
    losetup --associated \"\$file\" --noheadings --output NAME | xargs -r losetup -d
done"

# attach: the file system is at $mounted
attach()
{
    device=$(losetup --find --show "$SCRATCH/fs" 2>/dev/null) || skip 'no loop device can be made'
    mount "$device" "$mounted" 2>/dev/null || skip 'nothing can be mounted'
    cd "$mounted" || exit 99
}

detach()
{
    cd "$WORK" || exit 99
    umount "$mounted" || fail 'cannot unmount'
    losetup --associated "$SCRATCH/fs" --noheadings --output NAME | xargs -r losetup -d
}

# elsewhere: the same, from another device
elsewhere()
{
    local before

    before=$(stat -c %d .)
    detach
    losetup "$device" "$SCRATCH/other" || skip "'$device' was taken by somebody else"
    attach
    losetup --associated "$SCRATCH/other" --noheadings --output NAME | xargs -r losetup -d
    [ "$(stat -c %d .)" != "$before" ] || fail 'the device has the number that it had'
}

# fresh: nothing but two disks
fresh()
{
    find . -mindepth 1 -maxdepth 1 ! -name lost+found -exec rm -rf {} +
    make_image a.qcow2 qcow2 256k
    make_image b.qcow2 qcow2 256k
    pattern_write a.qcow2 qcow2 0x11 0 64k
    pattern_write b.qcow2 qcow2 0x22 0 64k
    make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
}

# files: what there is
files()
{
    find . -mindepth 1 -path ./lost+found -prune -o -type d -printf '%y %m %p\n' -o -printf '%y %m %n %p\n' \
        | LC_ALL=C sort
}

mkdir "$mounted"
attach
for option in '' --keep-filename; do
    # shellcheck disable=SC2206 # a word or none
    create=("$OFFSHOT" create ./vm.xml s1 --disk-only $option)
    fresh
    before=$(files)
    mapfile -t calls < <(trace_points link,rename,renameat2,unlink "${create[@]}")
    after=$(files)
    for call in "${calls[@]}"; do
        # the lock goes last, when the journal has gone
        [ "$call" != "${calls[-1]}" ] || continue
        case $option:$call in
        :'rename 3' | :'rename 4' | :'renameat2 1' | :'unlink 2' | *keep*:'rename '[234] | *keep*:'renameat2 1') ;;
        *) is_long || continue ;;
        esac
        row="create${option:+ $option}, killed, remounted"
        trial "$row"
        fresh
        # shellcheck disable=SC2086 # a call and a number
        at $call signal=KILL "${create[@]}"
        assert_status 137
        elsewhere
        ok "$OFFSHOT" recover ./vm.xml
        grep -q 'moved or removed\|is not the file' "$STDERR" && lost "$row" "killed at $call: a warning"
        now=$(files)
        [ "$now" = "$before" ] || [ "$now" = "$after" ] || { echo "$now"; lost "$row" "killed at $call"; }
        ok "$OFFSHOT" recover ./vm.xml
        assert_stdout 'Nothing to recover'
        pattern_check "$(domain_source vm.xml vda)" qcow2 0x11 0 64k
        pattern_check "$(domain_source vm.xml vdb)" qcow2 0x22 0 64k
    done
done
cd "$WORK" || exit 99
detach

table
