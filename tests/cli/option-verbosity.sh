#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# stdout has results only: -q leaves headings and remarks out, -v shows the plan on stderr, -vv every
# program as well.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.raw qcow2 1M
truncate -s 1M a.raw
make_domain vm vda:raw:a.raw

ok "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_stdout 'Domain snapshot s1 created'
assert_stderr_contains warning
ok "$OFFSHOT" create ./vm.xml s2 --disk-only -q
assert_stdout_empty
assert_stderr_empty
ok "$OFFSHOT" create ./vm.xml s3 --disk-only -v
assert_stdout 'Domain snapshot s3 created'
assert_stderr_contains 'create-overlay'
! grep -q 'offshot: run' "$STDERR" || fail 'programs are shown with one -v'
for options in -vv '-v -v' '--verbose --verbose'; do
    n=$((${n-3} + 1))
    # shellcheck disable=SC2086 # words
    ok "$OFFSHOT" create ./vm.xml "s$n" --disk-only $options
    assert_stdout "Domain snapshot s$n created"
    assert_stderr_contains 'offshot: run qemu-img create'
done

ok "$OFFSHOT" list ./vm.xml
head -n 1 "$STDOUT" | grep -qE '^ ?Name +Creation Time +State' || fail 'no heading'
ok "$OFFSHOT" list ./vm.xml -q
! grep -q Name "$STDOUT" || fail 'a heading with -q'
assert_equal "$(wc -l <"$STDOUT")" 6 lines
# colours: never by themselves where the output is no terminal
! grep -q $'\x1b' "$STDOUT" || fail 'colours in a file'
ok "$OFFSHOT" list ./vm.xml --color=always
grep -q $'\x1b' "$STDOUT" || fail 'no colours with --color=always'
ok "$OFFSHOT" list ./vm.xml --color=never
! grep -q $'\x1b' "$STDOUT" || fail 'colours with --color=never'
for how in auto plain json none; do
    ok "$OFFSHOT" create ./vm.xml "p-$how" --disk-only --progress="$how"
    assert_stdout "Domain snapshot p-$how created"
done
