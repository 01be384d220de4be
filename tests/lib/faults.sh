# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the fault tests share; source it behind lib.sh. A trial gets a fresh copy of a fixture, always at
# the same place, is disturbed once, and runs one more command. Then the place has to look, byte for byte,
# as without the operation (BEFORE) or as after it (AFTER).

CASE=$WORK/case
FIXTURE=$SCRATCH/fixture
TRACE=$SCRATCH/trace
BIN=$SCRATCH/bin
REAL_QEMU_IMG=$(command -v qemu-img)
TRIALS=0
LOST=0
declare -A BEFORE AFTER COUNT COUNT_LOST
ROWS=()

# Calls that change something, or wait for somebody.
CHANGES=write,pwrite64,fsync,fdatasync,fallocate,ftruncate,rename,renameat,renameat2,link,linkat
CHANGES=$CHANGES,unlink,unlinkat,mkdir,mkdirat,rmdir,fchmod,fchown,fsetxattr,fremovexattr,openat
CHANGES=$CHANGES,clone,clone3,vfork,wait4,ppoll,exit_group

# fixture_begin: make what is to be the fixture in the current directory; then call fixture_end.
fixture_begin()
{
    mkdir "$CASE"
    cd "$CASE" || exit 99
}

fixture_end()
{
    cd "$WORK" || exit 99
    mv "$CASE" "$FIXTURE"
}

case_fresh()
{
    cd "$WORK" || exit 99
    rm -rf "$CASE"
    cp -a --sparse=always "$FIXTURE" "$CASE" || exit 99
    cd "$CASE" || exit 99
}

# What is in the case, and nothing that differs between two equal runs: times and inodes.
case_state()
{
    (
        cd "$CASE" || exit 99
        find . -mindepth 1 \( -type d -printf '%y %m %U:%G %p\n' -o -name '*.xml' \
            -printf '%y %m %U:%G links=%n %p\n' -o -printf '%y %m %U:%G links=%n size=%s %p\n' \) \
            | LC_ALL=C sort
        find . -type f ! -name '*.xml' -print0 | LC_ALL=C sort -z | xargs -0r sha256sum
        find . -type f -name '*.xml' -print0 | LC_ALL=C sort -z | xargs -0r sed -E \
            -e 's/ (inode|mtime)="[0-9]+"/ \1=""/g' -e 's/<creationTime>[0-9]+</<creationTime></'
    )
}

# The commands that may come next, by name; each must succeed.
follow_up()
{
    case $1 in
    nothing) ;;
    list) ok "$OFFSHOT" list ./vm.xml ;;
    recover) ok "$OFFSHOT" recover ./vm.xml ;;
    create) follow_up_create ;;
    esac
}

# Children of a killed offshot hold its locks until they are dead, too.
follow_up_create()
{
    local turn

    for ((turn = 0; turn < 40; turn++)); do
        run "$OFFSHOT" create ./vm.xml later --disk-only
        [ "$STATUS" = 5 ] || break
        sleep 0.05
    done
    assert_status 0
}

FOLLOW_UPS=(list recover create)

# references COMMAND...: learn BEFORE and AFTER for each follow-up, COMMAND being the operation.
references()
{
    local next

    for next in nothing "${FOLLOW_UPS[@]}"; do
        case_fresh
        follow_up "$next"
        BEFORE[$next]=$(case_state)
        case_fresh
        ok "$@"
        follow_up "$next"
        AFTER[$next]=$(case_state)
        [ "${BEFORE[$next]}" != "${AFTER[$next]}" ] || fail 'the operation changes nothing'
    done
}

# points CALLS COMMAND...: trace COMMAND in a fresh case and print "CALL N" for each of its CALLS (as strace
# takes them); of openat only what makes or may write a file.
points()
{
    local calls=$1

    shift
    case_fresh
    trace_points "$calls" "$@"
}

# The same in the case as it is.
trace_points()
{
    local calls=$1

    shift
    strace -qq -o "$TRACE" -e trace="$calls" -e signal=none "$@" >/dev/null 2>&1
    awk -F'(' -v all="$calls" '
        $1 !~ /^[a-z0-9_]+$/ { next }
        { count[$1]++ }
        all != "all" && $1 == "openat" && !/O_CREAT|O_WRONLY|O_RDWR/ { next }
        $1 == "execve" { next }
        { print $1, count[$1] }' "$TRACE"
}

# at CALL N FAULT COMMAND...: run COMMAND with strace's FAULT (signal=KILL, error=EIO) at its N-th CALL.
at()
{
    local where=$1 number=$2 fault=$3

    shift 3
    { run strace -qq -o /dev/null -e "trace=$where" -e "inject=$where:$fault:when=$number" "$@"; } \
        2>/dev/null
}

# wrap_qemu_img SCRIPT: offshot finds this instead of qemu-img; in it, $REAL is the real one. Of the environment
# it gets PATH alone, and what it does to anything but the images takes --sandbox=off.
wrap_qemu_img()
{
    mkdir -p "$BIN"
    printf '#!/bin/bash\nREAL=%q\n%s\n' "$REAL_QEMU_IMG" "$1" >"$BIN/qemu-img"
    chmod +x "$BIN/qemu-img"
}

# lost ROW MESSAGE: note that a trial went wrong, with what is there now.
lost()
{
    LOST=$((LOST + 1))
    COUNT_LOST[$1]=$((${COUNT_LOST[$1]-0} + 1))
    [ "$LOST" -le "${OFFSHOT_TEST_SHOW:-20}" ] || return 0
    echo "LOST: $1: $2"
    echo "last run: ${LAST:-none} (status $STATUS)"
    sed 's/^/    stderr: /' "$STDERR"
    find "$CASE" -mindepth 1 -printf '    %y %m links=%n size=%s %P\n' | LC_ALL=C sort -k5
}

# trial ROW: count one.
trial()
{
    TRIALS=$((TRIALS + 1))
    [ -n "${COUNT[$1]-}" ] || ROWS+=("$1")
    COUNT[$1]=$((${COUNT[$1]-0} + 1))
}

# compare ROW WHAT THEN ALLOWED: the case has to be as ALLOWED says (before, after, either), THEN having been
# run.
compare()
{
    local now

    now=$(case_state)
    case $4 in
    before | either) [ "$now" != "${BEFORE[$3]}" ] || return 0 ;;
    esac
    case $4 in
    after | either) [ "$now" != "${AFTER[$3]}" ] || return 0 ;;
    esac
    if [ "$LOST" -lt 3 ]; then
        diff <(echo "${BEFORE[$3]}") <(echo "$now") | sed "12q; s/^/    before: /"
        diff <(echo "${AFTER[$3]}") <(echo "$now") | sed "12q; s/^/    after:  /"
    fi
    lost "$1" "$2, then $3: the state is not as allowed ($4)"
}

# run_next ROW WHAT THEN: the follow-up, which must succeed.
run_next()
{
    if ! (follow_up "$3") >"$SCRATCH/next" 2>&1; then
        sed 's/^/    /' "$SCRATCH/next"
        lost "$1" "$2, then $3: that fails"
        return 1
    fi
}

# table: what was tried; the test fails when anything was lost.
table()
{
    local row

    printf '%-62s %6s %6s\n' 'operation, fault' tried lost
    for row in "${ROWS[@]}"; do
        printf '%-62s %6d %6d\n' "$row" "${COUNT[$row]}" "${COUNT_LOST[$row]-0}"
    done
    [ "$TRIALS" -gt 0 ] || fail 'nothing was tried'
    [ "$LOST" = 0 ] || fail "$LOST of $TRIALS lost"
}

# assert_case_sound IMAGE:FORMAT...: each is there and clean.
assert_case_sound()
{
    local image

    for image; do
        case ${image#*:} in
        raw) assert_exists "${image%:*}" ;;
        *) assert_clean "${image%:*}" "${image#*:}" ;;
        esac
    done
}

# kill_everywhere ROW CALLS COMMAND...: kill COMMAND at each of CALLS; STRIDE leaves trials out.
kill_everywhere()
{
    local row=$1 calls=$2 what number next killed=0 list

    shift 2
    mapfile -t list < <(points "$calls" "$@")
    [ "${#list[@]}" -gt 10 ] || fail "only ${#list[@]} calls to kill at"
    for what in "${list[@]}"; do
        number=$((${number--1} + 1))
        next=${FOLLOW_UPS[$((number % ${#FOLLOW_UPS[@]}))]}
        case_fresh
        # shellcheck disable=SC2086 # a call and a number
        at $what signal=KILL "$@"
        trial "$row"
        [ "$STATUS" = 0 ] || killed=$((killed + 1))
        if [ "$STATUS" != 0 ] && [ "$STATUS" != 137 ]; then
            lost "$row" "killed at $what: status $STATUS"
        elif run_next "$row" "killed at $what" "$next"; then
            compare "$row" "killed at $what" "$next" either
        fi
    done
    [ "$killed" -gt $((${#list[@]} / 2)) ] || fail "only $killed of ${#list[@]} were killed"
}
