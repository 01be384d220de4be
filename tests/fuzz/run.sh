#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fuzz/run.sh NAME...: build fuzzers with clang's engine in ./fuzz-build and run each for FUZZ_SECONDS; a
# NAME may have "fuzz/fuzz-" in front.
#
# What they find stays: inputs that reach new code in ./fuzz-build/corpus/NAME, where a later run goes on, those
# that fail in ./fuzz-build/crash-NAME-*, all that was said in ./fuzz-build/NAME.log. After a finding the fuzzer
# goes on for the rest of its time, up to FINDINGS_MAX. The last line for each is
# "NAME: N runs, S seconds, F findings"; the exit status is 1 when there were any.
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build=$PWD/fuzz-build
seconds=${FUZZ_SECONDS:-60}
sanitizers=address,undefined
FINDINGS_MAX=20
names=("${@##*/fuzz-}")

if ! command -v clang >/dev/null; then
    echo 'fuzz: clang is missing' >&2
    exit 1
fi

mkdir -p "$build"
cd "$build"
[ -e config.status ] || "$source_dir/configure" --quiet --disable-hardening CC=clang \
    CFLAGS="-g -O1 -fsanitize=fuzzer-no-link,$sanitizers -fno-sanitize-recover=all"
make -C src -j"$(nproc)" liboffshot.a
make -C tests -j"$(nproc)" AM_LDFLAGS="-fsanitize=fuzzer" "${names[@]/#/fuzz/fuzz-}"

# once NAME SECONDS: until the time is over or something is found
once()
{
    local options=("-max_total_time=$2" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1
        "-artifact_prefix=$build/crash-$1-")
    local dictionary=$source_dir/tests/fuzz/dictionary/$1

    [ ! -e "$dictionary" ] || options+=("-dict=$dictionary")
    "tests/fuzz/fuzz-$1" "${options[@]}" "corpus/$1" "$source_dir/tests/fuzz/corpus/$1" >>"$1.log" 2>&1
}

# run NAME: false when anything was found
run()
{
    local start=$SECONDS findings=0 left=$seconds runs

    mkdir -p "corpus/$1"
    : >"$1.log"
    while [ "$left" -gt 0 ]; do
        once "$1" "$left" && break
        findings=$((findings + 1))
        [ "$findings" -lt "$FINDINGS_MAX" ] || break
        left=$((seconds - (SECONDS - start)))
    done
    runs=$(awk '/^stat::number_of_executed_units:/ { sum += $2 } END { print sum + 0 }' "$1.log")
    echo "$1: $runs runs, $((SECONDS - start)) seconds, $findings findings"
    [ "$findings" = 0 ] && [ "$runs" -gt 0 ]
}

failed=0
for name in "${names[@]}"; do
    run "$name" || failed=1
done
exit "$failed"
