#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line of revert: which snapshot, what is refused, what is printed as text and as JSON, and that
# a dry run changes nothing.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq

make_image a.qcow2 qcow2 4M
make_domain vm vda:qcow2:a.qcow2
pattern_write a.qcow2 qcow2 0x11 0 1M
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 0 1M
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
pattern_write a.s2 qcow2 0x33 0 1M

for command in revert snapshot-revert; do
    assert_refuses 2 domain "$OFFSHOT" "$command"
    assert_refuses 2 '--current' "$OFFSHOT" "$command" ./vm.xml
    assert_refuses 2 '--current' "$OFFSHOT" "$command" ./vm.xml s1 --current
    assert_refuses 2 "'s1'" "$OFFSHOT" "$command" ./vm.xml s1 --snapshotname s2
    assert_refuses 2 "'more'" "$OFFSHOT" "$command" ./vm.xml s1 more
    assert_refuses 2 "'--children'" "$OFFSHOT" "$command" ./vm.xml s1 --children
    assert_refuses 2 "'.hidden'" "$OFFSHOT" "$command" ./vm.xml s1 --save-as .hidden
    assert_refuses 2 "name" "$OFFSHOT" "$command" ./vm.xml s1 --save-as ''
    assert_refuses 4 "'none'" "$OFFSHOT" "$command" ./vm.xml none
    assert_refuses 8 "'s2'" "$OFFSHOT" "$command" ./vm.xml s1 --save-as s2
    for option in --running --paused --reset-nvram; do
        assert_refuses 8 virsh "$OFFSHOT" "$command" ./vm.xml s1 "$option"
        assert_stderr_contains "$option"
    done
done
run "$OFFSHOT" revert ./vm.xml s1 --running --json
assert_status 8
assert_equal "$(json .error.code)" refused
assert_stderr_empty

# a dry run
before=$(snapshot_state "$WORK")
for arguments in s1 s2 --current '--snapshotname s1' 's1 --save-as s3' 's2 --save-as s3'; do
    # shellcheck disable=SC2086 # words
    ok "$OFFSHOT" revert ./vm.xml $arguments --dry-run
    assert_equal "$(grep -cE '^(prepare|apply) ' "$STDOUT")" "$(wc -l <"$STDOUT")" 'lines that are steps'
    assert_stdout_contains 'qemu-img create'
    # shellcheck disable=SC2086 # words
    ok "$OFFSHOT" revert ./vm.xml $arguments -n --json -q
    assert_stderr_empty
    assert_equal "$(json '[.schema, .operation, (.steps | length > 1)] | map(tostring) | join(" ")')" \
        '1 revert true'
    assert_unchanged "$WORK" "$before"
done

# --save-as keeps, so nothing is discarded
ok "$OFFSHOT" revert ./vm.xml --current --save-as s3 --force
assert_stdout 'Domain snapshot s2 reverted'
ok "$OFFSHOT" list ./vm.xml --name
assert_stdout $'s1\ns2\ns3'
active=$(domain_source vm.xml vda)
pattern_check "$active" qcow2 0x22 0 1M

# what is discarded is said
pattern_write "$active" qcow2 0x44 0 2M
discarded=$(($(stat -c %b "$active") * 512))
[ "$discarded" -gt 2000000 ] || fail "the overlay has only $discarded bytes"
ok "$OFFSHOT" snapshot-revert ./vm.xml --snapshotname s2
assert_stdout $'Domain snapshot s2 reverted\n2.'"$((discarded * 10 / 1048576 % 10)) MiB discarded"
pattern_check "$(domain_source vm.xml vda)" qcow2 0x22 0 1M

pattern_write "$(domain_source vm.xml vda)" qcow2 0x44 0 1M
discarded=$(($(stat -c %b "$(domain_source vm.xml vda)") * 512))
ok "$OFFSHOT" revert ./vm.xml s1 --json
assert_stderr_empty
assert_equal "$(wc -l <"$STDOUT")" 1 lines
assert_equal "$(jq -c '[.schema, .domain.name, .discarded]' "$STDOUT")" "[1,\"vm\",$discarded]"
assert_equal "$(jq -c '.snapshots | map([.name, .current, .children])' "$STDOUT")" '[["s1",true,["s2"]]]'
assert_equal "$(jq -c '.snapshots[0].disks | map([.name, .snapshot, .frozen])' "$STDOUT")" \
    "[[\"vda\",\"external\",\"$WORK/a.qcow2\"]]"
pattern_check "$(domain_source vm.xml vda)" qcow2 0x11 0 1M

ok "$OFFSHOT" revert ./vm.xml s2 -q
assert_stdout_empty
assert_stderr_empty
pattern_check "$(domain_source vm.xml vda)" qcow2 0x22 0 1M
ok "$OFFSHOT" current ./vm.xml --name
assert_stdout s2
