#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A qemu-img that does nothing and says that all is well: no disk loses anything by it, not in a later recovery either.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"
. "${srcdir:?}/lib/crash.sh"

need jq qemu-io
need_plain_program

fixture_begin
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:"$CASE/a.qcow2"
for turn in 1 2 3; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$turn" "$((turn * 64))k" 64k
    ok "$OFFSHOT" create ./vm.xml "s$turn" --disk-only
done
pattern_write "$(domain_source vm.xml vda)" qcow2 0x14 256k 64k
fixture_end

for words in 'delete ./vm.xml s3 --strategy=commit' 'delete ./vm.xml s1 --strategy=commit' \
    'delete ./vm.xml s3 --strategy=rebase' 'flatten ./vm.xml'; do
    # shellcheck disable=SC2016 # for the wrapper
    for kind in 'exit 0' 'case $1 in commit | rebase) exit 0 ;; *) exec "$REAL" "$@" ;; esac'; do
        trial "$words"
        case_fresh
        state=$(shown a.s3 qcow2)
        wrap_qemu_img "$kind"
        # shellcheck disable=SC2086 # words
        PATH=$BIN:$PATH run "$OFFSHOT" $words
        [ "$STATUS" != 0 ] || lost "$words" 'exit 0 though nothing was done'
        run "$OFFSHOT" recover ./vm.xml
        [ "$(shown "$(domain_source vm.xml vda)" qcow2)" = "$state" ] || lost "$words" 'the disk has lost its data'
    done
done
table
