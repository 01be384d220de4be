#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An overlay has the POSIX ACL of the image that it stands in for, and none where that has none: the
# default ACL of the directory does not widen it.
. "${srcdir:?}/lib/lib.sh"

need qemu-img setfacl getfacl

acl()
{
    getfacl -cnp -- "$1" | grep -v '^$'
}

mkdir images
make_image images/a.qcow2 qcow2 1M
make_image images/b.qcow2 qcow2 1M
setfacl -m u:4711:rw,g:4712:r images/a.qcow2 2>/dev/null || skip 'no ACLs on this file system'
chmod o= images/b.qcow2
want_a=$(acl images/a.qcow2)
want_b=$(acl images/b.qcow2)
setfacl -d -m u:4713:rwx,o::rwx images || skip 'no default ACLs on this file system'
make_domain vm vda:qcow2:images/a.qcow2 vdb:qcow2:images/b.qcow2

ok "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_equal "$(acl images/a.s1)" "$want_a" 'ACL of a.s1'
assert_equal "$(acl images/b.s1)" "$want_b" 'ACL of b.s1'
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --keep-filename
assert_equal "$(acl images/a.s1)" "$want_a" 'ACL of the new a.s1'
assert_equal "$(acl images/b.s1)" "$want_b" 'ACL of the new b.s1'
assert_equal "$(acl images/a.s2.s1)" "$want_a" 'ACL of the frozen image'

# snapshot files are of their owner alone, whatever the directory says
setfacl -d -m u:4713:rwx,o::rwx vm.snapshots
ok "$OFFSHOT" create ./vm.xml s3 --disk-only
assert_equal "$(acl vm.snapshots/s3.xml)" $'user::rw-\ngroup::---\nother::---' 'ACL of s3.xml'
