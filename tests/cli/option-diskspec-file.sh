#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --diskspec file=: relative to the working directory or absolute, commas doubled, in another
# directory.
. "${srcdir:?}/lib/lib.sh"

need qemu-img xmllint

mkdir images other 'a,b'
make_image images/a.qcow2 qcow2 1M
make_domain vm "vda:qcow2:images/a.qcow2"

ok "$OFFSHOT" create ./vm.xml s1 --disk-only --diskspec vda,file=relative
assert_chain "$WORK/relative" qcow2 "$WORK/images/a.qcow2"
assert_equal "$(domain_source vm.xml vda)" "$WORK/relative"
(
    cd other || exit
    ok "$OFFSHOT" create ../vm.xml s2 --disk-only --diskspec vda,file=x.img
) || exit
assert_chain "$WORK/other/x.img" qcow2 "$WORK/relative" "$WORK/images/a.qcow2"
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --diskspec \
    "vda,snapshot=external,driver=qcow2,file=$WORK/a,,b/c,,,,d"
assert_chain "$WORK/a,b/c,,d" qcow2 "$WORK/other/x.img" "$WORK/relative" "$WORK/images/a.qcow2"
assert_equal "$(domain_source vm.xml vda)" "$WORK/a,b/c,,d"
# by source path, which has commas as well
ok "$OFFSHOT" create ./vm.xml s4 --disk-only --diskspec "$WORK/a,,b/c,,,,d,file=last"
assert_chain "$WORK/last" qcow2 "$WORK/a,b/c,,d" "$WORK/other/x.img" "$WORK/relative" "$WORK/images/a.qcow2"
