#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# run.sh [--long]: install what is missing, build in ./build, run every test. The last line counts them;
# the exit status is that of the tests, and failure where there were none.
set -eu

cd "$(dirname "$0")/.."

case "$*" in
'') ;;
--long) export OFFSHOT_TEST_LONG=1 ;;
*)
    echo 'usage: tests/run.sh [--long]' >&2
    exit 2
    ;;
esac

# Results of the last run, by automake's word for them (PASS, FAIL, ...).
count()
{
    find build/tests -name '*.trs' -exec grep -hE "^:test-result: *($1)" {} + 2>/dev/null | wc -l
}

# finish PASSED FAILED SKIPPED: the closing line, and the exit status.
finish()
{
    echo "$1 passed, $2 failed, $3 skipped"
    [ "$2" = 0 ] && [ "$1" != 0 ] || exit 1
    exit 0
}

show_failures()
{
    grep -lrE '^:test-result: *(FAIL|XPASS|ERROR)' build/tests --include='*.trs' \
        | while IFS= read -r result; do
            echo "=== ${result%.trs}"
            tail -n 200 "${result%.trs}.log"
        done
}

./data/install-deps.sh build tests || finish 0 1 0
./data/configure-build.sh --enable-werror || finish 0 1 0
find build/tests -name '*.trs' -exec rm -f {} +
jobs=$(nproc)
make --no-print-directory -C build -j"$jobs" || finish 0 1 0
status=0
# half of what the tests do is to wait for disks to flush
make --no-print-directory -C build -j"$((2 * jobs))" check </dev/null || status=$?

passed=$(count 'PASS|XFAIL')
failed=$(count 'FAIL|XPASS|ERROR')
skipped=$(count SKIP)
[ "$failed" = 0 ] || show_failures
if [ "$status" != 0 ] && [ "$failed" = 0 ]; then
    echo 'run.sh: make check failed before its tests did' >&2
    failed=1
fi
finish "$passed" "$failed" "$skipped"
