#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# External snapshots that virsh took are reverted to and deleted by us, node by node, on and off the active
# branch; in between virsh goes on with what we left.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/virsh.sh"

need qemu-img qemu-io xmllint jq
need_virsh_embed

virsh_domain raw
for number in 1 2 3; do
    write_history "$number"
    theirs snapshot-create-as "s$number" --disk-only
done
write_history 4

ours revert s3
check_history 3
agree 's1 - false;s2 s1 false;s3 s2 true;'
ours revert s1
check_history 1
agree 's1 - true;s2 s1 false;s3 s2 false;'
theirs snapshot-create-as theirs --disk-only
agree 's1 - false;s2 s1 false;s3 s2 false;theirs s1 true;'
check_history 1
ours revert s3
check_history 3
ours delete s2
check_history 3
agree 's1 - false;s3 s1 true;theirs s1 false;'
ours revert theirs
check_history 1
ours revert s3
ours delete theirs
check_history 3
agree 's1 - false;s3 s1 true;'
ours delete s1 --children
check_history 3
agree ''
assert_equal "$(find . -maxdepth 1 -type f -name '[ab].*' | wc -l)" 2 'images left of two disks'
