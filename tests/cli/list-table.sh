#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The table of list: columns, --parent, --tree; the tree has each snapshot below its parent, and
# --from starts it anywhere.
. "${srcdir:?}/lib/lib.sh"

need qemu-img xmllint

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" list ./vm.xml
assert_stderr_empty
for n in s1 s2 s3; do
    ok "$OFFSHOT" create ./vm.xml "$n" --disk-only
done
# a branch: s1 is current again
ok "$OFFSHOT" create ./vm.xml --redefine --current --xml vm.snapshots/s1.xml
ok "$OFFSHOT" create ./vm.xml 'b 1' --disk-only

date=$(date -d "@$(xmllint --xpath 'string(//creationTime)' vm.snapshots/s1.xml)" '+%Y-%m-%d %H:%M:%S %z')
ok "$OFFSHOT" list ./vm.xml
grep -qE "^ *s1 +${date//+/\\+} +shutoff *$" "$STDOUT" || fail 'no line of s1'
assert_equal "$(wc -l <"$STDOUT")" 5 lines
ok "$OFFSHOT" list ./vm.xml --parent
grep -qE "^ *s2 .* shutoff +s1 *$" "$STDOUT" || fail 's2 without its parent'
grep -qE "^ *b 1 .* shutoff +s1 *$" "$STDOUT" || fail 'b 1 without its parent'
grep -qE "^ *s1 .* shutoff *$" "$STDOUT" || fail 's1 with a parent'
ok "$OFFSHOT" list ./vm.xml --tree -q
assert_equal "$(sed 's/ *20[0-9][0-9]-.*//' "$STDOUT")" $'s1\n├─b 1\n└─s2\n  └─s3' tree
ok env LC_ALL=C "$OFFSHOT" list ./vm.xml --tree -q
assert_equal "$(LC_ALL=C grep -c '[^ -~]' "$STDOUT")" 0 'lines that are not ASCII in the C locale'
ok "$OFFSHOT" list ./vm.xml --tree -q --from s2
assert_equal "$(sed 's/ *20[0-9][0-9]-.*//' "$STDOUT")" $'s2\n└─s3' 'tree from s2'
# names that would move the cursor or break the lines of a table are shown escaped, JSON has them as they are
sed 's,<name>s3</name>,<name>s&#10;3</name>,' vm.snapshots/s3.xml >"$SCRATCH/x" \
    && cat "$SCRATCH/x" >vm.snapshots/s3.xml
run "$OFFSHOT" list ./vm.xml -q
assert_equal "$(wc -l <"$STDOUT")" "$(grep -c shutoff "$STDOUT")" 'lines that are snapshots'
