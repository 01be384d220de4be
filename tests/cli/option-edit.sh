#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The command line of edit: which snapshot, what is printed as text and as JSON, and a dry run, which changes
# nothing and prints the plan of what was edited.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq xmllint

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
for name in s1 s2; do
    ok "$OFFSHOT" create ./vm.xml "$name" --disk-only
done
export TMPDIR=$SCRATCH EDITOR="sed -i 's,<state>,<description>new</description>&,'"

assert_refuses 2 domain "$OFFSHOT" edit
assert_refuses 2 --current "$OFFSHOT" edit ./vm.xml
assert_refuses 2 "'more'" "$OFFSHOT" edit ./vm.xml s1 more
assert_refuses 2 '--rename and --clone' "$OFFSHOT" edit ./vm.xml s1 --rename --clone
assert_refuses 4 "'none'" "$OFFSHOT" edit ./vm.xml none
assert_refuses 4 'other.xml' "$OFFSHOT" edit ./other.xml s1

# a dry run
before=$(snapshot_state "$WORK")
ok "$OFFSHOT" edit ./vm.xml s1 -n
assert_stdout_contains "$WORK/vm.snapshots/s1.xml"
ok "$OFFSHOT" edit ./vm.xml s1 -n --json
assert_equal "$(json '[.operation, (.steps | length)] | map(tostring) | join(" ")')" 'edit 2'
EDITOR="sed -i '/^  <name>s1/s/s1/new/'" ok "$OFFSHOT" edit ./vm.xml s1 -n --json --rename
assert_equal "$(json '.steps[] | select(.phase == "apply") | .kind + " " + .path' | sed "s,$WORK/,,")" \
    'replace vm.snapshots/s2.xml
unlink vm.snapshots/s1.xml
install vm.snapshots/new.xml'
EDITOR=true ok "$OFFSHOT" edit ./vm.xml s1 -n --json
assert_equal "$(json '[.operation, (.steps | length)] | map(tostring) | join(" ")')" 'edit 0'
EDITOR="sed -i '/<disks>/,/<.disks>/d'" assert_refuses 8 '<disks>' "$OFFSHOT" edit ./vm.xml s1 -n
assert_unchanged "$WORK" "$before"
assert_equal "$(find "$TMPDIR" -path "$TMPDIR/offshot-*" -name '*.xml' -printf x)" x 'texts that were kept'

# what is printed
EDITOR=true ok "$OFFSHOT" edit ./vm.xml s1
assert_stdout 'Snapshot s1 XML configuration not changed.'
EDITOR=true ok "$OFFSHOT" edit ./vm.xml s1 -q
assert_stdout_empty
EDITOR=true ok "$OFFSHOT" edit ./vm.xml s1 --json
assert_equal "$(json '.snapshots[] | .name + " " + (.description | tostring)')" 's1 null'
assert_unchanged "$WORK" "$before"
ok "$OFFSHOT" edit ./vm.xml s1 --json
assert_equal "$(json '.snapshots[] | .name + " " + (.description | tostring)')" 's1 new'
cp "$STDOUT" edited.json
ok "$OFFSHOT" info ./vm.xml s1 --json
assert_same_file "$STDOUT" edited.json
ok "$OFFSHOT" edit ./vm.xml --current
assert_stdout 'Snapshot s2 edited.'
export EDITOR="sed -i '/^  <name>s1/s/s1/new/'"
ok "$OFFSHOT" snapshot-edit --domain ./vm.xml --snapshotname s1 --rename -q
assert_stdout_empty
export EDITOR="sed -i '/^  <name>new/s/new/twin/'"
ok "$OFFSHOT" edit ./vm.xml new --clone --json
assert_equal "$(json '.snapshots[] | .name + " " + (.children | length | tostring)')" 'twin 0'
assert_snapshot_valid vm.snapshots/*.xml

# only what makes it current changes when nothing else is edited
cp vm.snapshots/new.xml before.xml
EDITOR=true ok "$OFFSHOT" edit ./vm.xml new --current
assert_stdout 'Snapshot new edited.'
diff <(sed 's,<active>0,<active>1,' before.xml) vm.snapshots/new.xml || fail 'more has changed'
EDITOR=true ok "$OFFSHOT" edit ./vm.xml new --current
diff <(sed 's,<active>0,<active>1,' before.xml) vm.snapshots/new.xml || fail 'it has changed'

# twice verbose: the editor, too
EDITOR='env true' ok "$OFFSHOT" edit ./vm.xml new -vv
grep -q "^offshot: run env true $TMPDIR/offshot-.*/new.xml$" "$STDERR" || fail 'the editor is not shown'

# errors as JSON, with the place of the text
EDITOR="sed -i '/<disks>/,/<.disks>/d'" run "$OFFSHOT" edit ./vm.xml new --json
assert_status 8
assert_equal "$(json '.error | [.code, .exit] | join(" ")')" 'refused 8'
assert_exists "$(json .error.message | sed -n "s/.*kept in '\(.*\)'$/\1/p")"
