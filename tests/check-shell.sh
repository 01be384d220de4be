#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hold every shell script to shellcheck, and to the first two lines that each must have.
set -eu

cd "${top_srcdir:-$(dirname "$0")/..}"
scripts=$(find autogen.sh data tests -name '*.sh')
failed=0

for script in $scripts; do
    if ! sed -n 1,2p "$script" | grep -q 'SPDX-License-Identifier: LGPL-2.1-or-later'; then
        echo "$script: no SPDX line at the top"
        failed=1
    fi
    if [ ! -x "$script" ] && head -n 1 "$script" | grep -q '^#!'; then
        echo "$script: not executable"
        failed=1
    fi
done

if command -v shellcheck >/dev/null; then
    # shellcheck disable=SC2086 # a list of our own names, which have no blanks
    shellcheck --external-sources --source-path=tests $scripts || failed=1
elif [ "$failed" = 0 ]; then
    echo 'SKIP: shellcheck is missing'
    exit 77
fi
exit "$failed"
