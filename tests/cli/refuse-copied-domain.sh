#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A copied directory whose domain XML still names the images of the original changes none of them.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

mkdir orig golden
cd orig || exit 99
make_image a.qcow2 qcow2 4M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
cd "$WORK" || exit 99
cp -a orig copy
text="is a copy of '$WORK/orig/vm.xml', whose images it still names"
assert_refuses 8 "$text" "$OFFSHOT" delete copy/vm.xml s1
assert_refuses 8 "$text" "$OFFSHOT" revert copy/vm.xml s1
assert_refuses 8 "$text" "$OFFSHOT" create copy/vm.xml s2 --disk-only
ok "$OFFSHOT" list copy/vm.xml

# the same file under two names is no copy, and neither is another domain beside a base
rm -r copy
mkdir copy
ln -s ../orig/vm.xml copy/vm.xml
cp orig/a.qcow2 golden/g.qcow2
domain_xml other vda:qcow2:golden/g.qcow2 >golden/vm.xml
mkdir here
cd here || exit 99
make_image b.qcow2 qcow2 4M -b "$WORK/golden/g.qcow2" -F qcow2
make_domain vm vda:qcow2:b.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
cd "$WORK" || exit 99
ok "$OFFSHOT" delete orig/vm.xml s1
