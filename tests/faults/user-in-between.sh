#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Between a crash and its recovery users help themselves: they remove, move, edit, write and replace what
# lies around. The recovery ends all the same (what it says to do, if anything, is enough), and no disk
# loses what its guest had written.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace xmllint qemu-io
need_plain_program

declare -A POINT

# fixture SUFFIX OPTION...: two disks, and where the create with these OPTIONS does what; $create is it.
fixture()
{
    local suffix=$1

    shift
    cd "$WORK" || exit 99
    rm -rf "$FIXTURE" "$CASE"
    fixture_begin
    make_image "a.$suffix" qcow2 256k
    make_image "b.$suffix" qcow2 256k
    pattern_write "a.$suffix" qcow2 0x11 0 64k
    pattern_write "b.$suffix" qcow2 0x22 0 64k
    make_domain vm vda:qcow2:"$CASE/a.$suffix" vdb:qcow2:"$CASE/b.$suffix"
    fixture_end
    create=("$OFFSHOT" create ./vm.xml s1 --disk-only "$@")
    case_fresh
    strace -qq -o "$TRACE" -e trace=link,rename,renameat2,unlink -e signal=none "${create[@]}" \
        >/dev/null 2>&1 || fail "'${create[*]}' fails"
    AFTERWARDS=$(case_state)
    POINT=()
    learn link '^link[(]'
    learn domain '^rename[(].*, "[^"]*/vm[.]xml"'
    learn image '^rename[(].*, "[^"]*/a[.]qcow2"'
    learn second-image '^rename[(].*, "[^"]*/b[.]qcow2"'
    learn install '^renameat2[(].*/s1[.]xml"'
    learn temporary '^unlink[(]".*/[.]a[.]s1[.]offshot-'
    learn end '^unlink[(]".*/journal"'
    # the commit record is the last journal that is written
    POINT[commit]=$(awk '/^rename[(]/ { n++; if (/[/]journal"[)]/) last = n } END { print "rename", last }' "$TRACE")
}

# learn NAME REGEX: the first call that matches, as "CALL N"; nothing when there is none.
learn()
{
    local found

    found=$(REGEX=$2 awk -F'(' '{ count[$1]++ } $0 ~ ENVIRON["REGEX"] { print $1, count[$1]; exit }' "$TRACE")
    [ -z "$found" ] || POINT[$1]=$found
}

# crash AT: a fresh case in which the create was killed just before what AT names.
crash()
{
    case_fresh
    at_point "$1" "${create[@]}"
}

# at_point AT COMMAND...
at_point()
{
    local where=${POINT[$1]-}

    shift
    [ -n "$where" ] || fail 'there is no such point'
    # shellcheck disable=SC2086 # a call and a number
    at $where signal=KILL "$@"
    assert_status 137
}

# active TARGET: the image that the domain XML names.
active()
{
    domain_source vm.xml "$1"
}

# No disk has lost anything.
guests_have_all()
{
    pattern_check "$(active vda)" qcow2 0x11 0 64k
    pattern_check "$(active vdb)" qcow2 0x22 0 64k
}

# Nothing is left to be done, nor are names that only offshot makes.
all_is_over()
{
    ok "$OFFSHOT" recover ./vm.xml
    assert_stdout_contains 'Nothing to recover'
    assert_absent .vm.offshot
    assert_equal "$(find . -name '.*.offshot-*')" '' 'temporary files'
}

# One recovery is enough.
ends()
{
    trial "${ROW:-by hand}"
    ok "$OFFSHOT" recover ./vm.xml
    cp "$STDERR" "$SCRATCH/recovery"
    all_is_over
    guests_have_all
}

# ends_as_before, ends_as_after: and the state is as if the create had never been, or was not disturbed.
ends_as_before()
{
    ends
    assert_equal "$(case_state)" "$BEFOREHAND" 'state'
    ok "${create[@]}"
    guests_have_all
}

ends_as_after()
{
    ends
    assert_equal "$(case_state)" "$AFTERWARDS" 'state'
}

# beforehand: remember the state before.
beforehand()
{
    case_fresh
    BEFOREHAND=$(case_state)
}

# foreign NAME: somebody else's file takes the name.
foreign()
{
    rm -f "$1"
    echo 'mine' >"$1"
}

is_foreign()
{
    assert_equal "$(cat "$1")" mine "'$1'"
}

# --- the name of a frozen image ----------------------------------------------------------------------

ROW='--keep-filename, frozen name'
fixture qcow2 --keep-filename
beforehand
for point in image second-image; do
    crash "$point"
    rm b.s1.qcow2
    ends_as_after
    crash "$point"
    mv b.s1.qcow2 moved
    ends
    assert_equal "$(rm moved && case_state)" "$AFTERWARDS" 'state but for the moved name'
done
crash image
rm a.s1.qcow2 b.s1.qcow2
ends_as_after
crash image
foreign a.s1.qcow2
ends
is_foreign a.s1.qcow2
assert_equal "$(rm a.s1.qcow2 && case_state)" "$BEFOREHAND" 'state but for the foreign file'

# when one image has been switched, the other must follow
crash second-image
foreign b.s1.qcow2
run "$OFFSHOT" recover ./vm.xml
assert_error 3 "'$CASE/b.s1.qcow2' was made by somebody else"
assert_stderr_contains 'put it aside'
is_foreign b.s1.qcow2
guests_have_all
mv b.s1.qcow2 aside
ends
assert_equal "$(rm aside && case_state)" "$AFTERWARDS" 'state but for what was put aside'

# what is still needed, and was moved away, has to come back
crash second-image
mkdir away
mv .b.qcow2.offshot-* away
run "$OFFSHOT" recover ./vm.xml
assert_error 3 'bring it back'
guests_have_all
mv away/.b.qcow2.offshot-* .
rmdir away
ends_as_after

# an image that the user replaced stays, and so does what it was
for point in image second-image; do
    crash "$point"
    cp b.qcow2 new && mv new b.qcow2
    run "$OFFSHOT" recover ./vm.xml
    [ "$STATUS" = 0 ] || { assert_error 3 'put it aside'; guests_have_all; }
done
crash image
cp a.qcow2 new && mv new a.qcow2
ends
crash end
cp a.qcow2 new && mv new a.qcow2
ends

# --- the name of an overlay, the domain XML ----------------------------------------------------------

ROW='create, overlay and domain XML'
fixture qcow2
beforehand
crash domain
rm a.s1
ends_as_after
crash domain
mv a.s1 moved
ends
assert_equal "$(rm moved && case_state)" "$AFTERWARDS" 'state but for the moved name'
crash domain
foreign a.s1
ends
is_foreign a.s1
assert_equal "$(rm a.s1 && case_state)" "$BEFOREHAND" 'state but for the foreign file'

# touched, edited in place, edited by renaming
for point in commit domain; do
    crash "$point"
    touch vm.xml
    case $point in
    commit) ends_as_before ;;
    domain) ends_as_after ;;
    esac
    for edit in 'cp vm.xml new && sed s/65536/131072/ new >vm.xml && rm new' 'sed -i s/65536/131072/ vm.xml'; do
        crash "$point"
        eval "$edit"
        cp vm.xml "$SCRATCH/edited"
        ends
        assert_same_file vm.xml "$SCRATCH/edited"
        assert_equal "$(sed -i s/131072/65536/ vm.xml && case_state)" "$BEFOREHAND" 'state but for the edit'
        ok "${create[@]}"
    done
done

# all was done but for the end: the edit stays, on the overlays
for options in '' --no-metadata; do
    # shellcheck disable=SC2086 # a word or none
    fixture qcow2 $options
    for edit in 'sed -i s/65536/131072/ vm.xml' 'cp vm.xml new && mv new vm.xml' 'touch vm.xml' \
        'rm -f vm.snapshots/s1.xml'; do
        crash end
        eval "$edit"
        cp vm.xml "$SCRATCH/edited"
        ends
        assert_same_file vm.xml "$SCRATCH/edited"
        assert_equal "$(active vda) $(active vdb)" "$CASE/a.s1 $CASE/b.s1" 'active images'
    done
done

# --- overlays that came to be used -------------------------------------------------------------------

ROW='create, overlay in use'
fixture qcow2
beforehand
for point in commit domain; do
    # written, and named by nothing
    crash "$point"
    pattern_write a.s1 qcow2 0x33 128k 64k
    if [ "$point" = commit ]; then
        ok "$OFFSHOT" list ./vm.xml
        pattern_check a.s1 qcow2 0x33 128k 64k
        assert_absent b.s1
        all_is_over
    fi
    ends
    pattern_check a.s1 qcow2 0x33 128k 64k

    # named by the domain XML, written
    crash "$point"
    sed -i 's,/a\.qcow2,/a.s1,' vm.xml
    pattern_write a.s1 qcow2 0x33 128k 64k
    ends
    assert_equal "$(active vda)" "$CASE/a.s1" 'active image'
    pattern_check a.s1 qcow2 0x33 128k 64k

    # named by it, not yet written
    crash "$point"
    sed -i 's,/a\.qcow2,/a.s1,' vm.xml
    ends
    assert_equal "$(active vda)" "$CASE/a.s1" 'active image'
done

# open: nothing is taken away while it is, not even by a command that reads
for point in commit domain; do
    crash "$point"
    [ "$point" = commit ] || echo >>vm.xml
    hold_image a.s1 qcow2
    run "$OFFSHOT" recover ./vm.xml
    assert_error 5 'a.s1'
    run "$OFFSHOT" list ./vm.xml
    run "${create[@]}"
    assert_status 5
    assert_exists a.s1
    release_images
    pattern_write a.s1 qcow2 0x33 128k 64k
    ends
    pattern_check a.s1 qcow2 0x33 128k 64k
done

# --- overlays that are not empty from the start ------------------------------------------------------

for options in '--diskspec vda,driver=qed' '--overlay-options extended_l2=on,preallocation=metadata' \
    '--overlay-options extended_l2=on,preallocation=full'; do
    ROW="create $options"
    # shellcheck disable=SC2086 # words
    fixture qcow2 $options
    beforehand
    for point in link commit domain; do
        crash "$point"
        cp vm.xml "$SCRATCH/original"
        [ "$point" != domain ] || echo >>vm.xml
        ends
        cp "$SCRATCH/original" vm.xml
        assert_equal "$(case_state)" "$BEFOREHAND" "state, killed at $point"
    done
    ok "${create[@]}"
done

# --- a second crash, while what is in use is left ----------------------------------------------------

ROW='create, recovery killed'
fixture qcow2
for point in commit domain; do
    for edit in 'echo >>vm.xml' 'sed -i "s,/a\.qcow2,/a.s1," vm.xml' \
        'pattern_write a.s1 qcow2 0x33 128k 64k; pattern_write b.s1 qcow2 0x33 128k 64k; echo >>vm.xml'; do
        crash "$point"
        eval "$edit"
        mapfile -t seconds < <(trace_points rename,unlink,rmdir "$OFFSHOT" recover ./vm.xml)
        [ "${#seconds[@]}" -gt 3 ] || fail "only ${#seconds[@]} calls"
        for second in "${seconds[@]}"; do
            n=$((${n--1} + 1))
            is_long || [ $((n % 4)) = 0 ] || continue
            crash "$point"
            eval "$edit"
            # shellcheck disable=SC2086 # a call and a number
            at $second signal=KILL "$OFFSHOT" recover ./vm.xml
            assert_status 137
            ends
            case $edit in pattern_write*) pattern_check b.s1 qcow2 0x33 128k 64k ;; esac
        done
    done
done

# --- everything else, everywhere ---------------------------------------------------------------------

# has_other_name FILE: somebody removing it loses nothing.
has_other_name()
{
    [ -e "$1" ] && [ "$(stat -c %h "$1")" -gt 1 ]
}

# What a user may do; false where it cannot be done, or would itself take away what is still needed.
meddle()
{
    case $1 in
    remove-link) has_other_name "$linked" && rm "$linked" ;;
    move-link) has_other_name "$linked" && mv "$linked" moved ;;
    replace-image) cp a.qcow2 new && mv new a.qcow2 ;;
    remove-store) [ -d vm.snapshots ] && rm -rf vm.snapshots ;;
    clean-up) [ "$point" != second-image ] && find . -maxdepth 1 -name '.*.offshot-*' -delete ;;
    clean-up-store) find . -maxdepth 1 -name '.vm.snapshots*.offshot-*' -delete ;;
    replace-domain) cp vm.xml new && mv new vm.xml ;;
    remove-snapshot) [ -e vm.snapshots/s1.xml ] && rm vm.snapshots/s1.xml ;;
    in-the-way) [ ! -e vm.snapshots/s1.xml ] && mkdir -p vm.snapshots/s1.xml ;;
    change-mode) chmod 600 a.qcow2 ;;
    link-image) ln a.qcow2 hard ;;
    esac
}

# follow_advice: recover; when the message says to put a file aside, do that and try again.
follow_advice()
{
    local tries path

    for tries in 1 2 3; do
        run "$OFFSHOT" recover ./vm.xml
        [ "$STATUS" = 3 ] || break
        path=$(sed -nE "s/.* '([^']*)' [^']*: put it aside.*/\1/p" "$STDERR")
        if [ ! -e "$path" ]; then
            fail "there is no '$path' to be put aside"
        fi
        mv "$path" "aside.$tries"
    done
    assert_status 0
}

meddle_everywhere()
{
    local point what number=0 tried=0

    for point in link commit domain image second-image install temporary end; do
        [ -n "${POINT[$point]-}" ] || continue
        for what in remove-link move-link replace-image remove-store clean-up clean-up-store replace-domain \
            remove-snapshot in-the-way change-mode link-image; do
            number=$((number + 1))
            case $what in
            remove-store | clean-up | replace-image) ;;
            *) is_long || [ $((number % 5)) = 0 ] || continue ;;
            esac
            crash "$point"
            meddle "$what" || continue
            trial "$ROW"
            tried=$((tried + 1))
            echo "$point, $what" >"$SCRATCH/meddled"
            follow_advice
            all_is_over
            guests_have_all
        done
    done
    [ "$tried" -gt 15 ] || fail "only $tried were tried"
    rm "$SCRATCH/meddled"
}

# shellcheck disable=SC2016 # for later
at_exit '[ ! -e "$SCRATCH/meddled" ] || { echo "meddled: $(cat "$SCRATCH/meddled")"; ls -Al "$CASE"; }'
ROW='create, anything'
linked=a.s1
fixture qcow2
meddle_everywhere
ROW='create --keep-filename, anything'
linked=a.s1.qcow2
fixture qcow2 --keep-filename
meddle_everywhere

table
