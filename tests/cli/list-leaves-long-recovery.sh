#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A reading command finishes or undoes what was interrupted only where that takes no work on images; otherwise it shows
# what there is, says what is due, and changes nothing.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io

make_image a.qcow2 qcow2 4M
pattern_write a.qcow2 qcow2 0x11 0 4M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 0 1M

# killed when the data is about to be moved
mkdir "$SCRATCH/bin"
cat >"$SCRATCH/bin/qemu-img" <<EOF
#!/bin/bash
case " \$* " in
*' rebase '*) kill -9 "\$PPID"; exit 1 ;;
esac
exec $(printf %q "$(command -v qemu-img)") "\$@"
EOF
chmod +x "$SCRATCH/bin/qemu-img"
run env PATH="$SCRATCH/bin:$PATH" "$OFFSHOT" flatten ./vm.xml --sandbox=off
assert_status 137
assert_exists .vm.offshot/journal

before=$(snapshot_state "$WORK")
for command in 'list ./vm.xml --name' 'current ./vm.xml --name' 'list ./vm.xml --name -q'; do
    # shellcheck disable=SC2086 # words
    ok "$OFFSHOT" $command
    assert_stdout s1
    case $command in
    *-q) assert_stderr_empty ;;
    *) assert_stderr_contains 'offshot recover' ;;
    esac
    assert_unchanged "$WORK" "$before"
done
ok "$OFFSHOT" recover ./vm.xml
grep -qE "^Interrupted operation 'flatten' (finished|undone)$" "$STDOUT" || fail 'not recovered'
assert_absent .vm.offshot/journal
pattern_check a.s1 qcow2 0x22 0 1M
pattern_check a.s1 qcow2 0x11 1M 3M
assert_clean a.s1 qcow2
ok "$OFFSHOT" list ./vm.xml --name
assert_stderr_empty
