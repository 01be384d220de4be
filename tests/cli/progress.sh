#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# How far an operation is goes to stderr as --progress says: lines of text, JSON, nothing, or a line on a terminal that is
# drawn again in place and cleared in the end.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq script

make_image a.qcow2 qcow2 64M
pattern_write a.qcow2 qcow2 0x11 0 64M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --progress=none
assert_stderr_empty

# extract HOW: with --progress=HOW, and it works
extract()
{
    rm -f copy.raw
    ok "$OFFSHOT" extract ./vm.xml s1 -o copy.raw --format=raw "--progress=$1"
    assert_stdout "$WORK/copy.raw"
}

extract plain
assert_equal "$(tail -n 1 "$STDERR")" 'offshot: 100% done' 'last line'
assert_equal "$(grep -cvE '^offshot: [1-9]?[0-9]?0% done$' "$STDERR")" 0 'other lines'
assert_equal "$(sort -u "$STDERR" | wc -l)" "$(wc -l <"$STDERR")" 'different lines'
extract json
assert_equal "$(tail -n 1 "$STDERR")" '{"progress":1.00}' 'last line'
assert_equal "$(jq -s 'map(keys == ["progress"] and .progress >= 0 and .progress <= 1) | all' "$STDERR")" true
assert_equal "$(jq -s 'map(.progress) | . == (sort | unique)' "$STDERR")" true 'it only grows'
for how in none auto; do
    extract "$how"
    assert_stderr_empty
done

# on a terminal: nothing but one line, which is blank in the end
export OFFSHOT
on_terminal()
{
    rm -f copy.raw
    run script -qec "\"\$OFFSHOT\" extract ./vm.xml s1 -o copy.raw --format=raw $1 >/dev/null" /dev/null
    assert_status 0
}
on_terminal ''
grep -qE '\] +[0-9]+%' "$STDOUT" || fail 'nothing is drawn'
assert_equal "$(wc -l <"$STDOUT")" 0 'lines'
last=$(tr '\r' '\n' <"$STDOUT" | tail -n 1)
assert_equal "${last// /}" '' 'what is left of the line'
for options in -q --progress=none; do
    on_terminal "$options"
    assert_stdout_empty
done
