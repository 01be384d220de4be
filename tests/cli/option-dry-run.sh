#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --dry-run prints the plan, as text or JSON, and changes nothing; what would be refused is refused.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw
before=$(snapshot_state "$WORK")

for option in --dry-run -n; do
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only "$option"
    assert_stderr_empty
    assert_equal "$(grep -cE '^(prepare|apply) ' "$STDOUT")" "$(wc -l <"$STDOUT")" 'lines that are steps'
    assert_equal "$(grep -c 'qemu-img create' "$STDOUT")" 2 'overlays to make'
    assert_stdout_contains "$WORK/vm.snapshots/s1.xml"
    assert_unchanged "$WORK" "$before"
done
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --dry-run --json
assert_unchanged "$WORK" "$before"
assert_equal "$(json '.schema, .operation' | tr '\n' ' ')" '1 create '
assert_equal "$(json '[.steps[].phase] | unique | join(" ")')" 'apply prepare' phases
assert_equal "$(json '[.steps[] | select(.argv != null)] | length')" 2 'steps with a program'
assert_equal "$(json '[.steps[] | select(.argv != null) | .argv[0:2] | join(" ")] | unique | join(",")')" \
    'qemu-img create'
assert_equal "$(json '[.steps[] | has("phase") and has("kind") and has("argv") and has("path")] | all')" \
    true 'keys of a step'
assert_equal "$(json '[.steps[].path | select(. != null) | startswith("/")] | all')" true 'absolute paths'
assert_equal "$(json "[.steps[] | select(.path == \"$WORK/vm.snapshots/s1.xml\")] | length")" 1 \
    'the snapshot file'
assert_equal "$(json '[.steps[].kind | select(test("^[a-z-]+$") | not)] | length')" 0 'kinds'

# before the plan has run, nothing keeps another from running; afterwards the plan of the same request is an error
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
before=$(snapshot_state "$WORK")
assert_refuses 8 "'s1'" "$OFFSHOT" create ./vm.xml s1 --disk-only --dry-run
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --dry-run --keep-filename
ok "$OFFSHOT" create ./vm.xml --dry-run --redefine --xml vm.snapshots/s1.xml
ok "$OFFSHOT" recover ./vm.xml --dry-run
assert_unchanged "$WORK" "$before"
# a read-only directory is good enough for a plan
if [ "$(id -u)" != 0 ]; then
    chmod 555 "$WORK"
    at_exit "chmod 755 '$WORK'"
    ok "$OFFSHOT" create ./vm.xml s2 --disk-only --dry-run
fi
