#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Turns with a real daemon on a root of its own: while it runs it lists, shows, reverts and deletes what we made;
# when it has stopped we go on with what it left; and so back and forth.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/daemon.sh"

need qemu-img qemu-io jq xmllint
need_daemon

daemon=$(list_daemons | head -n 1)
DOMAIN=$SESSION_DOMAINS/vm.xml
make_image a.qcow2 qcow2 1M
domain_xml vm vda:qcow2:a.qcow2 >vm.xml
mkdir -p "$SESSION_DOMAINS"
cp vm.xml "$DOMAIN"

ours()
{
    ok "$OFFSHOT" -c "$SESSION_URI" "$@"
}

theirs()
{
    run session_virsh "$@"
    assert_status 0
}

# write PATTERN: the disk is full of it.
write()
{
    pattern_write "$(domain_source "$DOMAIN" vda)" qcow2 "$1" 0 1M
}

holds()
{
    pattern_check "$(domain_source "$DOMAIN" vda)" qcow2 "$1" 0 1M
}

# tree TEXT: "NAME<PARENT" of each snapshot, "*" before the current one; by both.
tree()
{
    ours list vm --json
    assert_equal "$(json '[.snapshots | sort_by(.name)[] | (if .current then "*" else "" end) + .name
        + (if .parent then "<" + .parent else "" end)] | join(" ")')" "$1" 'our tree'
    assert_equal "$(session_virsh snapshot-list vm --name | grep . | LC_ALL=C sort | while IFS= read -r name; do
        parent=$(session_virsh snapshot-parent vm "$name" 2>/dev/null)
        [ "$(session_virsh snapshot-current vm --name 2>/dev/null)" != "$name" ] || printf '*'
        printf '%s%s ' "$name" "${parent:+<$parent}"
    done)" "$1 " "the daemon's tree"
}

write 0x11
ours create vm one
write 0x22
ours create vm two --internal
write 0x33
start_daemon "$daemon"
tree 'one *two<one'
theirs snapshot-list vm --tree
ours dumpxml vm two
told='concat(/*/name, " ", /*/parent/name, " ", /*/creationTime, " ", /*/disks/disk/@snapshot, " ", //source/@file)'
assert_equal "$(session_virsh snapshot-dumpxml vm two | xmllint --xpath "$told" -)" \
    "$(xmllint --xpath "$told" "$STDOUT")" 'what the XML of a snapshot says'
theirs snapshot-revert vm one
theirs snapshot-create-as vm three
tree 'one *three<one two<one'
stop_daemon

holds 0x11
write 0x44
ours create vm four --disk-only
write 0x55
start_daemon "$daemon"
tree '*four<three one three<one two<one'
theirs snapshot-create-as vm five --disk-only
stop_daemon

write 0x66
ours revert vm four
holds 0x44
ours delete vm five
ours delete vm three --metadata
start_daemon "$daemon"
tree '*four<one one two<one'
stop_daemon
ours delete vm four
ours revert vm two
holds 0x22
start_daemon "$daemon"
tree 'one *two<one'
theirs snapshot-delete vm one
tree '*two'
stop_daemon
assert_clean "$(domain_source "$DOMAIN" vda)" qcow2
ours delete vm two
holds 0x22
