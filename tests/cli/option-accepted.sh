#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --atomic, --halt and --quiesce are accepted: offline they are always so. --external is another word
# for --disk-only.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --atomic --halt --quiesce
ok "$OFFSHOT" create ./vm.xml s2 --external --atomic
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --memspec snapshot=no
ok "$OFFSHOT" create ./vm.xml s4 --disk-only --jobs=1 --lock-timeout=1
ok "$OFFSHOT" --jobs 2 --quiet create ./vm.xml s5 --disk-only
assert_chain "$WORK/a.s5" qcow2 "$WORK"/a.s{4,3,2,1} "$WORK/a.qcow2"
