#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# virsh snapshot-edit on our snapshots, and what becomes of what only we put there.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

export EDITOR=$WORK/../editor
unset VISUAL

# editor SCRIPT: of sed, as what snapshot-edit starts.
editor()
{
    # shellcheck disable=SC2016 # "$1" is that of the script
    printf '#!/bin/sh\nsed -i -E "%s" "$1"\n' "$1" >"$EDITOR"
    chmod +x "$EDITOR"
}

scenario 'a description'
step ours create a 'by us' --disk-only
write
editor 's/by us/by virsh/'
step theirs snapshot-edit a
ours info a --json
assert_equal "$(json '.snapshots[0].description')" 'by virsh'
step ours revert a

scenario 'the facts that we keep survive'
step ours create a --keep-filename --disk-only
write
facts=$(grep -c 'urn:offshot' "$STORE/a.xml")
assert_equal "$facts" 1
editor 's,<creationTime>,<description>new</description>&,'
step theirs snapshot-edit a
grep -q 'urn:offshot' "$STORE/a.xml" || fail 'the facts are gone'
step ours create b --keep-filename --disk-only
write
step ours delete a
step ours delete b
images vda.qcow2 vdb.qcow2

scenario 'comments and elements of strangers go, and we go on'
step ours create a --disk-only
write
sed -i 's,<disks>,<!-- mine --><x:y xmlns:x="urn:x"/>&,' "$STORE/a.xml"
editor 's,<creationTime>,<description>new</description>&,'
step theirs snapshot-edit a
! grep -q mine "$STORE/a.xml" || fail 'virsh has kept the comment: this test is of no use'
step ours create b --disk-only
step ours delete a

scenario 'renamed'
step ours create a --disk-only
write
step ours create b --disk-only
write
editor 's,<name>b</name>,<name>c</name>,'
same_as c b
step theirs snapshot-edit b --rename
tree '*a c<a' # virsh forgets that it was current
step ours revert a
step ours revert c
step ours delete c

scenario 'a clone'
step ours create a --disk-only
write
editor 's,<name>a</name>,<name>b</name>,'
same_as b a
step theirs snapshot-edit a --clone
tree '*a b'
step ours revert b
step ours delete a
step ours revert b

scenario 'made current'
step ours create a
write
step ours create b
editor 's,<creationTime>,<description>new</description>&,'
step theirs snapshot-edit a --current
tree '*a b<a'
step ours create c
tree 'a b<a *c<a'

scenario 'what libvirt does not take changes nothing'
step ours create a --disk-only
before=$(snapshot_state "$STORE")
editor 's,<name>a</name>,<name>b</name>,'
they_fail snapshot-edit a
editor 's,<state>shutoff,<state>running,'
they_fail snapshot-edit a
assert_unchanged "$STORE" "$before"
all_well

scenarios_end 7
