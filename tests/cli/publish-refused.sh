#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What publish does not do: tell half of an operation, or what libvirt would take for something else. When a
# command fails, nothing more is run.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

# a virsh that notes how it is called and fails where FAIL says so
mkdir bin
cat >bin/virsh <<'EOF'
#!/bin/bash
echo "$*" >>"$NOTES"
case "$*" in
*"${FAIL:-no such command}"*)
    printf 'error: Failed to do it\nerror: internal error: the \033[31mreason\n  <a>\n---^\n' >&2
    exit 1
    ;;
*' list '*) ;;
esac
echo "virsh's warning" >&2
EOF
chmod +x bin/virsh
export NOTES=$SCRATCH/notes
PATH=$WORK/bin:$PATH

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
ok "$OFFSHOT" create ./vm.xml s2 --disk-only

# the command line
assert_refuses 2 '--prune goes with --run' "$OFFSHOT" publish ./vm.xml --prune
assert_refuses 2 '--to takes a URI' "$OFFSHOT" publish ./vm.xml --to ''
assert_refuses 2 "unexpected argument 'more'" "$OFFSHOT" publish ./vm.xml more
assert_refuses 2 'give a domain' "$OFFSHOT" publish
assert_refuses 4 'there is no domain XML file' "$OFFSHOT" publish ./none.xml
assert_absent "$NOTES"

# where it goes
ok "$OFFSHOT" publish ./vm.xml
assert_stdout_contains "virsh -c qemu:///$([ "$(id -u)" = 0 ] && echo system || echo session) define"
ok env LIBVIRT_DEFAULT_URI=qemu+ssh://host/system "$OFFSHOT" publish ./vm.xml
assert_stdout_contains 'virsh -c qemu+ssh://host/system define'
ok "$OFFSHOT" -c test:///default publish ./vm.xml
assert_stdout_contains 'virsh -c test:///default define'
ok "$OFFSHOT" -c test:///default publish ./vm.xml --to test:///x
assert_stdout_contains 'virsh -c test:///x define'
assert_absent "$NOTES"

# virsh fails, for what it says last
FAIL=list assert_refuses 1 "'virsh list' failed: internal error: the \\x1b[31mreason" "$OFFSHOT" publish ./vm.xml --run
assert_equal "$(wc -l <"$NOTES")" 1 'calls of virsh'
rm "$NOTES"
FAIL=s1.xml assert_refuses 1 "command 2 of 3: 'virsh snapshot-create' failed" "$OFFSHOT" publish ./vm.xml --run
assert_equal "$(sed 's/.*vm\./vm./' "$NOTES" | tail -n 2 | tr '\n' ' ')" 'vm.xml vm.snapshots/s1.xml --redefine ' \
    'what virsh was told'
rm "$NOTES"
ok "$OFFSHOT" publish ./vm.xml --run
assert_equal "$(wc -l <"$STDOUT")" 3 commands
rm bin/virsh "$NOTES"
if PATH=$WORK/bin:/nowhere command -v virsh >/dev/null; then
    fail 'there is still a virsh'
fi
assert_refuses 1 "'virsh'" env PATH="$WORK/bin" "$OFFSHOT" publish ./vm.xml --run

# half of an operation
cat >bin/qemu-img <<'EOF'
#!/bin/bash
kill -9 $PPID
EOF
chmod +x bin/qemu-img
run "$OFFSHOT" create ./vm.xml s3 --disk-only --sandbox=off
assert_status 137
rm bin/qemu-img
for options in '' --json --run '--run --dry-run'; do
    # shellcheck disable=SC2086 # words
    run "$OFFSHOT" publish ./vm.xml $options
    assert_status 3
    cat "$STDOUT" "$STDERR" | grep -qF 'offshot recover' || fail 'no way on'
done
ok "$OFFSHOT" recover ./vm.xml
ok "$OFFSHOT" publish ./vm.xml
assert_equal "$(wc -l <"$STDOUT")" 3 commands

# a domain that cannot be told apart, and snapshots that libvirt would not take
sed -i '/<uuid>/d' vm.xml
assert_refuses 8 'no <uuid>' "$OFFSHOT" publish ./vm.xml
make_domain vm vda:qcow2:a.qcow2
sed -i "s|</devices>|<interface type='user'/></devices>|" vm.xml
assert_refuses 8 'without <mac>' "$OFFSHOT" publish ./vm.xml
make_domain vm vda:qcow2:a.qcow2
rm vm.snapshots/s1.xml
run "$OFFSHOT" publish ./vm.xml
assert_status 7
assert_stderr_contains "names a parent 's1'"
assert_stdout_empty
