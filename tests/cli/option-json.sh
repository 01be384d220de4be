#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With --json every command prints one object with the fields that INTERFACE fixes; errors are one,
# too.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw
uuid=$(domain_uuid vm)
start=$(date +%s)

# check_common: one line, one object, the domain, the keys of snapshots and of disks in any order
check_common()
{
    assert_stderr_empty
    assert_equal "$(wc -l <"$STDOUT")" 1 lines
    assert_equal "$(json '.schema, (keys | join(" "))' | tr '\n' '|')" '1|domain schema snapshots|' \
        'the object'
    assert_equal "$(jq -c '[.domain.name, .domain.uuid, .domain.xml, .domain.store]' "$STDOUT")" \
        "[\"vm\",\"$uuid\",\"$WORK/vm.xml\",\"$WORK/vm.snapshots\"]" 'the domain'
    assert_equal "$(json '[.snapshots[] | keys | join(" ")] | unique | join("|")')" \
        'children creation_time current description disks location memory name parent state' \
            'keys of snapshots'
    assert_equal "$(json '[.snapshots[].disks[] | keys | join(" ")] | unique | join("|")')" \
        'format frozen name overlay snapshot' 'keys of disks'
}

ok "$OFFSHOT" list ./vm.xml --json
assert_equal "$(jq -c .snapshots "$STDOUT")" '[]' 'no snapshots'

ok "$OFFSHOT" create ./vm.xml s1 'the first' --disk-only --json --diskspec vdb,snapshot=no
check_common
assert_equal "$(jq -c '.snapshots[0] | [.name, .parent, .children, .current, .state, .description, .location, .memory]' "$STDOUT")" \
    '["s1",null,[],true,"shutoff","the first","external","no"]'
assert_equal "$(jq -c '.snapshots[0].disks[0] | [.name, .snapshot, .format, .overlay, .frozen]' "$STDOUT")" \
    "[\"vda\",\"external\",\"qcow2\",\"$WORK/a.s1\",\"$WORK/a.qcow2\"]"
assert_equal "$(jq -c '.snapshots[0].disks[1] | [.name, .snapshot, .overlay, .frozen]' "$STDOUT")" \
    '["vdb","no",null,null]'
time=$(json '.snapshots[0].creation_time')
if [ "$time" -lt "$start" ] || [ "$time" -gt "$(date +%s)" ]; then
    fail "creation_time is $time"
fi

ok "$OFFSHOT" create ./vm.xml s2 --disk-only --json
check_common
assert_equal "$(jq -c '.snapshots | map([.name, .parent, .current, .description])' "$STDOUT")" \
    '[["s2","s1",true,null]]'
assert_equal "$(jq -c '.snapshots[0].disks | map([.name, .overlay, .frozen])' "$STDOUT")" \
    "[[\"vda\",\"$WORK/a.s2\",\"$WORK/a.s1\"],[\"vdb\",\"$WORK/b.s2\",\"$WORK/b.raw\"]]"

ok "$OFFSHOT" list ./vm.xml --json
check_common
assert_equal "$(jq -c '.snapshots | map([.name, .children, .current]) | sort' "$STDOUT")" \
    '[["s1",["s2"],false],["s2",[],true]]'
for arguments in 'info ./vm.xml s1' 'info ./vm.xml --current' 'current ./vm.xml'; do
    # shellcheck disable=SC2086 # words
    ok "$OFFSHOT" $arguments --json
    check_common
    assert_equal "$(json '.snapshots | length')" 1 'number of snapshots'
done
assert_equal "$(json '.snapshots[0].name')" s2 'current'
ok "$OFFSHOT" parent ./vm.xml s2 --json
assert_equal "$(jq -c '[.schema, .name, .parent]' "$STDOUT")" '[1,"s2","s1"]'
ok "$OFFSHOT" parent ./vm.xml s1 --json
assert_equal "$(jq -c '[.name, .parent]' "$STDOUT")" '["s1",null]'
ok "$OFFSHOT" dumpxml ./vm.xml s1 --json
json .xml >dumped
ok "$OFFSHOT" dumpxml ./vm.xml s1
assert_equal "$(cat "$STDOUT")" "$(cat dumped)" 'the same XML'
ok "$OFFSHOT" recover ./vm.xml --json
assert_equal "$(jq -c '[.schema, .recovered]' "$STDOUT")" '[1,"nothing"]'

# errors
for case in '4 not-found info ./vm.xml none' '2 usage info ./vm.xml' '8 refused create ./vm.xml 99' '4 not-found list ./no.xml' \
    '2 usage nonsense'; do
    read -r exit code arguments <<<"$case"
    # shellcheck disable=SC2086 # words
    run "$OFFSHOT" $arguments --json
    assert_status "$exit"
    assert_stderr_empty
    assert_equal "$(jq -c 'keys, (.error | keys)' "$STDOUT" | tr '\n' ' ')" \
        '["error","schema"] ["code","exit","message"] '
    assert_equal "$(jq -c '[.schema, .error.code, .error.exit]' "$STDOUT")" "[1,\"$code\",$exit]" \
        "error of '$arguments'"
    [ -n "$(json .error.message)" ] || fail 'no message'
done
