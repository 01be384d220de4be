#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where the user may not write, nothing changes: neither beside the images, nor beside the domain
# XML, nor in the store.
. "${srcdir:?}/lib/lib.sh"

need qemu-img setpriv
need_root

# nobody may enter the directory of the tests, and owns what is in $WORK
program=$OFFSHOT
as_nobody()
{
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
chmod 755 "$SCRATCH" "$WORK"
as_nobody "$program" --version >/dev/null 2>&1 || skip 'another user cannot run offshot here'

mkdir images domains
make_image images/a.qcow2 qcow2 1M
make_image images/b.qcow2 qcow2 1M
(cd domains && domain_xml vm "vda:qcow2:$WORK/images/a.qcow2" "vdb:qcow2:$WORK/images/b.qcow2" >vm.xml)
chown -R 65534:65534 images domains

check_read_only()
{
    chown 0:0 "$1"
    before=$(snapshot_state "$WORK")
    run as_nobody "$program" create "$WORK/domains/vm.xml" s1 --disk-only
    assert_error 1 "$2"
    assert_unchanged "$WORK" "$before"
    chown 65534:65534 "$1"
}

check_read_only images images
check_read_only domains domains
chown 65534:65534 images domains
run as_nobody "$program" create "$WORK/domains/vm.xml" s1 --disk-only
assert_status 0
check_read_only domains/vm.snapshots vm.snapshots

# images that cannot be read
chmod 000 images/b.s1
before=$(snapshot_state "$WORK")
run as_nobody "$program" create "$WORK/domains/vm.xml" s2 --disk-only
assert_error 1 'b.s1'
assert_unchanged "$WORK" "$before"
chmod 600 images/b.s1

# a store whose files cannot be read is not taken for an empty one
chmod 000 domains/vm.snapshots
run as_nobody "$program" create "$WORK/domains/vm.xml" s2 --disk-only
assert_error 1 'vm.snapshots'
run as_nobody "$program" list "$WORK/domains/vm.xml"
assert_error 1 'vm.snapshots'
chmod 700 domains/vm.snapshots
run as_nobody "$program" create "$WORK/domains/vm.xml" s2 --disk-only
assert_status 0
assert_chain "$WORK/images/b.s2" qcow2 "$WORK/images/b.s1" "$WORK/images/b.qcow2"
