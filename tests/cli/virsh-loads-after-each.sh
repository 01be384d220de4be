#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# After each of our operations libvirt loads the tree that we left, sees the same parents, current snapshot and
# disks, and both schemas accept every file.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/virsh.sh"

need qemu-img qemu-io xmllint jq
need_virsh_embed

virsh_domain qcow2
write_history 1
ours create i1
agree 'i1 - true;'
write_history 2
ours create e2 --disk-only
agree 'e2 i1 true;i1 - false;'
write_history 3
ours create m3 --diskspec vda,snapshot=external --diskspec vdb,snapshot=internal
agree 'e2 i1 false;i1 - false;m3 e2 true;'
write_history 4
ours create e4 --disk-only
write_history 5
agree 'e2 i1 false;e4 m3 true;i1 - false;m3 e2 false;'

ours revert e2
check_history 2
agree 'e2 i1 true;e4 m3 false;i1 - false;m3 e2 false;'
ours create branch --disk-only
agree 'branch e2 true;e2 i1 false;e4 m3 false;i1 - false;m3 e2 false;'
ours revert e4
check_history 4
agree 'branch e2 false;e2 i1 false;e4 m3 true;i1 - false;m3 e2 false;'
ours revert e4 --save-as saved
check_history 4
agree 'branch e2 false;e2 i1 false;e4 m3 true;i1 - false;m3 e2 false;saved e4 false;'
ours delete saved
agree 'branch e2 false;e2 i1 false;e4 m3 true;i1 - false;m3 e2 false;'
ours delete branch
agree 'e2 i1 false;e4 m3 true;i1 - false;m3 e2 false;'
ours delete e4
check_history 4
agree 'e2 i1 false;i1 - false;m3 e2 true;'
ours flatten
check_history 4
agree 'e2 i1 false;i1 - false;m3 e2 true;'
