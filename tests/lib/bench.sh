# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the benches share; source it behind lib.sh.

# fresh NAME: a copy of it in ./run, whose files are all written.
fresh()
{
    rm -rf run
    cp -a "$1" run
    sync -f run
}

# timed COMMAND...: microseconds of its wall time, into $took.
timed()
{
    local before=${EPOCHREALTIME/./} after

    "$@" >"$STDOUT" 2>"$STDERR" </dev/null || fail "failed: $*"
    after=${EPOCHREALTIME/./}
    took=$((after - before))
}

# measure WHAT FIXTURE COMMAND...
measure()
{
    local what=$1

    fresh "$2"
    shift 2
    timed "$@"
    echo "$took" >>"$SCRATCH/times.$what"
}

median()
{
    sort -n "$SCRATCH/times.$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# ratio TEXT A B TARGET
ratio()
{
    awk -v text="$1" -v a="$(median "$2")" -v b="$(median "$3")" -v target="$4" 'BEGIN {
        printf "%-44s %8.2f ms / %8.2f ms = %5.2f (target %s)\n", text, a / 1000, b / 1000, a / b, target
    }'
}
