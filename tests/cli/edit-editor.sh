#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The editor: which one, how it is started, what it is given, what happens to its file, signals meanwhile, and the
# question after a mistake, which is only asked on a terminal.
. "${srcdir:?}/lib/lib.sh"

need qemu-img perl script timeout

export TMPDIR=$SCRATCH/tmp
mkdir "$TMPDIR"
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only

# tool NAME: a program from stdin, $SCRATCH/NAME.
tool()
{
    { echo '#!/bin/bash'; cat; } >"$SCRATCH/$1"
    chmod +x "$SCRATCH/$1"
}

nothing_left()
{
    assert_equal "$(ls -A "$TMPDIR")" '' 'what is left'
}

edit=("$OFFSHOT" edit ./vm.xml s1)
describe="s,<description>.*</description>,,; s,<state>,<description>\$1</description>&,"
tool describe <<END
sed -i "$describe" "\${@: -1}"
END

described()
{
    ok "$OFFSHOT" info ./vm.xml s1
    assert_stdout_line "Description:    $1"
    nothing_left
}

# $VISUAL before $EDITOR, blank ones are none; words as in a shell, but no shell
ok env EDITOR="$SCRATCH/describe one" "${edit[@]}"
assert_stdout 'Snapshot s1 edited.'
ok "$OFFSHOT" dumpxml ./vm.xml s1
assert_stdout_contains '<description>one</description>'
ok env VISUAL="$SCRATCH/describe 'two words'" EDITOR=false "${edit[@]}"
ok "$OFFSHOT" dumpxml ./vm.xml s1
assert_stdout_contains '<description>two words</description>'
ok env VISUAL=' ' EDITOR="\"$SCRATCH/describe\" \$HOME;x" "${edit[@]}"
ok "$OFFSHOT" dumpxml ./vm.xml s1
assert_stdout_contains "<description>\$HOME;x</description>"
nothing_left

# what it is given: all that the snapshot says, secrets included, for nobody else to read
tool look <<END
stat -c '%a %a' "\$1" "\$(dirname "\$1")" >"$SCRATCH/modes"
umask >>"$SCRATCH/modes"
cp "\$1" "$SCRATCH/shown"
cp "\$1" "\$1~"
END
ok env EDITOR="$SCRATCH/look" "${edit[@]}"
assert_stdout 'Snapshot s1 XML configuration not changed.'
assert_equal "$(tr '\n' ' ' <"$SCRATCH/modes")" '600 600 700 700 0077 ' modes
assert_equal "$(cat "$SCRATCH/shown")" "$("$OFFSHOT" dumpxml ./vm.xml s1)" text
nothing_left

# editors that fail
before=$(snapshot_state "$WORK")
assert_refuses 1 "'false' failed with exit status 1" env EDITOR=false "${edit[@]}"
assert_refuses 1 "cannot run '/no/editor'" env EDITOR=/no/editor "${edit[@]}"
assert_refuses 2 'is no command' env EDITOR="'" "${edit[@]}"
assert_refuses 2 'there is no terminal for vi' env -u EDITOR -u VISUAL "${edit[@]}"
assert_refuses 1 'cannot make a directory' env TMPDIR=/no/where EDITOR=true "${edit[@]}"
nothing_left
tool broken <<END
"$SCRATCH/describe" lost "\$1"
exit 3
END
assert_refuses 1 'kept in' env EDITOR="$SCRATCH/broken" "${edit[@]}"
grep -q 'lost' "$TMPDIR"/offshot-*/s1.xml || fail 'the text is lost'
rm -r "$TMPDIR"/offshot-*

# SIGINT is the editor's affair; SIGTERM goes to it and ends the edit
tool interrupt <<END
kill -INT \$PPID
kill -QUIT \$PPID
exec "$SCRATCH/describe" interrupted "\$1"
END
ok env EDITOR="$SCRATCH/interrupt" "${edit[@]}"
nothing_left
tool terminate <<END
"$SCRATCH/describe" terminated "\$1"
kill -TERM \$PPID
exec sleep 100
END
run timeout 20 env EDITOR="$SCRATCH/terminate" "${edit[@]}"
assert_error 1 'stopped by a signal'
assert_stderr_contains 'kept in'
rm -r "$TMPDIR"/offshot-*
ok "$OFFSHOT" dumpxml ./vm.xml s1
assert_stdout_contains '<description>interrupted</description>'

# once the editor is done, and until all is planned: the file is removed, or kept when somebody worked on it
tool hold <<'END'
mkdir -pm 700 "$1"
exec perl -e '
    use Fcntl;
    sysopen(my $lock, "$ARGV[0]/lock", O_RDWR | O_CREAT, 0600) or die;
    # struct flock of Linux on 64 bits; 37 is F_OFD_SETLK
    my $whole = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
    fcntl($lock, 37, $whole) or die;
    print "held\n";
    close STDOUT;
    sleep 20;
' "$1"
END
tool slow-down <<END
coproc "$SCRATCH/hold" "$WORK/.vm.offshot"
read -r <&"\${COPROC[0]}"
(sleep 1; kill "-\$2" "\$PPID"; sleep 1; kill "\$COPROC_PID"; rm -r "$WORK/.vm.offshot") 2>/dev/null &
[ -z "\$1" ] || exec "$SCRATCH/describe" "\$1" "\$3"
END
for signal in INT TERM HUP; do
    SECONDS=0
    run env EDITOR="$SCRATCH/slow-down $signal $signal" "${edit[@]}" --lock-timeout=15
    [ "$SECONDS" -lt 10 ] || fail "SIG$signal does not end it"
    assert_error 1 'stopped by a signal'
    assert_stderr_contains 'kept in'
    grep -q "$signal" "$TMPDIR"/offshot-*/s1.xml || fail 'the text is lost'
    rm -r "$TMPDIR"/offshot-*
    wait_until [ ! -e .vm.offshot ]
done
run env EDITOR="$SCRATCH/slow-down '' INT" "${edit[@]}" --current --lock-timeout=15
assert_error 1 'stopped by a signal'
nothing_left

# on a terminal: the question, and what is answered. The second time the editor is given what it made before.
tool twice <<END
if grep -q '</domain>' "\$1"; then
    sed -i 's,</domain>,,' "\$1"
else
    sed -i 's,</domainsnapshot>,</domain>&,' "\$1"
    exec "$SCRATCH/describe" second "\$1"
fi
END

# on_terminal ANSWERS: what is typed, by line.
on_terminal()
{
    printf '%b' "$1" >"$SCRATCH/typed"
    run_with_input "$SCRATCH/typed" env EDITOR="$SCRATCH/twice" \
        timeout 20 script -qec "'$OFFSHOT' edit ./vm.xml s1" /dev/null
}

on_terminal 'n\n'
assert_status 2
assert_stdout_contains 'Try again? [y,n,?]: '
nothing_left
on_terminal '?\nn\n'
assert_status 2
assert_stdout_contains 'y - yes, start the editor again'
nothing_left
on_terminal ''
assert_status 2
assert_stdout_contains 'kept in'
rm -r "$TMPDIR"/offshot-*
on_terminal 'y\n'
assert_status 0
assert_stdout_contains 'Snapshot s1 edited.'
nothing_left
ok "$OFFSHOT" dumpxml ./vm.xml s1
assert_stdout_contains '<description>second</description>'
