#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each command answers to its virsh name and to the option names of virsh.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" snapshot-create-as ./vm.xml s1 'one' --disk-only
ok "$OFFSHOT" snapshot-create-as --domain ./vm.xml --name s2 --description two --disk-only --atomic
# virsh takes further diskspecs as plain words
ok "$OFFSHOT" snapshot-create-as ./vm.xml s3 three vda,file=named --disk-only
ok "$OFFSHOT" snapshot-create-as --disk-only --diskspec vda,file=again ./vm.xml s4
ok "$OFFSHOT" snapshot-create ./vm.xml --disk-only --no-metadata
assert_chain "$(domain_source vm.xml vda)" qcow2 "$WORK/again" "$WORK/named" "$WORK"/a.s{2,1} "$WORK/a.qcow2"

ok "$OFFSHOT" snapshot-list ./vm.xml --name
assert_stdout $'s1\ns2\ns3\ns4'
ok "$OFFSHOT" snapshot-list --domain ./vm.xml --name
assert_stdout $'s1\ns2\ns3\ns4'
ok "$OFFSHOT" snapshot-current ./vm.xml --name
assert_stdout s4
ok "$OFFSHOT" snapshot-parent ./vm.xml s3
assert_stdout s2
ok "$OFFSHOT" snapshot-parent --domain ./vm.xml --snapshotname s3
assert_stdout s2
ok "$OFFSHOT" snapshot-parent ./vm.xml --current
assert_stdout s3
ok "$OFFSHOT" snapshot-info --domain ./vm.xml --snapshotname s2
assert_stdout_contains 's2'
ok "$OFFSHOT" snapshot-dumpxml ./vm.xml --snapshotname s2
assert_stdout_contains '<description>two</description>'
ok "$OFFSHOT" snapshot-dumpxml ./vm.xml s2 --security-info

ok "$OFFSHOT" snapshot-revert --domain ./vm.xml --snapshotname s2 --force
assert_stdout_contains 'Domain snapshot s2 reverted'
ok "$OFFSHOT" snapshot-revert ./vm.xml --current
assert_stdout_contains 'Domain snapshot s2 reverted'
ok "$OFFSHOT" snapshot-delete --domain ./vm.xml --snapshotname s3 --children
assert_stdout 'Domain snapshot s3 deleted'
ok "$OFFSHOT" snapshot-delete ./vm.xml --current --metadata
assert_stdout 'Domain snapshot s2 deleted'
ok "$OFFSHOT" snapshot-delete ./vm.xml s1 --children-only
assert_stdout 'Domain snapshot s1 children deleted'
ok "$OFFSHOT" snapshot-list ./vm.xml --name
assert_stdout s1
ok "$OFFSHOT" blockpull --domain ./vm.xml --path vda --wait
assert_stdout 'Domain vm flattened'
ok "$OFFSHOT" blockpull ./vm.xml "$(domain_source vm.xml vda)"
assert_chain "$(domain_source vm.xml vda)" qcow2
