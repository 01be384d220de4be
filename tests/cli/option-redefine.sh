#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --redefine records a document and touches no image: parents must exist, no cycle, the kind stays,
# --current decides what is current; virsh loads the result.
. "${srcdir:?}/lib/lib.sh"

need qemu-img xmllint jq
need_virsh_embed

root=$WORK/root
uri="qemu:///embed?root=$root"
store=$root/lib/qemu/snapshot/vm
make_image a.qcow2 qcow2 1M
make_embed_domain "$root" vm vda:qcow2:a.qcow2
mkdir -p "$root/lib/qemu"
uuid=$(domain_uuid vm)

# document NAME STATE PARENT [UUID]
document()
{
    printf "<domainsnapshot><name>%s</name><state>%s</state><creationTime>1700000000</creationTime>" "$1" "$2"
    [ -z "$3" ] || printf '<parent><name>%s</name></parent>' "$3"
    echo "<memory snapshot='no'/><disks><disk name='vda' snapshot='no'/></disks>"
    sed '1,1s/^<?xml.*//' "$root/etc/qemu/vm.xml" | sed "s/$uuid/${4-$uuid}/"
    echo '</domainsnapshot>'
}

redefine()
{
    ok "$OFFSHOT" -c "$uri" create vm --redefine --xml document.xml "$@"
    assert_snapshot_valid "$store"/*.xml
}

refused()
{
    local status=$1

    shift
    assert_refuses "$status" "$1" "$OFFSHOT" -c "$uri" create vm --redefine --xml document.xml
}

images=$(snapshot_state "$WORK" | grep qcow2)
document one shutoff '' >document.xml
redefine
assert_equal "$(virsh_embed "$root" snapshot-list vm --name)" one
run virsh_embed "$root" snapshot-current vm --name
assert_status 1
document two shutoff one >document.xml
redefine --current --validate
assert_equal "$(virsh_embed "$root" snapshot-current vm --name)" two
document three shutoff two >document.xml
redefine --current
assert_equal "$(virsh_embed "$root" snapshot-current vm --name)" three
assert_equal "$(grep -l '<active>1' "$store"/*.xml)" "$store/three.xml" 'what is current'

# again, with another description; it stays what it was otherwise
sed 's,</name><state>,</name><description>new</description><state>,' document.xml >new.xml \
    && mv new.xml document.xml
redefine
ok "$OFFSHOT" -c "$uri" info vm three --json
assert_equal "$(json '.snapshots[0] | [.description, .parent, .current, .creation_time] | map(tostring) | join(" ")')" \
    'new two true 1700000000'

# another parent
document three shutoff one >document.xml
redefine
assert_equal "$(virsh_embed "$root" snapshot-parent vm three)" one

# without <domain> a snapshot that is there keeps the one it has; virsh loads it
domain=$(xmllint --xpath '/domainsnapshot/domain' "$store/two.xml")
echo '<domainsnapshot><name>two</name><description>bare</description><state>shutoff</state>' \
    '<parent><name>one</name></parent><creationTime>1700000000</creationTime></domainsnapshot>' >document.xml
redefine
assert_equal "$(xmllint --xpath '/domainsnapshot/domain' "$store/two.xml")" "$domain" '<domain> of two'
assert_equal "$(virsh_embed "$root" snapshot-dumpxml vm two | xmllint --xpath 'string(//description)' -)" bare
sed -i 's/two/new/' document.xml
refused 2 'domain'

# rules
document one shutoff three >document.xml
refused 8 'three'
document one shutoff one >document.xml
refused 8 'one'
document four shutoff missing >document.xml
refused 4 'missing'
document two disk-snapshot one >document.xml
refused 8 'two'
document two running one >document.xml
refused 8 'two'
document four shutoff one 00000000-1111-4222-8333-444444444444 >document.xml
refused 8 'UUID'
document a/b shutoff '' >document.xml
refused 2 'name'
echo '<domainsnapshot><name>five</name></domainsnapshot>' >document.xml
refused 2 'document.xml'
assert_refuses 4 none.xml "$OFFSHOT" -c "$uri" create vm --redefine --xml none.xml
assert_equal "$(snapshot_state "$WORK" | grep qcow2)" "$images" images

# what virsh dumps goes in again
virsh_embed "$root" snapshot-dumpxml vm two >document.xml || fail snapshot-dumpxml
rm "$store/two.xml"
redefine
assert_equal "$(virsh_embed "$root" snapshot-dumpxml vm two)" "$(cat document.xml)" 'what virsh dumps'
