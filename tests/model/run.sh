#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Random trees of snapshots against a model of them: model-test.c says how. A short set of seeds; with
# OFFSHOT_TEST_LONG=1 the long one. OFFSHOT_MODEL_SEEDS='7 20-90' names seeds, OFFSHOT_MODEL_STEPS their
# length, OFFSHOT_MODEL_ONLY='create,write' the steps to take.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xargs

seeds=${OFFSHOT_MODEL_SEEDS-1-12}
export STEPS=${OFFSHOT_MODEL_STEPS-20}
if is_long; then
    seeds=${OFFSHOT_MODEL_SEEDS-1-500}
    STEPS=${OFFSHOT_MODEL_STEPS-30}
fi

# Every seed of the list, by line.
expand()
{
    local word

    for word in $seeds; do
        seq "${word%-*}" "${word#*-}"
    done
}

# run_seed SEED: its report is SEED.log; what a good one made is removed.
run_seed()
{
    mkdir "$1" || exit 99
    if "${OFFSHOT_MODEL_TEST:?}" --seed "$1" --steps "$STEPS" \
        ${OFFSHOT_MODEL_ONLY:+--only "$OFFSHOT_MODEL_ONLY"} "$PWD/$1" >"$1.log" 2>&1; then
        rm -rf "$1"
    else
        echo "exit $?" >>"$1.log"
        mv "$1.log" "$1.bad"
    fi
}
export -f run_seed

expand | xargs -P "$(nproc)" -I '{}' bash -c 'run_seed {}'

wanted=$(expand | wc -l)
# shellcheck disable=SC2012 # names are numbers
good=$(ls -- *.log 2>/dev/null | wc -l)
cat -- *.log 2>/dev/null
if [ "$good" != "$wanted" ]; then
    for log in *.bad; do
        echo "--- seed ${log%.bad}"
        cat "$log"
    done
    fail "$((wanted - good)) of $wanted seeds went wrong"
fi
[ -z "${OFFSHOT_MODEL_SEEDS-}${OFFSHOT_MODEL_STEPS-}${OFFSHOT_MODEL_ONLY-}" ] || exit 0

# A set in which most was refused, or something never done, proves nothing.
for what in writes creates reverts deletes flattens extracts; do
    count=$(cat -- *.log | grep -oE "$what [0-9]+" | awk '{ sum += $2 } END { print sum + 0 }')
    [ "$count" -gt 0 ] || fail "no $what"
    sum=$((${sum-0} + count))
done
refused=$(cat -- *.log | grep -oE 'refused [0-9]+' | awk '{ sum += $2 } END { print sum + 0 }')
[ $((refused * 4)) -lt "$sum" ] || fail "$refused of $sum were refused"
