# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests share that disturb operations on whole snapshot trees; source it behind lib.sh and faults.sh.
# lib/fault-shim.so, preloaded into offshot and its qemu-img, counts the calls of both that change something
# and makes one of them fatal or fail.

. "${srcdir:?}/lib/state.sh"

: "${STATUS=}" "${CASE:?}" "${STDERR:?}"
SHIM=${OFFSHOT_FAULT_SHIM:?}
SHARED=$SCRATCH/shim

# shim AT KIND COMMAND...: run COMMAND, an offshot, with the fault KIND at call AT of all. qemu-img is not confined: the
# shim in it uses a file that is none of its images, and kills offshot. What takes far too long ends with 137; what
# watches that is not preloaded, since the first process with the shim is taken for offshot.
shim()
{
    local at=$1 kind=$2 patience=60

    shift 2
    [ "$kind" != hang ] || patience=10
    rm -f "$SHARED"
    truncate -s 64 "$SHARED"
    # what runs behind, or under nohup, would ignore signals that are to be tried
    { run timeout --foreground -s KILL $patience env --default-signal=INT,TERM FAULT_SHIM="$SHARED" FAULT_AT="$at" \
        FAULT_KIND="$kind" LD_PRELOAD="$SHIM" "$@" --sandbox=off; } 2>/dev/null
}

# How many calls the last command made; whether its fault happened.
shim_count()
{
    od -An -tu4 -N4 "$SHARED" | tr -d ' '
}

shim_hit()
{
    [ "$(od -An -tu4 -j8 -N4 "$SHARED" | tr -d ' ')" = 1 ]
}

# tree_references COMMAND...: learn what the fixture looks like before and after COMMAND.
tree_references()
{
    case_fresh
    BEFORE['tree']=$(tree_state)
    case_fresh
    shim 0 none "$@"
    assert_status 0
    CALLS=$(shim_count)
    AFTER['tree']=$(tree_state)
    [ "${BEFORE['tree']}" != "${AFTER['tree']}" ] || fail 'the operation changes nothing'
    ! grep -qE '^check [^0]' <<<"${AFTER['tree']}" || fail "damaged without any fault: ${AFTER['tree']}"
    [ "$CALLS" -gt 10 ] || fail "only $CALLS calls"
    ok "$OFFSHOT" recover ./vm.xml
    assert_stdout_line 'Nothing to recover'
}

# tree_compare ROW WHAT ALLOWED: as compare does.
tree_compare()
{
    local now

    now=$(tree_state)
    case $3 in
    before | either) [ "$now" != "${BEFORE['tree']}" ] || return 0 ;;
    esac
    case $3 in
    after | either) [ "$now" != "${AFTER['tree']}" ] || return 0 ;;
    esac
    if [ "$LOST" -lt 3 ]; then
        diff <(echo "${BEFORE['tree']}") <(echo "$now") | sed "24q; s/^/    before: /"
        diff <(echo "${AFTER['tree']}") <(echo "$now") | sed "24q; s/^/    after:  /"
    fi
    lost "$1" "$2: the state is not as allowed ($3)"
}

# A VM that is started before anybody recovers sees the disks as before, or as after, or does not start.
assert_active_sound()
{
    local line

    while IFS= read -r line; do
        case $line in *'not to be opened') continue ;; esac
        grep -qxF "$line" <<<"${BEFORE['tree']}"$'\n'"${AFTER['tree']}" \
            || lost "$1" "$2: before recovery a guest would see: $line"
    done < <(active_state)
}

# finish_tree ROW WHAT ALLOWED: recover, and compare.
finish_tree()
{
    local turn

    assert_active_sound "$1" "$2"
    cd "$CASE" || exit 99
    # Children of a killed offshot hold its locks until they are dead, too.
    for ((turn = 0; turn < 100; turn++)); do
        run "$OFFSHOT" recover ./vm.xml
        [ "$STATUS" = 5 ] || break
        sleep 0.05
    done
    if [ "$STATUS" != 0 ]; then
        lost "$1" "$2: recover ends with $STATUS"
    else
        tree_compare "$1" "$2" "$3"
    fi
}

# The numbers to try of N calls: all in long sets, else $SAMPLES of them, $HANGS in both when that is set; the last one
# always, where plans commit.
sample()
{
    local count=$1 step=1 number samples=${HANGS:-${SAMPLES:-8}}

    [ -z "${HANGS-}" ] && is_long || step=$((count / samples + 1))
    for ((number = count; number > 0; number -= step)); do
        echo "$number"
    done
}

# disturb ROW KIND COMMAND...: COMMAND with the fault KIND at each sampled call, then recovery.
disturb()
{
    local row=$1 kind=$2 number hits=0 heard=0 allowed

    shift 2
    for number in $(sample "$CALLS"); do
        case_fresh
        shim "$number" "$kind" "$@"
        trial "$row"
        ! shim_hit || hits=$((hits + 1))
        [ "$STATUS" = 0 ] || heard=$((heard + 1))
        allowed=either
        case $STATUS in
        0) allowed=after ;;
        # a signal that comes before there is anything to undo, or when all is done, ends it like any program
        3 | 130 | 137 | 143) ;;
        *) allowed=before ;;
        esac
        [ "$STATUS" != 137 ] || may_be_killed "$kind" || lost "$row" "call $number: offshot was killed"
        [ "$STATUS" = 137 ] || flock -n "$SHARED" true || lost "$row" "call $number: a child is left"
        finish_tree "$row" "$kind at call $number of $CALLS (status $STATUS)" "$allowed"
    done
    [ "$hits" -gt 1 ] || fail "$row: the fault happened only $hits times"
    ! is_long || [ "$heard" -gt 1 ] || fail "$row: nothing came of the fault"
}

# Whether an offshot may end by SIGKILL after a fault of that kind: behind the commit it waits for a short program
# that hangs, and only its user can end that.
may_be_killed()
{
    case $1 in
    kill) ;;
    hang) grep -qx phase=committed "$CASE"/.*.offshot/journal ;;
    *) false ;;
    esac
}

# disturb_all ROW COMMAND...: every kind of fault; in short sets qemu-img hangs only WITH_HANGS=1.
disturb_all()
{
    local row=$1 kind

    shift
    tree_references "$@"
    SAMPLES=4 disturb "$row, offshot killed" kill "$@"
    for kind in EIO:5 ENOSPC:28 $(! is_long || echo EACCES:13 EMFILE:24 EROFS:30); do
        SAMPLES=2 disturb "$row, ${kind%:*}" "${kind#*:}" "$@"
    done
    SAMPLES=2 disturb "$row, SIGTERM" TERM "$@"
    ! is_long || disturb "$row, SIGINT" INT "$@"
    disturb_again "$row, recovery killed twice" "$@"
    disturb_written "$row, killed, then written" "$@"
    if is_long || [ "${NO_CHILDREN-}" != 1 ]; then disturb_children "$row" "$@"; fi
    disturb_programs "$row" "$@"
}

# The same with each call of qemu-img alone: it dies, or does not return, and offshot has to cope.
disturb_children()
{
    local row=$1 all=$CALLS

    shift
    case_fresh
    shim 0 kill-child "$@"
    CALLS=$(shim_count)
    [ "$CALLS" = 0 ] || SAMPLES=3 disturb "$row, qemu-img killed" kill-child "$@"
    # each that comes behind the commit takes all the patience there is
    if [ "$CALLS" != 0 ] && { is_long || [ "${WITH_HANGS-}" = 1 ]; }; then
        HANGS=$(is_long && echo 12 || echo 2) disturb "$row, qemu-img hangs" hang "$@"
    fi
    CALLS=$all
}

# What one qemu-img does instead of its work, or behind it: name|script.
# shellcheck disable=SC2016 # for the wrapper
PROGRAM_FAULTS=(
    'exit 1|echo "qemu-img: no luck today" >&2; exit 1'
    'exit 1 behind the work|"$REAL" "$@"; exit 1'
    'complains behind the work|"$REAL" "$@"; echo "all is lost" >&2'
    'killed behind the work|"$REAL" "$@"; kill -9 $$'
    'does nothing|exit 0'
)

# disturb_programs ROW COMMAND...: one start of qemu-img fails or lies in one of these ways; in long sets each, in
# short ones any one in two ways, which are others for each operation.
disturb_programs()
{
    local row=$1 starts way name count

    shift
    starts=$(started 0 'exit 99' "$@")
    [ "$starts" -gt 0 ] || return 0
    for way in "${!PROGRAM_FAULTS[@]}"; do
        is_long || [ $(((way + ${#row}) % 3)) = 0 ] || continue
        name="$row, qemu-img ${PROGRAM_FAULTS[way]%%|*}"
        for count in $(if is_long; then seq "$starts"; else echo $((way % starts + 1)); fi); do
            started "$count" "${PROGRAM_FAULTS[way]#*|}" "$@" >/dev/null
            trial "$name"
            case $STATUS in
            0) finish_tree "$name" "start $count of $starts" after ;;
            3) finish_tree "$name" "start $count of $starts (status 3)" either ;;
            *) finish_tree "$name" "start $count of $starts (status $STATUS)" before ;;
            esac
        done
    done
}

# started AT SCRIPT COMMAND...: run COMMAND in a fresh case; SCRIPT is in the place of the qemu-img that is started as
# number AT. Prints how many were.
started()
{
    local at=$1 count=$SCRATCH/starts

    wrap_qemu_img "
number=\$(flock '$count.lock' bash -c 'echo >>\"\$1\"; wc -l <\"\$1\"' - '$count')
[ \"\$number\" = $at ] || exec \"\$REAL\" \"\$@\"
$2"
    shift 2
    : >"$count"
    case_fresh
    PATH=$BIN:$PATH run "$@" --sandbox=off
    wc -l <"$count"
}

# recover_shimmed NUMBER: a recovery that is killed at its call NUMBER, once the first victim is quite dead.
recover_shimmed()
{
    flock "$SHARED" true
    shim "$1" kill "$OFFSHOT" recover ./vm.xml
}

# disturb_again ROW COMMAND...: it is killed, then its recovery, then the recovery of that. Long sets kill it at each
# of its calls, and the recovery at some, which are others each time.
disturb_again()
{
    local row=$1 number count turn

    shift
    for number in $(if is_long; then sample "$CALLS"; else echo $((CALLS * 2 / 3)); fi); do
        case_fresh
        shim "$number" kill "$@"
        recover_shimmed 0
        count=$(shim_count)
        [ "$count" -gt 2 ] || continue
        for turn in $(turns "$((count - 1))" "$number"); do
            case_fresh
            shim "$number" kill "$@"
            recover_shimmed "$turn"
            recover_shimmed "$(((turn + 1) / 2))"
            trial "$row"
            finish_tree "$row" "kill at call $number of $CALLS, of recovery at $turn, then before" either
        done
    done
}

# turns COUNT NUMBER: a few numbers up to COUNT, which NUMBER moves.
turns()
{
    local step=$(($1 / 2 + 1))

    seq $((1 + $2 % step)) "$step" "$1"
}

# disturb_written ROW COMMAND...: it is killed, and before anybody recovers a guest starts, and writes to its disks.
disturb_written()
{
    local row=$1 number disk patterns

    shift
    for number in $(SAMPLES=2 sample "$CALLS"); do
        case_fresh
        shim "$number" kill "$@"
        flock "$SHARED" true
        patterns=()
        for disk in vda:0x77 vdb:0x78; do
            # what does not open is not started
            qemu-io -f "$(domain_format vm.xml "${disk%:*}")" -c "write -P ${disk#*:} 960k 64k" \
                "$(domain_source vm.xml "${disk%:*}")" >/dev/null 2>&1 || continue
            patterns+=("${disk#*:}")
        done
        [ "${#patterns[@]}" -gt 0 ] || continue
        trial "$row"
        run "$OFFSHOT" recover ./vm.xml
        case $STATUS in
        0 | 3)
            assert_written_kept "$row" "kill at call $number of $CALLS, then written (recover: $STATUS)" \
                "${patterns[@]}"
            ;;
        *) lost "$row" "kill at call $number of $CALLS, then written: recover ends with $STATUS" ;;
        esac
    done
}

# Whether a user knows of IMAGE: it has a plain name, or the recovery has told its other one.
is_shown()
{
    case ${1##*/} in
    .*) grep -qF "is kept as '$1'" "$STDERR" ;;
    esac
}

# Whether PATTERN, which a guest wrote, is in some image still, or in an internal snapshot of one.
is_kept()
{
    local image

    for image in "$CASE"/* "$CASE"/.*.offshot-*; do
        if [ -f "$image" ] && is_shown "$image" && holds_written "$image" "$1"; then return 0; fi
    done
    return 1
}

# assert_written_kept ROW WHAT PATTERN...: all that a guest wrote is there, and each snapshot that is there shows what
# it showed.
assert_written_kept()
{
    local row=$1 what=$2 pattern line

    shift 2
    for pattern; do
        is_kept "$pattern" || lost "$row" "$what: what was written is gone ($pattern)"
    done
    while IFS= read -r line; do
        grep -qxF "$line" <<<"${BEFORE['tree']}"$'\n'"${AFTER['tree']}" || is_new_and_told "$line" \
            || lost "$row" "$what: now there is: $line"
    done < <(tree_state | grep -E '^(s[0-9]+ vd[ab] |check [^0])')
}

# is_new_and_told LINE: it is of the snapshot that was being taken, and the recovery has said that it holds what was
# written since.
is_new_and_told()
{
    ! grep -q "^${1%% *} " <<<"${BEFORE['tree']}" && grep -q 'the snapshot holds what was written' "$STDERR"
}

# holds_written IMAGE PATTERN: in its active state or that of a tag.
holds_written()
{
    local format tag

    format=$(format_of "$1")
    written_is_in "$1" "$format" "$2" && return
    [ "$format" = qcow2 ] || return
    while IFS= read -r tag; do
        qemu-img convert -U -f qcow2 -l "snapshot.name=$tag" -O raw "$1" "$SCRATCH/tag.raw" 2>/dev/null \
            && written_is_in "$SCRATCH/tag.raw" raw "$2" && return
    done < <(qemu-img info -U --output=json "$1" | jq -r '.snapshots[]?.name')
    return 1
}

# written_is_in IMAGE FORMAT PATTERN
written_is_in()
{
    local said

    said=$(qemu-io -r -U -f "$2" -c "read -P $3 960k 64k" "$1" 2>/dev/null)
    case $said in
    *failed*) return 1 ;;
    *'read 65536/65536'*) return 0 ;;
    *) return 1 ;;
    esac
}
