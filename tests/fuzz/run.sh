#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fuzz/run.sh NAME...: build fuzzers with clang's engine in ./fuzz-build and run each until it has used
# FUZZ_SECONDS of processor time, whatever else the machine does; a NAME may have "fuzz/fuzz-" in front.
#
# What they find stays: inputs that reach new code in ./fuzz-build/corpus/NAME, where a later run goes on, those
# that fail in ./fuzz-build/crash-NAME-*, all that was said in ./fuzz-build/NAME.log. After a finding the fuzzer
# goes on for the rest of its time, up to FINDINGS_MAX. The last line for each is
# "NAME: N runs, S seconds of processor time, F findings"; the exit status is 1 when there were any.
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
# GLib ends a program that was misused, or that gives up, by a trap.
export G_DEBUG=fatal-criticals ASAN_OPTIONS=handle_sigtrap=1
[ -e config.status ] || "$source_dir/configure" --quiet --disable-hardening CC=clang \
    CFLAGS="-g -O1 -fsanitize=fuzzer-no-link,$sanitizers -fno-sanitize-recover=all"
make -C src -j"$(nproc)" liboffshot.a
make -C tests -j"$(nproc)" AM_LDFLAGS="-fsanitize=fuzzer" "${names[@]/#/fuzz/fuzz-}"

# once NAME SECONDS: for that long by the clock, or until something is found; USED becomes the processor time.
once()
{
    local options=("-max_total_time=$2" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1
        "-artifact_prefix=$build/crash-$1-")
    local dictionary=$source_dir/tests/fuzz/dictionary/$1 TIMEFORMAT='%U %S' status=0

    [ ! -e "$dictionary" ] || options+=("-dict=$dictionary")
    { time "tests/fuzz/fuzz-$1" "${options[@]}" "corpus/$1" "$source_dir/tests/fuzz/corpus/$1" \
        >>"$1.log" 2>&1 || status=$?; } 2>"$1.time"
    # a shell may say before that what the fuzzer died of
    USED=$(tail -n 1 "$1.time" | awk '{ printf "%d", $1 + $2 }')
    return "$status"
}

# run NAME: false when anything was found
run()
{
    local used=0 findings=0 runs

    mkdir -p "corpus/$1"
    : >"$1.log"
    # The clock runs at least as fast as the processor's time, so no turn is too long.
    while [ "$used" -lt "$seconds" ] && [ "$findings" -lt "$FINDINGS_MAX" ]; do
        once "$1" "$((seconds - used))" || findings=$((findings + 1))
        used=$((used + (USED > 0 ? USED : 1)))
    done
    runs=$(awk '/^stat::number_of_executed_units:/ { sum += $2 } END { print sum + 0 }' "$1.log")
    echo "$1: $runs runs, $used seconds of processor time, $findings findings"
    [ "$findings" = 0 ] && [ "$runs" -gt 0 ]
}

failed=0
for name in "${names[@]}"; do
    run "$name" || failed=1
done
exit "$failed"
