#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Signals in the middle of a create undo it and leave no process behind; what a VM does between a crash and
# the recovery is neither disturbed nor lost.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace qemu-io
need_plain_program

# fixture FORMAT: two disks.
fixture()
{
    cd "$WORK" || exit 99
    rm -rf "$FIXTURE" "$CASE"
    fixture_begin
    make_image a.img qcow2 256k
    make_image b.img "$1" 256k
    pattern_write a.img qcow2 0x11 0 64k
    pattern_write b.img "$1" 0x22 0 64k
    make_domain vm vda:qcow2:"$CASE/a.img" vdb:"$1":"$CASE/b.img"
    fixture_end
}

# wait_for COMMAND...: up to ten seconds until it succeeds.
wait_for()
{
    local turn

    for ((turn = 0; turn < 200; turn++)); do
        "$@" 2>/dev/null && return
        sleep 0.05
    done
    fail "waited in vain for: $*"
}

is_gone()
{
    ! kill -0 "$1" 2>/dev/null
}

# start_slow COMMAND...: run it behind, with a qemu-img that does its work and stays; $job is its process.
start_slow()
{
    rm -f "$SCRATCH"/child.*
    PATH=$BIN:$PATH "$@" --sandbox=off </dev/null >"$STDOUT" 2>"$STDERR" &
    job=$!
    LAST=$*
    wait_for test -e "$SCRATCH/child.b"
    wait_for test -e "$SCRATCH/child.a"
}

end_slow()
{
    STATUS=0
    { wait "$job" || STATUS=$?; } 2>/dev/null
}

assert_no_children()
{
    wait_for is_gone "$(cat "$SCRATCH/child.a")"
    wait_for is_gone "$(cat "$SCRATCH/child.b")"
}

# start_vm IMAGE FORMAT: a process that has the image open for writing, as a VM has; `vm` is its process.
start_vm()
{
    rm -f "$SCRATCH/vm.out" # what an earlier one has said there
    mkfifo "$SCRATCH/vm.in"
    qemu-io -f "$2" "$(absolute "$1")" <"$SCRATCH/vm.in" >"$SCRATCH/vm.out" 2>&1 &
    vm=$!
    exec 7>"$SCRATCH/vm.in"
    echo 'write -P 0x77 128k 64k' >&7
    wait_for grep -q wrote "$SCRATCH/vm.out"
}

stop_vm()
{
    exec 7>&-
    wait "$vm"
    rm "$SCRATCH/vm.in"
}

# --- signals -----------------------------------------------------------------------------------------

# shellcheck disable=SC2016 # for the wrapper
wrap_qemu_img '"$REAL" "$@" || exit
case " $* " in *" a.img "* | *" a.s1.img "*) name=a ;; *) name=b ;; esac
echo "$$" >"'"$SCRATCH"'/child.new.$name"
mv "'"$SCRATCH"'/child.new.$name" "'"$SCRATCH"'/child.$name"
exec sleep 60'
for options in '' --keep-filename; do
    fixture qcow2
    create=("$OFFSHOT" create ./vm.xml s1 --disk-only ${options:+"$options"})
    references "${create[@]}"
    for signal in INT TERM HUP; do
        row="create${options:+ $options}: SIG$signal"
        case_fresh
        trial "$row"
        # A job behind ignores SIGINT unless it is told not to, and one under nohup SIGHUP.
        start_slow env --default-signal=INT,HUP "${create[@]}"
        kill "-$signal" "$job"
        end_slow
        assert_error 1 ''
        compare "$row" "SIG$signal" nothing before
        assert_no_children
    done
    row="create${options:+ $options}: SIGKILL"
    case_fresh
    trial "$row"
    start_slow "${create[@]}"
    kill -KILL "$job"
    end_slow
    assert_status 137
    assert_no_children
    run_next "$row" SIGKILL list && compare "$row" SIGKILL list before
done

# nohup: what is ignored stays ignored.
row='create: SIGHUP, ignored'
case_fresh
trial "$row"
start_slow env --ignore-signal=HUP "${create[@]}"
kill -HUP "$job"
sleep 0.2
! is_gone "$job" || fail 'an ignored signal ended it'
kill "$(cat "$SCRATCH/child.a")" "$(cat "$SCRATCH/child.b")"
end_slow
assert_status 1
compare "$row" 'children killed' nothing before

# --- between crash and recovery ----------------------------------------------------------------------

# Calls of the create at which everything is committed: the last image is renamed, the domain XML is.
last_call()
{
    local call=$1

    shift
    points "$call" "$@" | tail -n 1
}

fixture qcow2
create=("$OFFSHOT" create ./vm.xml s1 --disk-only --keep-filename)
references "${create[@]}"
# The renames: journal, commit record, image a, image b.
last=$(last_call rename "${create[@]}")
assert_equal "$last" 'rename 4'

row='create --keep-filename, killed between the images: a VM runs'
case_fresh
trial "$row"
at rename 4 signal=KILL "${create[@]}"
assert_status 137
assert_exists a.s1.img
for image in a.img b.img; do
    start_vm "$image" qcow2
    state=$(snapshot_state "$CASE")
    for command in 'recover ./vm.xml' 'create ./vm.xml later --disk-only'; do
        # shellcheck disable=SC2086 # words
        run "$OFFSHOT" $command --lock-timeout=0
        assert_error 5 "$image"
        assert_unchanged "$CASE" "$state"
    done
    ok "$OFFSHOT" list ./vm.xml
    assert_stderr_contains interrupted
    assert_unchanged "$CASE" "$state"
    stop_vm
done
ok "$OFFSHOT" recover ./vm.xml
assert_absent .vm.offshot
pattern_check a.img qcow2 0x77 128k 64k
pattern_check b.img qcow2 0x77 128k 64k
pattern_check a.img qcow2 0x11 0 64k
pattern_check b.img qcow2 0x22 0 64k
assert_case_sound a.img:qcow2 a.s1.img:qcow2 b.img:qcow2 b.s1.img:qcow2

row='create --keep-filename, killed between the images: both written'
case_fresh
trial "$row"
at rename 4 signal=KILL "${create[@]}"
assert_status 137
pattern_write a.img qcow2 0x33 64k 64k
pattern_write b.img qcow2 0x44 64k 64k
ok "$OFFSHOT" recover ./vm.xml
assert_stderr_contains "b.img' was written after the operation was interrupted"
assert_absent .vm.offshot
pattern_check a.img qcow2 0x11 0 64k
pattern_check a.img qcow2 0x33 64k 64k
pattern_check b.img qcow2 0x22 0 64k
pattern_check b.img qcow2 0x44 64k 64k
# What a had frozen stayed as it was.
pattern_check a.s1.img qcow2 0 64k 64k
assert_case_sound a.img:qcow2 a.s1.img:qcow2 b.img:qcow2 b.s1.img:qcow2
assert_equal "$(ls -A)" "$(printf '%s\n' a.img a.s1.img b.img b.s1.img vm.snapshots vm.xml)" files

row='create --keep-filename, killed before the commit: both written'
case_fresh
trial "$row"
at rename 2 signal=KILL "${create[@]}"
assert_status 137
assert_exists a.s1.img
pattern_write a.img qcow2 0x33 64k 64k
pattern_write b.img qcow2 0x44 64k 64k
state=$(sha256sum a.img b.img)
ok "$OFFSHOT" recover ./vm.xml
assert_equal "$(sha256sum a.img b.img)" "$state" images
assert_equal "$(ls -A)" "$(printf '%s\n' a.img b.img vm.xml)" files

fixture raw
create=("$OFFSHOT" create ./vm.xml s1 --disk-only)
references "${create[@]}"
# The renames: journal, journal before the links, commit record, domain XML.
last=$(last_call rename "${create[@]}")
assert_equal "$last" 'rename 4'

row='create, killed before the domain XML changes: old images written'
case_fresh
trial "$row"
at rename 4 signal=KILL "${create[@]}"
assert_status 137
pattern_write a.img qcow2 0x33 64k 64k
pattern_write b.img raw 0x44 64k 64k
ok "$OFFSHOT" recover ./vm.xml
pattern_check a.s1 qcow2 0x33 64k 64k
pattern_check b.s1 qcow2 0x44 64k 64k
pattern_check b.s1 qcow2 0x22 0 64k
assert_absent .vm.offshot

row='create, killed before the domain XML changes: a VM runs'
case_fresh
trial "$row"
at rename 4 signal=KILL "${create[@]}"
assert_status 137
start_vm b.img raw
state=$(snapshot_state "$CASE")
run "$OFFSHOT" recover ./vm.xml
assert_error 5 b.img
assert_unchanged "$CASE" "$state"
stop_vm
ok "$OFFSHOT" recover ./vm.xml
pattern_check b.s1 qcow2 0x77 128k 64k

row='create, killed before the commit: a VM runs'
case_fresh
trial "$row"
at rename 2 signal=KILL "${create[@]}"
assert_status 137
start_vm b.img raw
# Undoing only takes names away that no VM knows.
ok "$OFFSHOT" recover ./vm.xml
stop_vm
assert_equal "$(ls -A)" "$(printf '%s\n' a.img b.img vm.xml)" files
pattern_check b.img raw 0x77 128k 64k

row='create, killed after the domain XML changed: a VM writes the overlay'
case_fresh
trial "$row"
at renameat2 1 signal=KILL "${create[@]}"
assert_status 137
start_vm a.s1 qcow2
ok "$OFFSHOT" recover ./vm.xml
stop_vm
all_files=$(printf '%s\n' a.img a.s1 b.img b.s1 vm.snapshots vm.xml)
assert_equal "$(ls -A)" "$all_files" files
pattern_check a.s1 qcow2 0x77 128k 64k
pattern_check a.s1 qcow2 0x11 0 64k

# --- what cannot be explained is left alone -----------------------------------------------------------

row='create, killed, another file in the way'
case_fresh
trial "$row"
at renameat2 1 signal=KILL "${create[@]}"
assert_status 137
echo mine >vm.snapshots/s1.xml
state=$(snapshot_state "$CASE")
run "$OFFSHOT" recover ./vm.xml
assert_error 3 s1.xml
assert_unchanged "$CASE" "$state"
rm vm.snapshots/s1.xml
ok "$OFFSHOT" recover ./vm.xml
compare "$row" 'put aside' nothing after

# Nothing of the operation could be seen yet, so it can still be undone.
row='create, killed, the domain XML replaced'
case_fresh
trial "$row"
at rename 4 signal=KILL "${create[@]}"
assert_status 137
cp vm.xml new.xml
echo '<!-- mine -->' >>new.xml
cp new.xml vm.xml.mine
mv new.xml vm.xml
ok "$OFFSHOT" recover ./vm.xml
assert_stdout_contains undone
assert_stderr_contains "vm.xml' was changed"
assert_same_file vm.xml vm.xml.mine
assert_equal "$(ls -A)" "$(printf '%s\n' a.img b.img vm.xml vm.xml.mine)" files

row='create, killed, the overlays named in the domain XML'
case_fresh
trial "$row"
at rename 4 signal=KILL "${create[@]}"
assert_status 137
sed -i 's/a\.img/a.s1/; s/b\.img/b.s1/; s/raw/qcow2/' vm.xml
ok "$OFFSHOT" recover ./vm.xml
assert_stdout_contains undone
assert_stderr_contains "a.s1' is left where it is"
assert_equal "$(ls -A)" "$(printf '%s\n' a.img a.s1 b.img b.s1 vm.xml)" files

row='create, killed, an overlay replaced'
case_fresh
trial "$row"
at renameat2 1 signal=KILL "${create[@]}"
assert_status 137
rm a.s1 .a.s1.offshot-*
echo mine >a.s1
ok "$OFFSHOT" recover ./vm.xml
assert_stderr_contains "a.s1' was moved or removed"
assert_equal "$(cat a.s1)" mine 'what somebody made'
assert_equal "$(ls -A)" "$all_files" files

row='create, killed, the journal damaged'
case_fresh
trial "$row"
at rename 4 signal=KILL "${create[@]}"
assert_status 137
echo '# more' >>.vm.offshot/journal
state=$(snapshot_state "$CASE")
for command in recover create; do
    run "$OFFSHOT" "$command" ./vm.xml --lock-timeout=0
    assert_error 3 journal
    assert_unchanged "$CASE" "$state"
done
ok "$OFFSHOT" list ./vm.xml
assert_stderr_contains journal
assert_unchanged "$CASE" "$state"

table
