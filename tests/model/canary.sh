#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The model test notices what it is there for: offshot, or its qemu-img, is replaced by one that does
# something wrong now and then, and some seed must say so, in the words of the comparison that is meant.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq

mkdir wrong
export CANARY REAL=$OFFSHOT
REAL_QEMU_IMG=$(command -v qemu-img)

# What the wrong programs share: $dir and $xml of the domain, $active its last active image.
cat >wrong/lib <<'LIB'
frozen()
{
    "$REAL" list "$xml" --json \
        | jq -r "first(.snapshots[].disks[] | select(.snapshot == \"$1\") | .frozen) // empty"
}
format_of()
{
    if [ "$(head -c 3 "$1")" = QFI ]; then echo qcow2; else echo raw; fi
}
# scribble IMAGE LENGTH: other data at its start.
scribble()
{
    [ ! -e "$1" ] || qemu-io -f "$(format_of "$1")" -c "write -P 238 0 $2" "$1" >/dev/null
}
# number IMAGE OFFSET: 64 bits, big-endian.
number()
{
    echo $((16#$(od -An -v -tx1 -j "$2" -N 8 "$1" | tr -d ' \n')))
}
# refcount IMAGE CLUSTER COUNT: as the first refcount block has it.
refcount()
{
    local at

    at=$(number "$1" "$(number "$1" 48)")
    printf '%b' "\\0\\0$3" | dd of="$1" bs=1 seek=$((at + 2 * $2)) conv=notrunc status=none
}
# leak IMAGE: one more cluster, which nothing uses.
leak()
{
    local clusters=$((($(stat -c %s "$1") + 65535) / 65536))

    truncate -s $(((clusters + 1) * 65536)) "$1"
    refcount "$1" "$clusters" 1
}
LIB

cat >wrong/offshot <<'WRONG'
#!/bin/bash
command=$1 xml=$2 dir=${2%/*}
. "${0%/*}/lib"
case "$CANARY $command" in
'idle revert' | 'idle delete' | 'idle flatten') exit 0 ;;
'forgotten list') "$REAL" "$@" | jq 'del(.snapshots[0])'; exit ;;
esac
"$REAL" "$@"
status=$?
case "$CANARY $status $command" in
'left-by-refusal 8 '*) : >"$dir/left" ;;
'late-refusal 0 delete' | 'late-refusal 0 revert') exit 8 ;;
'false-alarm 0 delete') exit 1 ;;
esac
[ "$status" = 0 ] || exit "$status"
mapfile -t sources < <(sed -n "s/.*<source file=['\"]\(.*\)['\"]\/>.*/\1/p" "$xml")
active=${sources[-1]}
case "$CANARY $command" in
'frozen delete' | 'frozen revert') scribble "$(frozen external)" 16384 ;;
'active delete' | 'active flatten') scribble "$active" 16384 ;;
'piece create') scribble "$active" 512 ;;
'base delete' | 'base revert') scribble "$dir/../templates/vda.base" 16384 ;;
'stray delete') : >"$dir/left" ;;
'journal revert') mkdir -p "$dir/.vm.offshot" && : >"$dir/.vm.offshot/journal" ;;
'current revert' | 'current delete') sed -i 's/<active>1/<active>0/' "$dir"/vm.snapshots/*.xml ;;
'parent delete') sed -i '/<parent>/,/<\/parent>/d' "$dir"/vm.snapshots/*.xml ;;
'record create') sed -i "s/<source file='/&\/elsewhere/" "$dir"/vm.snapshots/*.xml ;;
'refcount create') [ "$(format_of "$active")" = raw ] || refcount "$active" 0 0 ;;
'leak delete') [ "$(format_of "$active")" = raw ] || leak "$active" ;;
'lost-tag create')
    image=$(frozen internal)
    tag=$(qemu-img info --output=json "${image:-$active}" | jq -r '.snapshots[0].name // empty')
    [ -z "$tag" ] || qemu-img snapshot -d "$tag" "$image"
    ;;
'undo-tag revert') [ "$(format_of "$active")" != qcow2 ] || qemu-img snapshot -c undo "$active" ;;
'swap revert')
    if [ "${#sources[@]}" -gt 1 ]; then
        mv "$active" "$dir/swap"
        mv "${sources[0]}" "$active"
        mv "$dir/swap" "${sources[0]}"
    fi
    ;;
'definition revert') sed -i 's/<title>/&not /' "$xml" ;;
'comment revert') sed -i 's/kept by hand//' "$xml" ;;
'format delete')
    base=$(qemu-img info --output=json "$active" | jq -r '."backing-filename" // empty')
    [ -z "$base" ] || qemu-img rebase -u -F raw -b "$base" -f qcow2 "$active"
    ;;
'renamed create')
    mv "$active" "$active.other"
    sed -i "s|${active//|/\\|}|&.other|" "$xml"
    ;;
'extract extract') for image in "$dir"/../scratch/vd*; do scribble "$image" 16384; done ;;
esac
exit 0
WRONG

# Wrong without a message, exit 0. It gets nothing of the environment but PATH.
wrong_qemu_img()
{
    printf '#!/bin/bash\nCANARY=%q\nREAL_QEMU_IMG=%q\n' "$CANARY" "$REAL_QEMU_IMG"
    cat <<'WRONG'
case "$CANARY $1 $*" in
'commit commit '*) exit 0 ;;
'apply snapshot '*' -a '*) exit 0 ;;
'unsafe-rebase rebase '*) exec "$REAL_QEMU_IMG" rebase -u "${@:2}" ;;
esac
exec "$REAL_QEMU_IMG" "$@"
WRONG
}
chmod +x wrong/offshot

# noticed CANARY TEXT SEED...: with TEXT, by one of the seeds.
noticed()
{
    local text=$2 seed

    CANARY=$1
    shift 2
    wrong_qemu_img >wrong/qemu-img
    chmod +x wrong/qemu-img
    for seed; do
        rm -rf tree
        mkdir tree
        OFFSHOT=$PWD/wrong/offshot PATH=$PWD/wrong:$PATH run "${OFFSHOT_MODEL_TEST:?}" --seed "$seed" \
            --steps 20 "$PWD/tree"
        [ "$STATUS" != 0 ] || continue
        assert_status 1
        assert_stdout_contains FAULT
        assert_stdout_contains "$text"
        echo "$CANARY: seed $seed"
        return
    done
    fail "'$CANARY' was not noticed"
}

CANARY=none
wrong_qemu_img >wrong/qemu-img
chmod +x wrong/qemu-img
mkdir tree
OFFSHOT=$PWD/wrong/offshot PATH=$PWD/wrong:$PATH ok "${OFFSHOT_MODEL_TEST:?}" --seed 1 --steps 20 "$PWD/tree"

many=(1 2 3 4 5 6 7 8 9 10 11 12)
noticed frozen '0xee instead of' "${many[@]}"
noticed active '0xee instead of' "${many[@]}"
noticed piece 'no longer of one piece' "${many[@]}"
noticed base '0xee instead of' "${many[@]}"
noticed stray 'nothing needs' "${many[@]}"
noticed journal 'the journal is damaged' "${many[@]}"
noticed left-by-refusal 'and yet' {1..60}
noticed late-refusal 'refused, ' "${many[@]}"
noticed false-alarm 'exit 1' "${many[@]}"
noticed current 'not current' "${many[@]}"
noticed parent 'has the parent' "${many[@]}"
noticed record 'is missing' "${many[@]}"
noticed forgotten 'no snapshot' "${many[@]}"
noticed idle FAULT "${many[@]}"
noticed refcount 'qemu-img check' "${many[@]}"
noticed leak 'eaked' "${many[@]}"
noticed lost-tag 'in internal snapshot' "${many[@]}"
noticed undo-tag 'has an internal snapshot' "${many[@]}"
noticed swap 'instead of' "${many[@]}"
noticed definition 'the domain is' "${many[@]}"
noticed comment 'lost its comment' "${many[@]}"
noticed format 'that it is raw' "${many[@]}"
noticed renamed 'is missing' "${many[@]}"
noticed extract 'not what was at the snapshot' "${many[@]}"
noticed commit 'FAULT' "${many[@]}"
noticed apply 'FAULT' {1..60}
noticed unsafe-rebase 'FAULT' "${many[@]}"
