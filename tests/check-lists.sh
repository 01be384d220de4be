#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every source and every test in the tree is named in its Makefile.am; automake takes only what is.
set -eu

cd "${top_srcdir:-$(dirname "$0")/..}"
failed=0

# must_list MAKEFILE NAME: NAME stands in MAKEFILE as a word of its own.
must_list()
{
    if ! tr -s ' \t' '\n' <"$1" | grep -qxF -- "$2"; then
        echo "$1: does not list $2"
        failed=1
    fi
}

for path in src/*/*.[ch]; do
    must_list src/Makefile.am "${path#src/}"
done
for path in data/*.sh; do
    must_list Makefile.am "$path"
done
for path in tests/*.sh tests/*/*.sh tests/*/*.h; do
    [ ! -e "$path" ] || must_list tests/Makefile.am "${path#tests/}"
done
for path in tests/cli/*.sh tests/faults/*.sh tests/interop/*.sh; do
    if [ -e "$path" ] && [ ! -x "$path" ]; then
        echo "$path: not executable"
        failed=1
    fi
done
for path in tests/unit/test-*.c; do
    [ ! -e "$path" ] || must_list tests/Makefile.am "unit/$(basename "$path" .c)"
done
for path in tests/fuzz/fuzz-*.c; do
    [ -e "$path" ] || continue
    name=$(basename "$path" .c)
    must_list tests/Makefile.am "fuzz/$name"
    must_list tests/Makefile.am "fuzz/replay-${name#fuzz-}"
    if [ -z "$(ls "tests/fuzz/corpus/${name#fuzz-}" 2>/dev/null)" ]; then
        echo "tests/fuzz/corpus/${name#fuzz-}: no corpus for $path"
        failed=1
    fi
done
exit "$failed"
