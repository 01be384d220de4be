#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A domain XML, a store or a snapshot that another user wrote, or that everybody may write, says which images
# are to be changed: what changes anything is refused, reading works. What is usual is not refused: images of
# any owner, directories with the sticky bit, a group that may write.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

fresh()
{
    find "$WORK" -mindepth 1 -delete
    chmod 755 "$WORK"
    make_image a.qcow2 qcow2 1M
    make_domain vm vda:qcow2:a.qcow2
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only
    ok "$OFFSHOT" create ./vm.xml s2 --disk-only
}

# refused TEXT PATH: by all that changes something
refused()
{
    for command in 'create ./vm.xml s9 --disk-only' 'create ./vm.xml s9 --disk-only --dry-run' 'revert ./vm.xml s1' \
        'delete ./vm.xml s2' 'delete ./vm.xml s2 --metadata' 'flatten ./vm.xml'; do
        # shellcheck disable=SC2086 # words
        assert_refuses 8 "$1" "$OFFSHOT" $command
        assert_stderr_contains "$2"
    done
    ok "$OFFSHOT" list ./vm.xml --name
    assert_stdout $'s1\ns2'
    ok "$OFFSHOT" info ./vm.xml s1
    ok "$OFFSHOT" dumpxml ./vm.xml s1
}

works()
{
    ok "$OFFSHOT" create ./vm.xml s3 --disk-only
    ok "$OFFSHOT" delete ./vm.xml s3
    ok "$OFFSHOT" revert ./vm.xml s2
    assert_stderr_empty
}

# everybody may write it
for path in vm.xml vm.snapshots vm.snapshots/s1.xml; do
    fresh
    chmod o+w "$path"
    refused 'everybody may write' "$path"
done
fresh
chmod 1777 vm.snapshots
refused 'everybody may write' vm.snapshots
fresh
chmod 777 .
refused 'everybody may replace' vm.xml
# it is what lies behind a link that counts
fresh
mkdir real
mv vm.snapshots real/store
ln -s real/store vm.snapshots
chmod o+w real/store
refused 'everybody may write' real/store

# as usual: /tmp, a group that shares its machines, files that only their owner may see
fresh
chmod 1777 .
works
fresh
chmod 775 . vm.snapshots
chmod 664 vm.xml vm.snapshots/*
works
fresh
chmod 700 .
chmod 600 vm.xml a.*
works

[ "$(id -u)" = 0 ] || skip 'the rest needs root; all before has passed'
nobody=65534

# what another user wrote, to root
for path in vm.xml vm.snapshots vm.snapshots/s2.xml; do
    fresh
    chown "$nobody" "$path"
    refused "belongs to user $nobody" "$path"
    for wrong in 1 x '' 655340; do
        SUDO_UID=$wrong run "$OFFSHOT" create ./vm.xml s3 --disk-only
        assert_error 8 "belongs to user $nobody"
    done
    # unless that user became root by sudo
    SUDO_UID=$nobody ok "$OFFSHOT" create ./vm.xml s3 --disk-only
done
# the directory of lock and journal alike
fresh
mkdir -m 700 .vm.offshot
chown "$nobody" .vm.offshot
assert_refuses 8 "belongs to user $nobody" "$OFFSHOT" create ./vm.xml s3 --disk-only
SUDO_UID=$nobody ok "$OFFSHOT" create ./vm.xml s3 --disk-only
# as libvirt has it: images of the user that QEMU runs as, under a directory of that user
fresh
chown "$nobody:$nobody" a.*
chmod 600 a.*
works
assert_equal "$(stat -c '%u:%g %a' "$(domain_source vm.xml vda)")" "$nobody:$nobody 600" 'owner and mode'
mkdir -m 711 images
chown "$nobody" images
mv vm.* images
cd images || exit 99
works
cd .. || exit 99
root=$WORK/root
make_image e.qcow2 qcow2 1M
chown "$nobody:$nobody" e.qcow2
make_embed_domain "$root" vm "vda:qcow2:$WORK/e.qcow2"
mkdir -p "$root/lib/qemu/snapshot"
chown "$nobody" "$root/lib/qemu" "$root/lib/qemu/snapshot"
chmod 600 "$root/etc/qemu/vm.xml"
ok "$OFFSHOT" -c "qemu:///embed?root=$root" create vm s1 --disk-only
ok "$OFFSHOT" -c "qemu:///embed?root=$root" delete vm s1

# a user, on what is his own and on what is root's
command -v setpriv >/dev/null || skip 'setpriv is missing; all before has passed'
chmod 755 "$SCRATCH"
user=(setpriv "--reuid=$nobody" "--regid=$nobody" --clear-groups)
"${user[@]}" "$OFFSHOT" --version >/dev/null 2>&1 || skip 'the program cannot be run by others; all before has passed'
fresh
chown -R "$nobody:$nobody" .
ok "${user[@]}" "$OFFSHOT" create ./vm.xml s3 --disk-only
chown 0 vm.snapshots/s1.xml
chmod 644 vm.snapshots/s1.xml
ok "${user[@]}" "$OFFSHOT" create ./vm.xml s4 --disk-only
chown 1 vm.snapshots/s1.xml
run "${user[@]}" "$OFFSHOT" create ./vm.xml s5 --disk-only
assert_error 8 'belongs to user 1'
# only root can have come by sudo
SUDO_UID=1 run "${user[@]}" "$OFFSHOT" create ./vm.xml s5 --disk-only
assert_error 8 'belongs to user 1'
chown 0 .
