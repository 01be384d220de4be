#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that somebody made read-only is neither written nor removed, also by root; where the directory cannot
# be written, nothing begins.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 1M
make_domain vm vda:qcow2:a.qcow2
take s1 --disk-only
take s2 --disk-only
remember
chmod 0444 a.qcow2
base=$(sha256sum a.qcow2)
for strategy in commit rebase; do
    assert_refuses 8 "'$WORK/a.qcow2' is read-only" "$OFFSHOT" delete ./vm.xml s1 --strategy=$strategy
done
ok "$OFFSHOT" delete ./vm.xml s1
assert_stderr_contains "'$WORK/a.qcow2' stays: '$WORK/a.qcow2' is read-only"
assert_tree s2
ok "$OFFSHOT" delete ./vm.xml s2
assert_tree
assert_equal "$(sha256sum a.qcow2)" "$base" 'read-only base'

need setpriv
need_root
program=$OFFSHOT
as_nobody()
{
    setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
chmod 755 "$SCRATCH" "$WORK"
as_nobody "$program" --version >/dev/null 2>&1 || skip 'another user cannot run offshot here'

start_over
mkdir domains low high
make_image low/a.qcow2 qcow2 1M
(cd domains && domain_xml vm "vda:qcow2:$WORK/low/a.qcow2" >vm.xml)
chown -R 65534:65534 domains low high
ok as_nobody "$program" create "$WORK/domains/vm.xml" s1 --disk-only
ok as_nobody "$program" create "$WORK/domains/vm.xml" s2 --disk-only --diskspec "vda,file=$WORK/high/a.s2"
chmod 555 low
before=$(snapshot_state "$WORK")
run as_nobody "$program" delete "$WORK/domains/vm.xml" s2 --strategy=rebase
assert_error 1 "cannot write to directory '$WORK/low'"
assert_unchanged "$WORK" "$before"
chmod 755 low
ok as_nobody "$program" delete "$WORK/domains/vm.xml" s2 --strategy=rebase
assert_absent low/a.s1

# in a sticky directory, what belongs to another user is his to rename and remove, though others may write it
start_over
mkdir domains shared
chmod 1777 shared
make_image shared/a.qcow2 qcow2 1M
(cd domains && domain_xml vm "vda:qcow2:$WORK/shared/a.qcow2" >vm.xml)
chown -R 65534:65534 domains shared/a.qcow2
ok as_nobody "$program" create "$WORK/domains/vm.xml" s1 --disk-only
ok as_nobody "$program" create "$WORK/domains/vm.xml" s2 --disk-only
chown 0:65534 shared/a.qcow2
chmod 660 shared/a.qcow2
before=$(snapshot_state "$WORK")
run as_nobody "$program" delete "$WORK/domains/vm.xml" s1 --strategy=rebase
assert_error 8 "another user's"
assert_unchanged "$WORK" "$before"
ok as_nobody "$program" create "$WORK/domains/vm.xml" s3 --disk-only
chown 65534 shared/a.qcow2
ok as_nobody "$program" delete "$WORK/domains/vm.xml" s1 --strategy=rebase
assert_absent shared/a.qcow2
