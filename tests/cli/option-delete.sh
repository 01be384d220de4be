#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line of delete: which snapshots, what is refused, what is printed as text and as JSON, and that
# a dry run changes nothing.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq

make_image a.qcow2 qcow2 4M
make_domain vm vda:qcow2:a.qcow2
pattern_write a.qcow2 qcow2 0x10 0 4M
for n in 1 2 3 4; do
    ok "$OFFSHOT" create ./vm.xml "s$n" --disk-only
    pattern_write "a.s$n" qcow2 "0x2$n" 0 "${n}00k"
done

for command in delete snapshot-delete; do
    assert_refuses 2 domain "$OFFSHOT" "$command"
    assert_refuses 2 '--current' "$OFFSHOT" "$command" ./vm.xml
    assert_refuses 2 '--current' "$OFFSHOT" "$command" ./vm.xml s1 --current
    assert_refuses 2 "'more'" "$OFFSHOT" "$command" ./vm.xml s1 more
    assert_refuses 2 '--children-only' "$OFFSHOT" "$command" ./vm.xml s1 --children --children-only
    assert_refuses 2 '--strategy' "$OFFSHOT" "$command" ./vm.xml s1 --strategy=fast
    assert_refuses 2 '--strategy' "$OFFSHOT" "$command" ./vm.xml s1 --strategy=
    assert_refuses 2 '--metadata' "$OFFSHOT" "$command" ./vm.xml s1 --metadata --strategy=auto
    assert_refuses 4 "'none'" "$OFFSHOT" "$command" ./vm.xml none
done
run "$OFFSHOT" delete ./vm.xml none --json
assert_status 4
assert_equal "$(json .error.code)" not-found
assert_stderr_empty

# a dry run; it says which way data would go, and how much
before=$(snapshot_state "$WORK")
for arguments in s1 '--current' 's1 --children' 's1 --children-only' 's2 --metadata' 's2 --strategy=auto'; do
    # shellcheck disable=SC2086 # words
    ok "$OFFSHOT" delete ./vm.xml $arguments --dry-run
    assert_equal "$(grep -cE '^(prepare|apply) ' "$STDOUT")" "$(wc -l <"$STDOUT")" 'lines that are steps'
    # shellcheck disable=SC2086 # words
    ok "$OFFSHOT" delete ./vm.xml $arguments -n --json -q
    assert_stderr_empty
    assert_equal "$(json '[.schema, .operation, (.steps | length > 0)] | map(tostring) | join(" ")')" \
        '1 delete true'
    assert_unchanged "$WORK" "$before"
done
for strategy in commit rebase; do
    ok "$OFFSHOT" delete ./vm.xml s2 --dry-run "--strategy=$strategy"
    grep -qE "^apply +$strategy +/" "$STDOUT" || fail "no $strategy in the plan"
    assert_stderr_contains "$strategy"
    ok "$OFFSHOT" delete ./vm.xml s2 --dry-run --json "--strategy=$strategy"
    assert_equal "$(json "[.steps[] | select(.kind == \"$strategy\")] | length")" 1 'merges'
done
assert_equal "$(json '[.steps[] | select(.kind == "rebase") | .path, .backing] | join(" ")')" \
    "$WORK/a.s2 a.qcow2" 'what is rebased'
assert_unchanged "$WORK" "$before"

# -v and --dry-run say how data moves; it is no remark otherwise
ok "$OFFSHOT" delete ./vm.xml s2
assert_stdout 'Domain snapshot s2 deleted'
assert_stderr_empty
pattern_check a.s2 qcow2 0x22 0 200k 2>/dev/null || pattern_check a.s1 qcow2 0x22 0 200k
ok "$OFFSHOT" list ./vm.xml --name
assert_stdout $'s1\ns3\ns4'

ok "$OFFSHOT" delete ./vm.xml s3 --metadata
assert_stdout 'Domain snapshot s3 deleted'
assert_absent vm.snapshots/s3.xml
assert_exists a.s3

ok "$OFFSHOT" delete ./vm.xml s1 --children-only --json
assert_stderr_empty
assert_equal "$(wc -l <"$STDOUT")" 1 lines
assert_equal "$(jq -c '[.schema, .domain.name, (.snapshots | map([.name, .parent, .current]))]' "$STDOUT")" \
    '[1,"vm",[["s4","s1",true]]]'
pattern_check "$(domain_source vm.xml vda)" qcow2 0x24 0 400k
ok "$OFFSHOT" delete ./vm.xml s1 --children-only
assert_stdout 'Domain snapshot s1 children deleted'
ok "$OFFSHOT" create ./vm.xml s5 --disk-only
ok "$OFFSHOT" delete ./vm.xml s1 --children -q
assert_stdout_empty
assert_stderr_empty
ok "$OFFSHOT" list ./vm.xml --name
assert_stdout_empty
pattern_check "$(domain_source vm.xml vda)" qcow2 0x24 0 400k
pattern_check "$(domain_source vm.xml vda)" qcow2 0x10 400k 3600k
assert_refuses 4 current "$OFFSHOT" delete ./vm.xml --current
