#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --xml takes the request from a <domainsnapshot> document, in a file, a pipe or stdin; --validate
# holds it to the schema.
. "${srcdir:?}/lib/lib.sh"

need qemu-img xmllint jq

make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw

cat >request.xml <<XML
<domainsnapshot>
  <description>from a file</description>
  <disks>
    <disk name='vda'><source file='$WORK/a &amp; b'/></disk>
    <disk name='$WORK/b.raw' snapshot='no'/>
  </disks>
  <name>s1</name>
</domainsnapshot>
XML
ok "$OFFSHOT" create ./vm.xml --xml request.xml --disk-only --validate
assert_stdout 'Domain snapshot s1 created'
assert_chain "$WORK/a & b" qcow2 "$WORK/a.qcow2"
ok "$OFFSHOT" info ./vm.xml s1 --json
assert_equal "$(json '.snapshots[0] | .description, .disks[1].snapshot')" $'from a file\nno'

echo '<domainsnapshot><name>s2</name></domainsnapshot>' >two.xml
run_with_input two.xml "$OFFSHOT" create ./vm.xml --xml - --disk-only
assert_status 0
assert_chain "$WORK/b.s2" qcow2 "$WORK/b.raw"
ok "$OFFSHOT" create ./vm.xml --xml <(echo '<domainsnapshot><name>s3</name></domainsnapshot>') --disk-only
# as virsh has it
echo '<domainsnapshot><name>s4</name></domainsnapshot>' >four.xml
ok "$OFFSHOT" snapshot-create ./vm.xml four.xml --disk-only
echo '<domainsnapshot/>' >unnamed.xml
ok "$OFFSHOT" snapshot-create --domain ./vm.xml --xmlfile unnamed.xml --disk-only
ok "$OFFSHOT" list ./vm.xml --name
assert_equal "$(grep -cE '^[0-9]{8}-[0-9]{6}$' "$STDOUT")" 1 'default names'

# wrong
bad()
{
    printf '%s\n' "$1" >bad.xml
    shift
    assert_refuses 2 'bad.xml' "$OFFSHOT" create ./vm.xml --xml bad.xml --disk-only "$@"
}
bad ''
bad 'text'
bad '<domainsnapshot><name>s9</domainsnapshot>'
bad '<!DOCTYPE domainsnapshot><domainsnapshot><name>s9</name></domainsnapshot>'
bad '<domain><name>s9</name></domain>'
bad "<domainsnapshot><disks><disk snapshot='no'/></disks></domainsnapshot>"
bad "<domainsnapshot><disks><disk name='vda' snapshot='maybe'/></disks></domainsnapshot>"
# elements that nobody knows are an error only to --validate
unknown='<domainsnapshot><name>s9</name><nonsense/></domainsnapshot>'
bad "$unknown" --validate
printf '%s\n' "$unknown" >bad.xml
ok "$OFFSHOT" create ./vm.xml --xml bad.xml --disk-only
# memory is refused here as well
echo "<domainsnapshot><name>m</name><memory snapshot='external' file='/x'/></domainsnapshot>" >memory.xml
assert_refuses 8 'memory' "$OFFSHOT" create ./vm.xml --xml memory.xml --disk-only
assert_refuses 2 'name' "$OFFSHOT" create ./vm.xml --disk-only --xml \
    <(echo '<domainsnapshot><name>a/b</name></domainsnapshot>')
# --validate of arguments
ok "$OFFSHOT" create ./vm.xml last 'text' --disk-only --validate --diskspec vda,file=final
