#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every command explains itself with an example, also under its virsh name, needs no domain for it,
# and is in the manual page.
. "${srcdir:?}/lib/lib.sh"

ok "$OFFSHOT" --help
assert_stderr_empty
assert_stdout_contains 'Example'
cp "$STDOUT" general
commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' general)
[ "$(wc -w <<<"$commands")" -ge 7 ] || fail "only these commands: $commands"
sed 's/\\-/-/g' "$top_srcdir/data/offshot.1" >manual
for command in $commands; do
    ok "$OFFSHOT" "$command" --help
    assert_stderr_empty
    assert_stdout_contains 'Example:'
    grep -qE "^  offshot $command " "$STDOUT" || fail "the example does not show $command"
    assert_stdout_contains '--json'
    ok "$OFFSHOT" "$command" ./none.xml -h
    grep -qE "\\b$command\\b" manual || fail "offshot.1 does not have '$command'"
    # each long option of the help is in the manual page
    while read -r option; do
        grep -qF -- "$option" manual || fail "offshot.1 does not have '$option' ($command)"
    done < <(sed -nE 's/^ .{0,6}(--[a-z-]+).*/\1/p' "$STDOUT")
done
for alias in create-as create list info dumpxml current parent revert delete; do
    ok "$OFFSHOT" "snapshot-$alias" --help
    assert_stdout_contains 'Example:'
done
ok "$OFFSHOT" -h
assert_same_file "$STDOUT" general
