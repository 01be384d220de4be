#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A stored snapshot without <disks> may need any disk of its <domain>.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint perl

make_image a.qcow2 qcow2 8M
pattern_write a.qcow2 qcow2 0x11 0 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 0 64k
perl -0pe 's,<disks>.*?</disks>,,s; s,<name>s1<,<name>other<,; s,<active>1,<active>0,' vm.snapshots/s1.xml \
    >vm.snapshots/other.xml
run "$OFFSHOT" delete ./vm.xml s1
pattern_check a.qcow2 qcow2 0x11 0 1M
