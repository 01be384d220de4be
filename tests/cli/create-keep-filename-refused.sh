#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With --keep-filename, a raw image, an image named through a symbolic link, a given file, and a
# frozen name that exists are refused.
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
