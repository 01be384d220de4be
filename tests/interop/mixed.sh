#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots that are internal on one disk and external on the other, which virsh does not take but shows.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'virsh takes above and below a mixed one'
step ours create i --internal
write
step ours create m --diskspec vda,snapshot=external --diskspec vdb,snapshot=internal
write
step theirs snapshot-create-as e --disk-only
write
tree '*e<m i m<i'
refused 8 'also holds the state' revert m
step ours revert e
step theirs snapshot-create-as f --disk-only
step ours delete e
tree '*f<m i m<i'

scenario 'virsh records a mixed one again'
step ours create m --diskspec vda,snapshot=internal --diskspec vdb,snapshot=external
write
theirs snapshot-dumpxml m
cp "$STDOUT" m.xml
step theirs snapshot-delete m --metadata
step theirs snapshot-create m.xml --redefine --current
step ours revert m
step ours delete m

scenario 'disks that are left out'
step ours create a --disk-only --diskspec vda,snapshot=no
write
step theirs snapshot-create-as b --disk-only --diskspec vdb,snapshot=no
write
step ours create c --internal --diskspec vdb,snapshot=no
tree 'a b<a *c<b'
step ours revert b
step ours delete b

scenario 'one that is manual'
step theirs snapshot-create-as a --disk-only --diskspec vda,snapshot=manual
write
step ours create b --disk-only --diskspec vdb,snapshot=manual
write
tree 'a *b<a'
step theirs snapshot-current a
step ours create c --disk-only

scenario 'virsh forgets an internal one below our external one, and leaves the tag'
step ours create i
write
step ours create e --disk-only
write
step theirs snapshot-delete i
tree '*e'
step ours create i2 --disk-only
step ours delete e
step ours revert i2

scenario 'back to an internal one when the external one above it is gone'
step theirs snapshot-create-as i
write
step ours create e --disk-only
write
refused 8 'also holds the state' revert i
step ours delete e
step ours revert i
step theirs snapshot-revert i

scenarios_end 6
