# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The power is cut in the middle of an operation; source it behind crash.sh. lib/power-shim.so records what
# offshot and its qemu-img do to files, lib/power-cut.c takes away what they had not flushed.

POWER_SHARED=$SCRATCH/power
POWER_LOG=$SCRATCH/power.log
POWER_LIST=$SCRATCH/power.list
POWER_KEEP=$WORK/kept

# powered AT COMMAND...: run COMMAND, an offshot, in a fresh case; the power goes at call AT (0: it does not).
# qemu-img is not confined: the shim in it uses files that are none of its images.
powered()
{
    local at=$1

    shift
    rm -rf "$POWER_SHARED" "$POWER_LOG" "$POWER_KEEP"
    truncate -s 64 "$POWER_SHARED"
    : >"$POWER_LOG"
    mkdir "$POWER_KEEP"
    case_fresh
    find "$CASE" -printf '%i %y %P\n' >"$POWER_LIST"
    { POWER_SHARED=$POWER_SHARED POWER_LOG=$POWER_LOG POWER_KEEP=$POWER_KEEP POWER_AT=$at \
        LD_PRELOAD=${OFFSHOT_POWER_SHIM:?} run "$@" --sandbox=off; } 2>/dev/null
}

# lose CHOICE: what power-cut.c says; $DOUBT is the number of calls that were not durable.
lose()
{
    DOUBT=$("${OFFSHOT_POWER_CUT:?}" "$POWER_LIST" "$FIXTURE" "$CASE" "$POWER_KEEP" "$POWER_LOG" "$1") \
        || fail "power-cut gave up (choice $1)"
}

# cut_once ROW AT CHOICE COMMAND...: one cut, then recovery.
cut_once()
{
    local row=$1 at=$2 choice=$3 allowed=either

    shift 3
    powered "$at" "$@"
    # children that lost their parent are about to die; all hold the log
    flock "$POWER_LOG" true
    lose "$choice"
    trial "$row"
    case $STATUS in
    0) allowed=after ;;
    137) ;;
    *) lost "$row" "power cut at call $at: status $STATUS" ;;
    esac
    finish_tree "$row" "power cut at call $at, lost: all but $choice of $DOUBT" "$allowed"
}

# cut_everywhere ROW COMMAND...: at sampled calls, and behind the last one, with each way to lose things; in long
# sets at all of them, also with single ones, and with all but single ones, which are others each time.
cut_everywhere()
{
    local row=$1 at choice i

    shift
    tree_references "$@"
    powered 0 "$@"
    assert_status 0
    CALLS=$(SHARED=$POWER_SHARED shim_count)
    for at in $((CALLS + 1)) $(sample "$CALLS"); do
        for choice in none names data random:1; do
            is_long || [ $(((at + ${#choice}) % 2)) = 0 ] || continue
            cut_once "$row" "$at" "$choice" "$@"
        done
        is_long || continue
        for ((i = at % 5; i < DOUBT; i += 5)); do
            cut_once "$row" "$at" "only:$i" "$@"
            cut_once "$row" "$at" "drop:$i" "$@"
        done
    done
}
