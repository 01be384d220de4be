#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# fuzz/run.sh fuzz/fuzz-NAME...: build fuzzers with clang's engine in ./fuzz-build and run each for
# FUZZ_SECONDS. What they find besides crashes stays in ./fuzz-build/corpus/NAME.
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/../.." && pwd)
build=$PWD/fuzz-build
seconds=${FUZZ_SECONDS:-60}
sanitizers=address,undefined

if ! command -v clang >/dev/null; then
    echo 'fuzz: clang is missing' >&2
    exit 1
fi

mkdir -p "$build"
cd "$build"
[ -e config.status ] || "$source_dir/configure" --quiet --disable-hardening CC=clang \
    CFLAGS="-g -O1 -fsanitize=fuzzer-no-link,$sanitizers -fno-sanitize-recover=all"
make -C src -j"$(nproc)" liboffshot.a
make -C tests -j"$(nproc)" AM_LDFLAGS="-fsanitize=fuzzer" "$@"

failed=0
for fuzzer in "$@"; do
    name=${fuzzer##*/fuzz-}
    mkdir -p "corpus/$name"
    echo "fuzzing $name for $seconds seconds"
    "tests/$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="$build/crash-$name-" "corpus/$name" "$source_dir/tests/fuzz/corpus/$name" \
        || failed=1
done
exit "$failed"
