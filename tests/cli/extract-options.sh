#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Where copies go and how they are made: --output, --disk, --compress, --json, --dry-run.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint jq

make_image a.qcow2 qcow2 4M
make_image b.raw raw 1M
pattern_write a.qcow2 qcow2 0x11 0 4M
pattern_write b.raw raw 0x22 0 1M
chmod 640 a.qcow2
make_domain vm vda:qcow2:a.qcow2 vdb:raw:b.raw
ok "$OFFSHOT" create ./vm.xml s --disk-only
pattern_write a.s qcow2 0x33 0 4M
pattern_write b.s qcow2 0x33 0 1M

# one disk into a file, whatever its name
ok "$OFFSHOT" extract ./vm.xml s --disk vda --output 'my copy, 1:2'
assert_stdout "$WORK/my copy, 1:2"
assert_same_content 'my copy, 1:2' qcow2 a.qcow2 qcow2
assert_mode 'my copy, 1:2' 640

# one disk into a directory, by a path that is not absolute
mkdir out
ok "$OFFSHOT" extract ./vm.xml s --disk vdb -o out/ --format raw
assert_same_file out/vdb.raw b.raw
assert_absent out/vda.raw

ok "$OFFSHOT" extract ./vm.xml s --disk vda -o small --compress
assert_same_content small qcow2 a.qcow2 qcow2
small=$(stat -c %s small) large=$(stat -c %s 'my copy, 1:2')
[ "$small" -lt "$((large / 4))" ] || fail "compressed: $small bytes, else $large"

before=$(snapshot_state "$WORK")
ok "$OFFSHOT" extract ./vm.xml s -o out --dry-run
assert_stdout_contains 'qemu-img convert'
assert_unchanged "$WORK" "$before"

ok "$OFFSHOT" extract ./vm.xml s -o out --json
assert_equal "$(json '.schema, (.disks[] | .name + " " + .path)' | tr '\n' '|')" \
    "1|vda $WORK/out/vda.qcow2|vdb $WORK/out/vdb.qcow2|"
pattern_check out/vda.qcow2 qcow2 0x11 0 4M
pattern_check out/vdb.qcow2 qcow2 0x22 0 1M
