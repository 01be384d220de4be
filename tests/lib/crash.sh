# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests share that disturb operations on whole snapshot trees; source it behind lib.sh and faults.sh.
# lib/fault-shim.so, preloaded into offshot and its qemu-img, counts the calls of both that change something
# and makes one of them fatal or fail. Images may be laid out in many ways, so it is what they show that has
# to be as before the operation, or as after it.

: "${STATUS=}" "${CASE:?}" "${STDERR:?}"
SHIM=${OFFSHOT_FAULT_SHIM:?}
SHARED=$SCRATCH/shim

# shown IMAGE FORMAT [TAG]: a hash of what a guest would see, or why there is nothing to see.
shown()
{
    local source=("-f" "$2" "$1")

    [ -z "${3-}" ] || source=("-f" "$2" -l "snapshot.name=$3" "$1")
    if timeout 60 qemu-img convert -U -O raw "${source[@]}" "$SCRATCH/shown.raw" 2>"$SCRATCH/shown.err"; then
        sha256sum <"$SCRATCH/shown.raw" | cut -c1-16
    else
        echo 'not to be opened'
    fi
}

# What is in the case by what it shows. Names of overlays that a revert made end in the time; that is left out.
tree_state()
{
    (
        cd "$CASE" || exit 99
        "$OFFSHOT" list ./vm.xml --json >"$SCRATCH/list.json" 2>/dev/null || echo 'list fails'
        jq -r '.snapshots[] | [.name, .parent // "-", .current] | join(" ")' "$SCRATCH/list.json"
        active_state
        jq -r '.snapshots[] | .name as $name | .disks[] | select(.frozen)
            | [$name, .name, .snapshot, .frozen] | @tsv' "$SCRATCH/list.json" \
            | while IFS=$'\t' read -r name disk how path; do
                if [ "$how" = internal ]; then
                    echo "$name $disk $(shown "$path" qcow2 "$name")"
                else
                    echo "$name $disk $(shown "$path" "$(format_of "$path")")"
                fi
            done
        find . -mindepth 1 -printf '%y %m links=%n %P\n' | sed -E 's/\.1[0-9]{9}\b/.STAMP/' | LC_ALL=C sort
        find . -type f ! -name '*.xml' ! -path './.vm.offshot/*' | LC_ALL=C sort | while IFS= read -r path; do
            [ "$(format_of "$path")" = qcow2 ] || continue
            image_health "$path"
        done
    )
}

# Test images are qcow2 by their first bytes, or raw: no guest writes headers here.
format_of()
{
    if [ "$(head -c 3 "$1" | tr -d "\0")" = QFI ]; then echo qcow2; else echo raw; fi
}

# What the domain would start on.
active_state()
{
    local disk

    for disk in vda vdb; do
        echo "active $disk $(shown "$(domain_source vm.xml "$disk")" "$(domain_format vm.xml "$disk")")"
    done
}

image_health()
{
    local status=0

    qemu-img check -q -U "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"$PWD/${1#./}\"},\
\"backing\":null}" >/dev/null 2>&1 || status=$?
    echo "check $status $(qemu-img snapshot -U -l "$1" 2>/dev/null | awk 'NR > 2 { print $2 }' | LC_ALL=C sort \
        | tr '\n' ' ')${1#./} on $(image_info "$1" qcow2 '."backing-filename" // "nothing"')" \
        | sed -E 's/\.1[0-9]{9}\b/.STAMP/g'
}

# shim AT KIND COMMAND...: run COMMAND, an offshot or what minds no option of it, with the fault KIND at call AT of
# all. qemu-img is not confined: the shim in it uses a file that is none of its images, and kills offshot.
shim()
{
    local at=$1 kind=$2

    shift 2
    rm -f "$SHARED"
    truncate -s 64 "$SHARED"
    { FAULT_SHIM=$SHARED FAULT_AT=$at FAULT_KIND=$kind LD_PRELOAD=$SHIM run "$@" --sandbox=off; } 2>/dev/null
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
    done < <(cd "$CASE" && active_state)
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

# The numbers to try of N calls: all in long sets, else $SAMPLES of them, the last one always, where plans commit.
sample()
{
    local count=$1 step=1 number

    is_long || step=$((count / ${SAMPLES:-8} + 1))
    for ((number = count; number > 0; number -= step)); do
        echo "$number"
    done
}

# disturb ROW KIND COMMAND...: COMMAND with the fault KIND at each sampled call, then recovery.
disturb()
{
    local row=$1 kind=$2 number hits=0 allowed

    shift 2
    for number in $(sample "$CALLS"); do
        case_fresh
        shim "$number" "$kind" "$@"
        trial "$row"
        ! shim_hit || hits=$((hits + 1))
        allowed=either
        case $STATUS in
        # a signal that comes when all is done ends it like any program
        0 | 130 | 143) allowed=after ;;
        3 | 137) ;;
        *) allowed=before ;;
        esac
        [ "$kind" = kill ] || [ "$STATUS" != 137 ] || lost "$row" "call $number: offshot was killed"
        [ "$STATUS" = 137 ] || flock -n "$SHARED" true || lost "$row" "call $number: a child is left"
        finish_tree "$row" "$kind at call $number of $CALLS (status $STATUS)" "$allowed"
    done
    [ "$hits" -gt 1 ] || fail "$row: the fault happened only $hits times"
}

# disturb_all ROW COMMAND...: every kind of fault.
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
    [ "${NO_CHILDREN-}" = 1 ] || disturb_children "$row" "$@"
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
    ! is_long || [ "$CALLS" = 0 ] || disturb "$row, qemu-img hangs" hang timeout -s KILL 5 "$@"
    CALLS=$all
}

# recover_shimmed NUMBER: a recovery that is killed at its call NUMBER, once the first victim is quite dead.
recover_shimmed()
{
    flock "$SHARED" true
    shim "$1" kill "$OFFSHOT" recover ./vm.xml
}

# disturb_again ROW COMMAND...: it is killed, then its recovery, then the recovery of that.
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
        for turn in $(SAMPLES=2 sample "$((count - 1))"); do
            case_fresh
            shim "$number" kill "$@"
            recover_shimmed "$turn"
            recover_shimmed "$(((turn + 1) / 2))"
            trial "$row"
            finish_tree "$row" "kill at call $number of $CALLS, of recovery at $turn, then before" either
        done
    done
}

# disturb_written ROW COMMAND...: it is killed, and before anybody recovers a guest starts, and writes.
disturb_written()
{
    local row=$1 number image

    shift
    for number in $(SAMPLES=2 sample "$CALLS"); do
        case_fresh
        shim "$number" kill "$@"
        flock "$SHARED" true
        image=$(domain_source vm.xml vda)
        # what does not open is not started
        qemu-io -f "$(domain_format vm.xml vda)" -c 'write -P 0x77 960k 64k' "$image" >/dev/null 2>&1 || continue
        trial "$row"
        run "$OFFSHOT" recover ./vm.xml
        case $STATUS in
        0 | 3) assert_written_kept "$row" "kill at call $number of $CALLS, then written (recover: $STATUS)" ;;
        *) lost "$row" "kill at call $number of $CALLS, then written: recover ends with $STATUS" ;;
        esac
    done
}

# What the guest wrote is in some image still, or in an internal snapshot of one, and each snapshot that is there
# shows what it showed.
assert_written_kept()
{
    local image line kept=no

    for image in "$CASE"/*; do
        [ ! -f "$image" ] || ! holds_written "$image" || kept=yes
    done
    [ $kept = yes ] || lost "$1" "$2: what was written is gone"
    while IFS= read -r line; do
        grep -qxF "$line" <<<"${BEFORE['tree']}"$'\n'"${AFTER['tree']}" || lost "$1" "$2: now there is: $line"
    done < <(tree_state | grep -E '^(s[0-9]+ vd[ab] |check [^0])')
}

# holds_written IMAGE: in its active state or that of a tag.
holds_written()
{
    local format tag

    format=$(format_of "$1")
    written_is_in "$1" "$format" && return
    [ "$format" = qcow2 ] || return
    while IFS= read -r tag; do
        qemu-img convert -U -f qcow2 -l "snapshot.name=$tag" -O raw "$1" "$SCRATCH/tag.raw" 2>/dev/null \
            && written_is_in "$SCRATCH/tag.raw" raw && return
    done < <(qemu-img info -U --output=json "$1" | jq -r '.snapshots[]?.name')
    return 1
}

written_is_in()
{
    local said

    said=$(qemu-io -r -U -f "$2" -c 'read -P 0x77 960k 64k' "$1" 2>/dev/null)
    case $said in
    *failed*) return 1 ;;
    *'read 65536/65536'*) return 0 ;;
    *) return 1 ;;
    esac
}
