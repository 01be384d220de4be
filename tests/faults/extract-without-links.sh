#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copies can be made where the file system has no hard links; and whatever takes the name of one meanwhile is not
# overwritten.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need strace qemu-io
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:"$CASE/a.qcow2"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
mkdir out
fixture_end
extract=("$OFFSHOT" extract ./vm.xml s1 -o out)

ROW='extract without hard links'
case_fresh
trial "$ROW"
run strace -qq -o /dev/null -e trace=link,linkat -e inject=link,linkat:error=EPERM "${extract[@]}"
assert_status 0
assert_equal "$(ls -A out)" vda.qcow2 copies
pattern_check out/vda.qcow2 qcow2 0x11 0 64k

ROW='extract, its name taken meanwhile'
case_fresh
trial "$ROW"
# shellcheck disable=SC2016 # for the wrapper
wrap_qemu_img '"$REAL" "$@" || exit
[ "$1" != convert ] || echo mine >out/vda.qcow2'
PATH=$BIN:$PATH run "${extract[@]}" --sandbox=off
assert_error 1 "'$CASE/out/vda.qcow2' was made by somebody else"
assert_equal "$(cat out/vda.qcow2)" mine 'what was there'
assert_equal "$(ls -A out)" vda.qcow2 files
assert_absent .vm.offshot

FOLLOW_UPS=(recover)
references "${extract[@]}"
kill_everywhere 'extract, killed' rename,renameat2,unlink,fsync,ftruncate,exit_group "${extract[@]}"
table
