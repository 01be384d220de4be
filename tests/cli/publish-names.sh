#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon is told of the right domain and the right files, whatever they are called.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/daemon.sh"

need qemu-img jq
need_daemon

start_daemon "$(list_daemons | head -n 1)"
# a domain whose name is the UUID of another, and one whose name is an ID to virsh
other=$(domain_uuid 'with blank')
for name in 'with blank' "$other" 17 -lead "quo'te\"\$HOME\`id\`;" 'ünï€' '<x>&'; do
    mkdir "dir $name"
    make_image "$WORK/dir $name/disk.qcow2" qcow2 1M
    domain_xml "$name" "vda:qcow2:dir $name/disk.qcow2" >made.xml
    session_virsh define made.xml >/dev/null || fail "cannot define '$name'"
    uuid=$(domain_uuid "$name")
    file="./dir $name/$name.xml"
    session_virsh dumpxml "$uuid" --inactive --security-info >"$file"
    ok "$OFFSHOT" create "$file" 'first one' --disk-only
    ok "$OFFSHOT" create "$file" "sec'ond" --disk-only
    ok "${AS_USER[@]}" "$OFFSHOT" publish "$file" --to "$SESSION_URI"
    cp "$STDOUT" commands
    ok "${AS_USER[@]}" sh -e commands
    assert_equal "$(session_virsh snapshot-list "$uuid" --name | sort)" $'first one\nsec\'ond' "snapshots of '$name'"
    session_virsh snapshot-delete "$uuid" "sec'ond" --metadata >/dev/null || fail "cannot delete in '$name'"
    ok "${AS_USER[@]}" "$OFFSHOT" publish "$file" --to "$SESSION_URI" --run
    assert_equal "$(session_virsh snapshot-current "$uuid" --name)" "sec'ond" "current snapshot of '$name'"
    ok "${AS_USER[@]}" "$OFFSHOT" publish "$file" --to "$SESSION_URI" --run
    assert_stdout_empty
done
# each has its own
assert_equal "$(session_virsh list --all --name | while IFS= read -r name; do
    [ -z "$name" ] || session_virsh snapshot-list --domain "$name" --name | grep -c .
done | sort -u)" 2 'snapshots of each'

# by name, where libvirt keeps the domain: what it lists is found
stop_daemon
for name in 'with blank' 17 'ünï€' '<x>&' "quo'te\"\$HOME\`id\`;"; do
    ok "$OFFSHOT" -c "$SESSION_URI" list "$name" --name
    assert_stdout $'first one\nsec\'ond'
done
ok "$OFFSHOT" -c "$SESSION_URI" list --name -- -lead
assert_stdout $'first one\nsec\'ond'
ok "$OFFSHOT" -c "$SESSION_URI" list --name --domain=-lead
assert_stdout $'first one\nsec\'ond'
# a line cannot carry what a terminal would obey
mkdir $'new\nline'
cp "./dir 17/17.xml" $'new\nline/17.xml'
assert_refuses 2 'cannot be printed' "$OFFSHOT" publish $'./new\nline/17.xml'
ok "$OFFSHOT" publish $'./new\nline/17.xml' --json
assert_equal "$(json '.commands[0][4]')" "$WORK/"$'new\nline/17.xml' file
