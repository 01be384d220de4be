#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each qemu-img call of a create fails once, in each way in which a program can fail or lie: exit 1 (6 when it
# says that space ran out), one line that tells why, and the state is that before, byte for byte.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

# What the one call does: way, exit code of offshot, fragment of the message, script. The script finds the
# new image in $TARGET.
# shellcheck disable=SC2016 # for the wrapper
ways=(
    'exit-1|1|no luck today|echo "qemu-img: no luck today" >&2; exit 1'
    'exit-1-silent|1|exit status 1|exit 1'
    'exit-1-behind-the-work|1|no luck today|"$REAL" "$@"; echo "qemu-img: no luck today" >&2; exit 1'
    'exit-127|1|exit status 127|exit 127'
    'killed|1|killed by signal 9|kill -9 $$'
    'killed-behind-the-work|1|killed by signal 15|"$REAL" "$@"; kill $$'
    'complains|1|all is lost|"$REAL" "$@"; echo "all is lost" >&2'
    'complains-of-space|6|No space left on device|"$REAL" "$@"; echo "No space left on device" >&2'
    'no-space|6|No space left on device|echo "qemu-img: x: No space left on device" >&2; exit 1'
    'quota|6|Disk quota exceeded|echo "qemu-img: x: Disk quota exceeded" >&2; exit 1'
    'makes-nothing|1||exit 0'
    'removes-it|1||rm -f "$TARGET"'
    'cut-short|1||"$REAL" "$@"; truncate -s 100 "$TARGET"'
    'no-image|1||echo "not an image, but long enough to be looked at" >"$TARGET"'
    'wrong-size|1||"$REAL" "${@:1:$#-1}" 512k'
    'no-backing|1||"$REAL" create -q -f qcow2 "$TARGET" 256k'
    'wrong-backing|1||"$REAL" create -q -u -f qcow2 -F raw -b "$PWD/vm.xml" "$TARGET" 256k'
    'wrong-backing-format|1||"$REAL" create -q -u -f qcow2 -F qed -b "$BACKING" "$TARGET" 256k'
    'wrong-format|1||"$REAL" create -q -u -f qed -F "$FORMAT" -b "$BACKING" "$TARGET" 256k'
)

# fixture DISKS FORMAT: every other disk is of FORMAT, the first qcow2.
fixture()
{
    local number format letter disks=()

    cd "$WORK" || exit 99
    rm -rf "$FIXTURE" "$CASE"
    fixture_begin
    for ((number = 0; number < $1; number++)); do
        format=qcow2
        [ $((number % 2)) = 0 ] || format=$2
        letter=$(printf %b "\\x$((61 + number))")
        make_image "disk-$letter.img" "$format" 256k
        disks+=("vd$letter:$format:$CASE/disk-$letter.img")
    done
    make_domain vm "${disks[@]}"
    fixture_end
}

# fail_each DISKS FORMAT OPTION...
fail_each()
{
    local total=$1 way code says script number letter row

    fixture "$total" "$2"
    shift 2
    FOLLOW_UPS=(list)
    references "$OFFSHOT" create ./vm.xml s1 --disk-only "$@"
    for ((number = 0; number < total; number++)); do
        letter=$(printf %b "\\x$((61 + number))")
        for way in "${ways[@]}"; do
            IFS='|' read -r way code says script <<<"$way"
            row="create ${*:+$* }$total disks: qemu-img $way"
            # shellcheck disable=SC2016 # for the wrapper
            wrap_qemu_img '
# the new image is named by the descriptor on which it is open
for word; do
    case $word in /proc/self/fd/*) TARGET=$(readlink "$word") ;; *) continue ;; esac
    case $TARGET in *".disk-'"$letter"'."*.offshot-*) break ;; esac
done
case $TARGET in *.offshot-*) ;; *) exec "$REAL" "$@" ;; esac
for ((i = 1; i < $#; i++)); do
    [ "${!i}" != -b ] || { i=$((i + 1)); BACKING=${!i}; }
    [ "${!i}" != -F ] || { i=$((i + 1)); FORMAT=${!i}; }
done
'"$script"
            case_fresh
            trial "$row"
            PATH=$BIN:$PATH run "$OFFSHOT" create ./vm.xml s1 --disk-only --sandbox=off "$@"
            if [ "$STATUS" != "$code" ]; then
                lost "$row" "disk $number: status $STATUS instead of $code"
            elif [ "$(grep -c '^offshot: ' "$STDERR")" != 1 ] || [ "$(wc -l <"$STDERR")" != 1 ]; then
                lost "$row" "disk $number: not one line on stderr"
            elif ! grep -qF -e "$says" "$STDERR"; then
                lost "$row" "disk $number: the message does not say: $says"
            fi
            compare "$row" "disk $number" nothing before
        done
    done
}

fail_each 2 raw
is_long || ways=("${ways[0]}" "${ways[4]}" "${ways[8]}" "${ways[10]}" "${ways[14]}")
fail_each 2 qcow2 --keep-filename
fail_each 8 raw

# qemu-img is not there, or is no program.
fixture 2 raw
references "$OFFSHOT" create ./vm.xml s1 --disk-only
mkdir "$SCRATCH/empty" "$SCRATCH/dead"
echo 'no program' >"$SCRATCH/dead/qemu-img"
for way in empty dead unreadable; do
    row="create 2 disks: qemu-img $way"
    [ "$way" != unreadable ] || chmod +x "$SCRATCH/dead/qemu-img"
    path=$SCRATCH/${way/unreadable/dead}
    case_fresh
    trial "$row"
    PATH=$path run "$OFFSHOT" create ./vm.xml s1 --disk-only
    [ "$STATUS" = 1 ] || lost "$row" "status $STATUS"
    grep -q '^offshot: .*qemu-img' "$STDERR" || lost "$row" 'the message does not name it'
    compare "$row" "$way" nothing before
done

table
