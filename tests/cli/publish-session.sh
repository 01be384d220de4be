#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is done to a domain given by path, a running daemon learns by publish: printed for a shell, or run.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/daemon.sh"

need qemu-img jq
need_daemon

export LIBVIRT_DEFAULT_URI=$SESSION_URI
publish=("${AS_USER[@]}" "$OFFSHOT" publish ./vm.xml)
start_daemon "$(list_daemons | head -n 1)"
make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
domain_xml vm vda:qcow2:a.qcow2 vdb:raw:b.raw \
    | sed "s|</devices>|<graphics type='vnc' passwd='secret'/></devices>|" >made.xml
session_virsh define made.xml >/dev/null || fail 'cannot define the domain'
session_virsh dumpxml vm --inactive --security-info >vm.xml

# their_tree: "NAME PARENT" by line, then the current one
their_tree()
{
    local name

    session_virsh snapshot-list vm --name | while IFS= read -r name; do
        [ -z "$name" ] || echo "$name $(session_virsh snapshot-parent vm "$name" 2>/dev/null || echo -)"
    done
    session_virsh snapshot-current vm --name 2>/dev/null || echo -
}

# told: the daemon has our tree and the disks of our domain, and publish --run has nothing to say.
told()
{
    local disk

    ok "$OFFSHOT" list ./vm.xml --json
    assert_equal "$(their_tree)" "$(json '(.snapshots[] | .name + " " + (.parent // "-")),
        ([.snapshots[] | select(.current).name] + ["-"])[0]')" "virsh's tree"
    session_virsh dumpxml vm --inactive --security-info >"$SCRATCH/theirs.xml"
    for disk in vda vdb; do
        assert_equal "$(domain_source "$SCRATCH/theirs.xml" "$disk")" "$(domain_source vm.xml "$disk")" "source of $disk"
    done
    assert_equal "$(xmllint --xpath 'string(//graphics/@passwd)' "$SCRATCH/theirs.xml")" secret password
    ok "${publish[@]}" --run
    assert_stdout_empty
    assert_stderr_contains 'nothing to tell'
    ok "${publish[@]}" --run --prune --json
    assert_equal "$(cat "$STDOUT")" '{"schema":1,"commands":[],"run":true}'
}

# printed, which neither changes anything here nor tells anybody
for name in s1 s2 'with blank' "quo'te"; do
    ok "$OFFSHOT" create ./vm.xml "$name" --disk-only
done
here=$(snapshot_state "$WORK")
there=$(session_state vm)
ok "${publish[@]}"
assert_stderr_empty
cp "$STDOUT" "$SCRATCH/commands"
assert_equal "$(cat "$SCRATCH/commands")" "$(
    cat <<EOF
virsh -c $SESSION_URI define $WORK/vm.xml
virsh -c $SESSION_URI snapshot-create vm $WORK/vm.snapshots/s1.xml --redefine
virsh -c $SESSION_URI snapshot-create vm $WORK/vm.snapshots/s2.xml --redefine
virsh -c $SESSION_URI snapshot-create vm '$WORK/vm.snapshots/with blank.xml' --redefine
virsh -c $SESSION_URI snapshot-create vm '$WORK/vm.snapshots/quo'\''te.xml' --redefine --current
EOF
)" commands
ok "${publish[@]}" --json
assert_equal "$(json '.run, .schema, (.commands | length), .commands[4][5]' | tr '\n' ' ')" \
    "false 1 5 $WORK/vm.snapshots/quo'te.xml " JSON
ok "${publish[@]}" --dry-run
assert_same_file "$STDOUT" "$SCRATCH/commands"
ok "$OFFSHOT" publish ./vm.xml --to test:///default
assert_equal "$(sed "s| test:///default | $SESSION_URI |" "$STDOUT")" "$(cat "$SCRATCH/commands")" '--to'
assert_unchanged "$WORK" "$here"
assert_equal "$(session_state vm)" "$there" 'what the daemon knows after printing'

# the printed lines do it, and do it once
ok "${AS_USER[@]}" sh -e "$SCRATCH/commands"
once=$(session_state vm)
ok "${AS_USER[@]}" sh -e "$SCRATCH/commands"
assert_equal "$(session_state vm)" "$once" 'what the daemon knows after the same lines again'
assert_unchanged "$WORK" "$here"
told

# a snapshot in the middle and one in front go, another is taken back to
ok "$OFFSHOT" delete ./vm.xml s2
ok "${publish[@]}" --run --dry-run --prune
assert_equal "$(wc -l <"$STDOUT")" 2 'commands'
assert_stdout_line "virsh -c $SESSION_URI snapshot-delete vm --snapshotname s2 --metadata"
assert_equal "$(session_state vm)" "$once" 'what the daemon knows after a dry run'
assert_refuses 8 "'s2', which is not here" "${publish[@]}" --run
assert_equal "$(session_state vm)" "$once" 'what the daemon knows after a refusal'
ok "${publish[@]}" --run --prune
told
ok "$OFFSHOT" delete ./vm.xml s1
ok "${publish[@]}" --run --prune
told
ok "$OFFSHOT" create ./vm.xml s3 --disk-only
ok "$OFFSHOT" revert ./vm.xml 'with blank'
ok "${publish[@]}" --run
told
# after the daemon forgot it all, and moved to another current one
session_virsh snapshot-current vm s3 >/dev/null
ok "${publish[@]}" --run
assert_equal "$(wc -l <"$STDOUT")" 1 'commands'
told
session_virsh undefine vm --snapshots-metadata >/dev/null || fail 'cannot undefine'
ok "${publish[@]}" --run
told
# nothing of this has touched an image, and libvirt goes on from here
session_virsh snapshot-create-as vm s4 --disk-only --diskspec vdb,snapshot=no >/dev/null \
    || fail 'virsh cannot go on'
session_virsh snapshot-parent vm s4 | grep -qx 'with blank' || fail 'parent of s4'
# what is here is the older then
theirs=$(session_state vm)
assert_refuses 8 "'s4', which is not here" "${publish[@]}" --run
assert_equal "$(session_state vm)" "$theirs" 'what the daemon knows after a refusal'
