#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Entries of the store that are damaged, foreign, doubled, without their parent or in a cycle are
# reported on stderr; the rest is listed and stays as it is.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
for n in 1 2 3 4 5 6; do
    ok "$OFFSHOT" create ./vm.xml "s$n" --disk-only
done
store=vm.snapshots

head -c 100 "$store/s4.xml" >"$SCRATCH/x" && cat "$SCRATCH/x" >"$store/s4.xml"
: >"$store/empty.xml"
echo '<!DOCTYPE x><domainsnapshot/>' >"$store/doctype.xml"
echo 'text' >"$store/README"
mkdir "$store/directory"
ln -s nowhere "$store/dangling.xml"
mkfifo "$store/fifo"
head -c 1100000 /dev/zero >"$store/large.xml"
cp "$store/s1.xml" "$store/copy.xml"
# s2 and s3 become a cycle; s5 has lost its parent s4
sed -i 's,<parent>,<parent><!-- -->,; /<parent>/,/<\/parent>/s,<name>s1</name>,<name>s3</name>,' \
    "$store/s2.xml"
before=$(snapshot_state "$WORK")

ok "$OFFSHOT" list ./vm.xml --name
assert_equal "$(sort "$STDOUT")" $'s1\ns2\ns3\ns5\ns6' 'names'
for entry in s4.xml empty.xml doctype.xml README directory dangling.xml fifo large.xml; do
    assert_stderr_contains "$entry"
done
grep -E "s1.xml|copy.xml" "$STDERR" | grep -q s1 || fail 'the double of s1 is not reported'
assert_stderr_contains "'s4'"
grep -qiE 'cycle|itself' "$STDERR" || fail 'the cycle is not reported'
assert_equal "$(grep -cv '^offshot: ' "$STDERR")" 0 'lines that do not begin with offshot:'
[ "$(wc -l <"$STDERR")" -lt 20 ] || fail 'too much on stderr'
ok "$OFFSHOT" list ./vm.xml --tree -q
assert_stderr_empty
ok "$OFFSHOT" list ./vm.xml --json
assert_equal "$(json '.snapshots | map(.name) | sort | join(" ")')" 's1 s2 s3 s5 s6'
ok "$OFFSHOT" info ./vm.xml s5
ok "$OFFSHOT" dumpxml ./vm.xml s2
run "$OFFSHOT" info ./vm.xml s4
assert_status 4
assert_unchanged "$WORK" "$before"

# a name whose file is damaged is not free
run "$OFFSHOT" create ./vm.xml s4 --disk-only --diskspec vda,file=new
assert_status 8
assert_unchanged "$WORK" "$before"
# and a new snapshot leaves the foreign entries alone
ok "$OFFSHOT" create ./vm.xml s7 --disk-only
for entry in empty.xml doctype.xml README directory dangling.xml fifo large.xml copy.xml; do
    [ -e "$store/$entry" ] || [ -L "$store/$entry" ] || fail "'$entry' has gone"
done
ok "$OFFSHOT" parent ./vm.xml s7
assert_stdout s6
