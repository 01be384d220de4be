#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Internal snapshots: those of virsh are reverted to and deleted by us, those of ours by virsh.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/virsh.sh"

need qemu-img qemu-io xmllint jq
need_virsh_embed

# tags IMAGE: names of its internal snapshots, in one line
tags()
{
    image_info "$1" qcow2 '[.snapshots[]?.name] | sort | join(" ")'
}

virsh_domain qcow2
write_history 1
theirs snapshot-create-as t1
write_history 2
ours create o2
write_history 3
theirs snapshot-create-as t3
write_history 4
agree 'o2 t1 false;t1 - false;t3 o2 true;'

ours revert t1
check_history 1
agree 'o2 t1 false;t1 - true;t3 o2 false;'
theirs snapshot-revert o2
check_history 2
agree 'o2 t1 true;t1 - false;t3 o2 false;'
ours revert t3
check_history 3
ours delete t1
check_history 3
agree 'o2 - false;t3 o2 true;'
assert_equal "$(tags a.img)|$(tags b.img)" 'o2 t3|o2 t3' tags
theirs snapshot-delete o2
agree 't3 - true;'
assert_equal "$(tags a.img)|$(tags b.img)" 't3|t3' tags
write_history 5
ours revert t3
check_history 3
ours delete t3
agree ''
assert_equal "$(tags a.img)|$(tags b.img)" '|' tags
assert_clean a.img qcow2
assert_clean b.img qcow2
