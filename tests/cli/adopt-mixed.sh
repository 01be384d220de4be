#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Tags inside of layers take their place among these, and what an earlier adoption or offshot itself recorded stays:
# metadata that was lost in the middle comes back between its neighbours.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# parents: "NAME PARENT" by line, parents first.
parents()
{
    ok "$OFFSHOT" list ./vm.xml --topological --json
    json '.snapshots[] | [.name, .parent // "-"] | join(" ")'
}

make_image a.qcow2 qcow2 2M
make_image b.raw raw 2M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw
take i1 --internal --diskspec vdb,snapshot=no
take e1 --disk-only
take i2 --internal
take e2 --disk-only
take i3 --internal
# places: where each snapshot has its disks.
places()
{
    ok "$OFFSHOT" list ./vm.xml --json
    json '.snapshots[] | [.name, (.disks | map(select(.frozen)) | tostring)] | join(" ")'
}

want=$(printf '%s\n' 'i1 -' 'e1 i1' 'i2 e1' 'e2 i2' 'i3 e2')
assert_equal "$(parents)" "$want" 'as they were taken'
remember
where=$(places)

# all of it lost
cp -R vm.snapshots lost
rm vm.snapshots/*.xml
ok "$OFFSHOT" adopt ./vm.xml
assert_stdout 'Domain vm: 5 snapshots adopted'
assert_stderr_empty
assert_equal "$(parents)" "$want" 'as they were adopted'
assert_equal "$(current)" i3
assert_tree i1 e1 i2 e2 i3
assert_equal "$(places)" "$where" 'where the disks are'

# two of it lost: links tell whose parent e1 was
rm -r vm.snapshots
cp -R lost vm.snapshots
ok "$OFFSHOT" delete ./vm.xml e1 --metadata
ok "$OFFSHOT" delete ./vm.xml i3 --metadata
assert_equal "$(parents)" "$(printf '%s\n' 'i1 -' 'i2 i1' 'e2 i2')" 'what is left'
ok "$OFFSHOT" adopt ./vm.xml
assert_stdout 'Domain vm: 2 snapshots adopted'
assert_equal "$(parents)" "$want" 'as they were adopted'
assert_equal "$(current)" e2
assert_tree i1 e1 i2 e2 i3
assert_equal "$(places)" "$where" 'where the disks are'
assert_snapshot_valid vm.snapshots/*.xml
ok "$OFFSHOT" adopt ./vm.xml
assert_stdout 'Domain vm has nothing to adopt'

# and it can be taken down again
ok "$OFFSHOT" delete ./vm.xml i2
assert_tree i1 e1 e2 i3
ok "$OFFSHOT" delete ./vm.xml e2
assert_tree i1 e1 i3
