#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots that are there follow an image that --keep-filename renames however the domain XML spells
# its name.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

mkdir spelt
make_image spelt/c.qcow2 qcow2 1M
ln -s spelt linked
make_domain other "vda:qcow2:$WORK/spelt/c.qcow2"
ok "$OFFSHOT" create ./other.xml s1 --disk-only --keep-filename
for name in spelt/./c.qcow2 linked/c.qcow2 spelt/../spelt//c.qcow2; do
    n=$((${n-1} + 1))
    make_domain other "vda:qcow2:$WORK/$name"
    ok "$OFFSHOT" create ./other.xml "s$n" --disk-only --keep-filename
    ok "$OFFSHOT" info ./other.xml "s$((n - 1))" --json
    assert_equal "$(realpath "$(json '.snapshots[0].disks[0].overlay')")" "$WORK/spelt/c.s$n.qcow2" \
        "overlay of s$((n - 1)), the image being named '$name'"
done
