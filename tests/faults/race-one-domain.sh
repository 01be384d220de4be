#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many offshots at once on one domain, all commands mixed, some of them killed: each does its whole job, or ends
# with 5 because another has the lock, or says why it cannot be. Then the tree is sound, and each snapshot holds
# one state of all disks.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need jq qemu-io xmllint
need_plain_program

SHIM=${OFFSHOT_FAULT_SHIM:?}
COMMAND=
PROCESSES=16 SEEDS=2
! is_long || PROCESSES=50 SEEDS=5
at_exit wait

# Five states: one internal snapshot, three external ones, and the active disks. Nobody writes after that, so
# whatever snapshot is taken has to hold one of them, of both disks the same.
fixture()
{
    start_over
    make_image a.qcow2 qcow2 1M
    make_image b.qcow2 qcow2 1M
    make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
    take i1 --internal
    take s1 --disk-only
    take s2 --disk-only
    take s3 --disk-only
    remember
}

# commands: what this seed runs, one a line: kill at this call (0: not at all), lock timeout, command, name, options.
commands()
{
    local n kill

    for ((n = 1; n <= PROCESSES; n++)); do
        kill=$((RANDOM % 3 == 0 ? RANDOM % 80 + 1 : 0))
        one_command "$n"
        echo "$kill --lock-timeout=$((RANDOM % 4 ? 60 : 0)) $COMMAND"
    done
}

# one_command NUMBER: into $COMMAND; the first nine are of all kinds. No subshells: they have other random numbers.
one_command()
{
    local old=(i1 s1 s2 s3 "n$((RANDOM % PROCESSES + 1))")
    local kind=$1

    [ "$kind" -le 9 ] || kind=$((RANDOM % 9 + 1))
    case $kind in
    1 | 7) COMMAND="create n$1 --disk-only" ;;
    2) COMMAND="create n$1 --internal" ;;
    3) COMMAND="create n$1 --disk-only --keep-filename" ;;
    4) COMMAND="revert ${old[RANDOM % 5]}" ;;
    5 | 8) COMMAND="delete ${old[RANDOM % 5]}" ;;
    6) COMMAND=flatten ;;
    9) [ $((RANDOM % 2)) = 0 ] && COMMAND='list --json' || COMMAND=recover ;;
    esac
}

# start NUMBER KILL TIMEOUT COMMAND [NAME] [OPTION...]: into ended.NUMBER how it ended, and what it said.
start()
{
    local number=$1 kill=$2 timeout=$3 command=$4

    shift 4
    truncate -s 64 "$SCRATCH/shim.$number"
    (
        STDOUT=$SCRATCH/out.$number STDERR=$SCRATCH/err.$number
        {
            FAULT_SHIM=$SCRATCH/shim.$number FAULT_AT=$kill FAULT_KIND=kill LD_PRELOAD=$SHIM \
                run "$OFFSHOT" "$timeout" "$command" ./vm.xml "$@" --sandbox=off
        } 2>/dev/null
        echo "$STATUS $command ${1-}" >"$SCRATCH/ended.$number"
    ) &
}

# all_at_once: run what commands said.
all_at_once()
{
    local number=0 words

    rm -f "$SCRATCH"/{shim,out,err,ended}.*
    while read -r -a words; do
        number=$((number + 1))
        start "$number" "${words[@]}"
    done <"$SCRATCH/commands"
    wait
    assert_equal "$(cat "$SCRATCH"/ended.* | wc -l)" "$PROCESSES" 'processes that ended'
}

# Each way to end is one that INTERFACE has, and is told; where nothing went wrong, nothing is told.
assert_ends()
{
    local number status command name

    for ((number = 1; number <= PROCESSES; number++)); do
        read -r status command name <"$SCRATCH/ended.$number"
        LAST="$command $name" STATUS=$status STDOUT=$SCRATCH/out.$number STDERR=$SCRATCH/err.$number
        case $command.$status in
        *.0 | *.137) ;;
        list.* | recover.[48]) fail "process $number: '$command' ends with $status" ;;
        *.[458]) [ "$(grep -c '^offshot: .' "$STDERR")" -ge 1 ] || fail "process $number says nothing" ;;
        *) fail "process $number: '$command' ends with $status" ;;
        esac
        [ "$command.$status" != list.0 ] || jq -e .snapshots "$STDOUT" >/dev/null || fail 'list is no list'
    done
}

# count STATUS COMMAND NAME: of the processes that ended so. All are regular expressions.
count()
{
    cat "$SCRATCH"/ended.* | grep -cxE "($1) ($2) ($3)"
}

# A snapshot that create has made is there unless somebody deleted it, and so on.
assert_whole_jobs()
{
    local number name

    for ((number = 1; number <= PROCESSES; number++)); do
        name=n$number
        if [ -e "vm.snapshots/$name.xml" ]; then
            [ "$(count '0|137' create "$name")" = 1 ] || fail "nobody made '$name'"
        else
            [ "$(count 0 create "$name")" = 0 ] || [ "$(count '0|137' delete "$name")" -gt 0 ] \
                || fail "'$name' is lost"
        fi
    done
    for name in i1 s1 s2 s3; do
        if [ -e "vm.snapshots/$name.xml" ]; then
            [ "$(count 0 delete "$name")" = 0 ] || fail "'$name' was deleted"
        else
            [ "$(count '0|137' delete "$name")" -gt 0 ] || fail "'$name' is lost"
        fi
    done
}

# state_of NAME: which of the states in the fixture its disks hold; both the same one.
state_of()
{
    local now=$1 state

    for state in i1 s1 s2 s3 active; do
        [ "${KNOWN["$state vda"]} ${KNOWN["$state vdb"]}" != "$now" ] || echo "$state"
    done
}

assert_contents()
{
    local name target hash
    local -A now=()

    tree_contents >"$SCRATCH/contents" || fail "$(cat "$SCRATCH/contents")"
    while read -r name target hash; do
        now[$name]+="${now[$name]+ }$hash"
    done <"$SCRATCH/contents"
    for name in "${!now[@]}"; do
        case $name.$(state_of "${now[$name]}") in
        *.) fail "'$name' holds no state of the domain" ;;
        i1.i1 | s1.s1 | s2.s2 | s3.s3 | active.* | n*.*) ;;
        *) fail "'$name' holds the state '$(state_of "${now[$name]}")'" ;;
        esac
    done
}

# Every file is an image of a chain, or is named by what it is for.
assert_no_strays()
{
    local name target mode format path

    {
        while read -r target; do
            image_chain "$(domain_source vm.xml "$target")" "$(domain_format vm.xml "$target")"
        done < <(printf 'vda\nvdb\n')
        while read -r name; do
            while read -r target mode format path; do
                image_chain "$path" "$format"
            done < <(snapshot_disks "$name")
        done < <(snapshot_names)
        printf '%s\n' "$WORK/vm.xml" "$WORK/.vm.offshot/"{lock,layers}
        find "$WORK/vm.snapshots" -name '*.xml'
    } | xargs -d '\n' realpath -m | LC_ALL=C sort -u >"$SCRATCH/known"
    find "$WORK" '!' -type d | LC_ALL=C sort >"$SCRATCH/files"
    assert_equal "$(LC_ALL=C comm -13 "$SCRATCH/known" "$SCRATCH/files")" '' 'files that nothing needs'
}

assert_sound()
{
    ok "$OFFSHOT" recover ./vm.xml
    ok "$OFFSHOT" list ./vm.xml --name
    assert_stderr_empty
    assert_equal "$(LC_ALL=C sort "$STDOUT")" "$(snapshot_names)" snapshots
    while read -r name; do
        run xmllint --noout --relaxng "$OFFSHOT_DATADIR/schemas/domainsnapshot.rng" "vm.snapshots/$name.xml"
        assert_status 0
    done < <(snapshot_names)
    assert_whole_jobs
    assert_contents
    assert_no_strays
    assert_all_clean
    ok "$OFFSHOT" create ./vm.xml later --disk-only
}

for ((seed = 1; seed <= SEEDS; seed++)); do
    fixture
    RANDOM=$seed
    commands >"$SCRATCH/commands"
    shuf --random-source=<(yes "$seed") -o "$SCRATCH/commands" "$SCRATCH/commands"
    all_at_once
    echo "seed $seed:"
    cat "$SCRATCH"/ended.* | awk '{ print $2, $1 }' | LC_ALL=C sort | uniq -c
    assert_ends
    [ "$(count 0 'create|revert|delete|flatten' '.*')" -gt 0 ] || fail 'nothing was done'
    assert_sound
done
