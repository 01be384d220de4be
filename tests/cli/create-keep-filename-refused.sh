#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With --keep-filename, a raw image, an image named through a symbolic link or with further names, a
# given file, a frozen name that exists, and a store with snapshots that cannot be read are refused.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
ln -s a.qcow2 link.qcow2

make_domain vm vda:raw:b.raw
assert_refuses 8 "'vda'" "$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename
make_domain vm vda:qcow2:link.qcow2
assert_refuses 8 'symbolic link' "$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename
make_domain vm vda:qcow2:a.qcow2
assert_refuses 8 "'vda'" "$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename --diskspec vda,file=x
assert_refuses 8 "'vda'" "$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename --diskspec vda,driver=qed
assert_refuses 2 '--keep-filename' "$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename --reuse-external
touch a.s1.qcow2
assert_refuses 8 'a.s1.qcow2' "$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename
ln -s nowhere a.s2.qcow2
assert_refuses 8 'a.s2.qcow2' "$OFFSHOT" create ./vm.xml s2 --disk-only --keep-filename

# the raw disk can be left out
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --keep-filename --diskspec vdb,snapshot=no
assert_chain "$WORK/a.qcow2" qcow2 "$WORK/a.s3.qcow2"

# a further name of the image, through which the frozen one could be written
make_domain vm vda:qcow2:a.qcow2
ln a.qcow2 further
assert_refuses 8 'hard links' "$OFFSHOT" create ./vm.xml s4 --disk-only --keep-filename
rm further

# stored snapshots that cannot be read might name the image that is renamed
# store_refused NAME COMMAND...: a warning tells of the entry, too
store_refused()
{
    local name=$1 before

    shift
    before=$(snapshot_state "$WORK")
    run "$@" create ./vm.xml s4 --disk-only --keep-filename
    assert_status 8
    assert_equal "$(tail -n 1 "$STDERR" | grep -cF -e "$name")" 1 'whether the error names the entry'
    assert_unchanged "$WORK" "$before"
}

entry=vm.snapshots/s3.xml
cp "$entry" "$SCRATCH/good"
for damage in 'echo "<domainsnapshot>"' 'head -c 2000000 /dev/zero' 'true' 'cat vm.xml'; do
    eval "$damage" >"$entry"
    store_refused s3.xml "$OFFSHOT"
done
rm "$entry"
for entry in vm.snapshots/s3.xml vm.snapshots/other; do
    mkdir "$entry"
    store_refused "${entry##*/}" "$OFFSHOT"
    rmdir "$entry"
done
entry=vm.snapshots/s3.xml
cp "$SCRATCH/good" "$entry"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    chmod 755 "$SCRATCH" "$WORK"
    user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    if "${user[@]}" "$OFFSHOT" --version >/dev/null 2>&1; then
        chown -R 65534:65534 "$WORK"
        chown 0:0 "$entry"
        chmod 600 "$entry"
        store_refused s3.xml "${user[@]}" "$OFFSHOT"
        chown -R 0:0 "$WORK"
    fi
fi
ok "$OFFSHOT" create ./vm.xml s4 --disk-only --keep-filename
assert_chain "$WORK/a.qcow2" qcow2 "$WORK/a.s4.qcow2" "$WORK/a.s3.qcow2"
