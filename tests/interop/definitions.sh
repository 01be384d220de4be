#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# virsh changes the definition of the domain between our snapshots.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

# domain_says XPATH WANT: as virsh sees it
domain_says()
{
    theirs dumpxml --inactive
    assert_equal "$(xmllint --xpath "string(/domain/$1)" "$STDOUT")" "$2" "$1"
}

scenario 'other memory: a revert brings back what was'
step ours create a --disk-only
write
theirs setmaxmem 131072 --config
theirs setmem 131072 --config
step ours create b --disk-only
write
step ours revert a
domain_says memory 65536
step ours revert b
domain_says memory 131072

scenario 'the same with internal ones, and virsh reverts to ours'
step ours create a
write
theirs setmaxmem 131072 --config
theirs setmem 131072 --config
step ours create b
step theirs snapshot-revert a
domain_says memory 65536
step ours revert b
domain_says memory 131072

scenario 'a disk is added'
step ours create a --disk-only
write
make_image vdc.qcow2 qcow2 1M
theirs attach-disk "$WORK/vdc.qcow2" vdc --subdriver qcow2 --config
write
step ours create b --disk-only
write
step theirs snapshot-create-as c --disk-only
write
step ours revert a
domain_says 'devices/disk[3]/target/@dev' ''
step ours revert c
domain_says 'devices/disk[3]/target/@dev' vdc

scenario 'a disk is taken away'
step ours create a --disk-only
write
theirs detach-disk vdb --config
step ours create b --disk-only
write
step theirs snapshot-create-as c --disk-only
step ours revert b

scenario 'title, description and metadata of others'
step theirs snapshot-create-as a --disk-only
write
theirs desc --config --title 'the title'
theirs desc --config 'what it is & does'
theirs metadata urn:x:other --key o --set '<thing with="a value">text</thing>' --config
step ours create b --disk-only
write
step ours revert a
domain_says title ''
step ours revert b
domain_says title 'the title'
domain_says "metadata/*[namespace-uri()='urn:x:other']" text
! grep -q urn:offshot "$DOMAIN_XML" || fail 'facts of ours are in the domain'
theirs metadata urn:x:other --config --remove
step ours create c --keep-filename --disk-only
step ours revert b

scenarios_end 5
