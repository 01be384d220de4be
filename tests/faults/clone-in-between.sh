#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Somebody makes a clone of an image, between a crash and its recovery or while an operation runs, that nothing
# knew of when the plan was made. The clone goes on showing what it showed: what it stands on is neither
# removed nor changed nor replaced under its name.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io strace
need_plain_program

# tree: a - a.s1 - a.s2 - a.s3 (active), and the same of b.
tree()
{
    local turn disk

    fixture_begin
    make_image a.qcow2 qcow2 1M
    make_image b.qcow2 qcow2 1M
    make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:qcow2:"$CASE/b.qcow2"
    for turn in 1 2 3 4; do
        for disk in vda vdb; do
            pattern_write "$(domain_source vm.xml "$disk")" qcow2 "0x1$turn" "$((turn * 64))k" 128k
        done
        [ "$turn" = 4 ] || ok "$OFFSHOT" create ./vm.xml "s$turn" --disk-only
    done
    fixture_end
}

# make_clone IMAGE: ./clone stands on it; CONTENT is what it shows. False where nothing can be read there.
make_clone()
{
    [ -e "$1" ] && qemu-img create -q -f qcow2 -b "$1" -F qcow2 clone >"$SCRATCH/clone.said" 2>&1 || return
    CONTENT=$(shown clone qcow2)
    [ "$CONTENT" != 'not to be opened' ]
}

# recover: children of a killed offshot hold its locks until they are dead, too.
recover()
{
    local turn

    for ((turn = 0; turn < 100; turn++)); do
        run "$OFFSHOT" recover ./vm.xml
        [ "$STATUS" = 5 ] || break
        sleep 0.05
    done
}

# check_clone ROW WHAT: it shows what it did.
check_clone()
{
    [ "$(shown clone qcow2)" = "$CONTENT" ] || lost "$1" "$2: the clone shows something else"
}

# clones ROW IMAGE,... COMMAND...: kill COMMAND at sampled calls, clone one of the images, recover.
clones()
{
    local row=$1 number image what images

    IFS=, read -r -a images <<<"$2"

    shift 2
    tree_references "$@"
    for number in $(sample "$CALLS"); do
        for image in "${images[@]}"; do
            what="killed at call $number of $CALLS, clone of $image"
            case_fresh
            shim "$number" kill "$@"
            make_clone "$image" || continue
            trial "$row"
            recover
            check_clone "$row" "$what"
            case $STATUS in
            0) ! grep -qF "'$CASE/clone' has come to stand on" "$STDERR" || KEPT=$((KEPT + 1)) ;;
            3)
                KEPT=$((KEPT + 1))
                assert_error 3 "'$CASE/clone' has come to stand on '$CASE/"
                rm clone
                finish_tree "$row" "$what, which is gone" either
                continue
                ;;
            *) lost "$row" "$what: recover ends with $STATUS" ;;
            esac
            ok "$OFFSHOT" recover ./vm.xml
            assert_stdout_line 'Nothing to recover'
            [ ! -e .vm.offshot/journal ] || lost "$row" "$what: the journal is still there"
        done
    done
}

tree
export SAMPLES=6
KEPT=0
! is_long || set -- a.qcow2,a.s1,a.s2,a.s3,b.s2,b.s3
clones 'delete, committed' "${1-a.s2,b.s3}" "$OFFSHOT" delete ./vm.xml s3 --strategy=commit
clones 'delete in the middle, rebased' "${1-b.s1}" "$OFFSHOT" delete ./vm.xml s2 --strategy=rebase
[ "$KEPT" -gt 2 ] || fail "only $KEPT times something was kept"
clones 'revert to the first one' "${1-a.s3}" "$OFFSHOT" revert ./vm.xml s1
if is_long; then
    clones 'revert to the current one' "$1" "$OFFSHOT" revert ./vm.xml s3
    clones 'delete --children, rebased' "$1" "$OFFSHOT" delete ./vm.xml s2 --children --strategy=rebase
    clones 'delete --children, committed' "$1" "$OFFSHOT" delete ./vm.xml s1 --children --strategy=commit
fi

# just before the new overlay takes the name of one image, or of the other
case_fresh
strace -qq -o "$TRACE" -e trace=rename -e signal=none "$OFFSHOT" revert ./vm.xml s3 >/dev/null 2>&1
for image in a.s3 b.s3; do
    case_fresh
    at rename "$(grep -n "/$image\")" "$TRACE" | cut -d: -f1)" signal=KILL "$OFFSHOT" revert ./vm.xml s3
    assert_status 137
    make_clone b.s3 || fail "there is no clone"
    trial 'revert to the current one'
    recover
    check_clone 'revert to the current one' "killed before $image"
    assert_stderr_contains "'$CASE/clone' has come to stand on '$CASE/b.s3'"
    # it is too late when one of them was replaced
    if [ "$image" = a.s3 ]; then
        assert_stdout_line "Interrupted operation 'revert' undone"
        assert_absent .vm.offshot/journal
    else
        assert_error 3 "then run \`offshot recover\`"
        rm clone
        ok "$OFFSHOT" recover ./vm.xml
    fi
done

# killed_merging WHEN WORD STRATEGY: delete s3 is killed before or after its first qemu-img that has WORD, then b.s2
# gets a clone.
killed_merging()
{
    case_fresh
    pattern_write a.s3 qcow2 0x55 0 1M
    BEFOREHAND=$(tree_state)
    # shellcheck disable=SC2016 # for the wrapper
    wrap_qemu_img "$(printf 'WHEN=%q WORD=%q' "$1" "$2")"'
    case " $* " in *" $WORD "*)
        [ "$WHEN" = before ] || "$REAL" "$@"
        kill -KILL "$PPID"
        exit 1 ;;
    esac
    exec "$REAL" "$@"'
    PATH=$BIN:$PATH run "$OFFSHOT" delete ./vm.xml s3 "--strategy=$3" --sandbox=off
    assert_status 137
    make_clone b.s2 || fail 'there is no clone'
    trial 'delete, killed in its merges'
    recover
    check_clone 'delete, killed in its merges' "killed $1 its $2 ($3)"
}

# a.s3 is rebased and b.s3 committed, or both are committed: all is taken back as long as nothing of it is to be seen
for merging in 'before rebase auto' 'before commit commit'; do
    # shellcheck disable=SC2086 # words
    killed_merging $merging
    assert_status 0
    assert_stdout_line "Interrupted operation 'delete' undone"
    assert_stderr_contains "'$CASE/clone' has come to stand on '$CASE/b.s2'"
    rm clone
    assert_equal "$(tree_state)" "$BEFOREHAND" "state, killed $merging"
done
for merging in 'after rebase auto' 'before commit auto' 'after commit commit'; do
    # shellcheck disable=SC2086 # words
    killed_merging $merging
    assert_error 3 "'$CASE/clone' has come to stand on '$CASE/b.s2'"
    rm clone
    ok "$OFFSHOT" recover ./vm.xml
    assert_stdout_line "Interrupted operation 'delete' finished"
done

# an overlay that is to be taken back
case_fresh
strace -qq -o "$TRACE" -e trace=rename -e signal=none "$OFFSHOT" create ./vm.xml s4 --disk-only >/dev/null 2>&1
case_fresh
at rename "$(grep -n '/journal")' "$TRACE" | tail -n 1 | cut -d: -f1)" signal=KILL \
    "$OFFSHOT" create ./vm.xml s4 --disk-only
assert_status 137
make_clone b.s4 || fail "there is no clone"
trial 'create'
recover
assert_stdout_line "Interrupted operation 'create' undone"
assert_stderr_contains "'$CASE/b.s4' is left where it is"
check_clone create 'killed before the commit record'
assert_absent a.s4

# --- while it runs --------------------------------------------------------------------------------

# meanwhile WORD IMAGE COMMAND...: run COMMAND; before its first qemu-img that has WORD, a clone of IMAGE is made.
meanwhile()
{
    local word=$1 image=$2

    shift 2
    trial "while it runs: ${*:2}"
    CONTENT=$(shown "$image" qcow2)
    BEFOREHAND=$(tree_state)
    # -u: the image may not have its name just now
    # shellcheck disable=SC2016 # for the wrapper
    wrap_qemu_img "$(printf 'MADE=%q WORD=%q IMAGE=%q' "$SCRATCH/made" "$word" "$image")"'
    case " $* " in *" $WORD "*)
        ! mkdir "$MADE" 2>/dev/null || "$REAL" create -q -u -f qcow2 -b "$IMAGE" -F qcow2 clone 1M || exit ;;
    esac
    exec "$REAL" "$@"'
    rm -rf "$SCRATCH/made"
    PATH=$BIN:$PATH run "$@" --sandbox=off
    assert_equal "$(shown clone qcow2)" "$CONTENT" "content of the clone of $image"
}

# all_undone IMAGE: and the message says why.
all_undone()
{
    assert_error 8 "'$CASE/clone' has come to stand on '$CASE/$1'"
    rm clone
    assert_equal "$(tree_state)" "$BEFOREHAND" 'state'
}

# what can be taken back is
for target in s1 s3; do
    case_fresh
    meanwhile create b.s3 "$OFFSHOT" revert ./vm.xml "$target"
    all_undone b.s3
done

# a rebase of one disk, then a commit of the other
for image in b.s2 b.s3; do
    case_fresh
    pattern_write a.s3 qcow2 0x55 0 1M
    meanwhile rebase "$image" "$OFFSHOT" delete ./vm.xml s3
    all_undone "$image"
done

# what is to go stays
case_fresh
meanwhile rebase b.s1 "$OFFSHOT" delete ./vm.xml s2 --strategy=rebase
assert_status 0
assert_stderr_contains "'$CASE/b.s1' is kept, since '$CASE/clone' has come to stand on it"
assert_exists b.s1
assert_absent a.s1

# an image that goes back
rm -rf "$FIXTURE" "$CASE"
fixture_begin
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2"
ok "$OFFSHOT" create ./vm.xml s1 --internal
pattern_write a.qcow2 qcow2 0x22 0 128k
fixture_end
case_fresh
meanwhile -c a.qcow2 "$OFFSHOT" revert ./vm.xml s1
all_undone a.qcow2

# an image whose name goes to its overlay
case_fresh
meanwhile create a.qcow2 "$OFFSHOT" create ./vm.xml s2 --disk-only --keep-filename
all_undone a.qcow2
table
