#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A base that lies in a directory of none of the disks may be a template for others: it is neither written nor
# removed, unless a commit into it is asked for.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

prepare()
{
    start_over
    mkdir templates disks
    make_image templates/golden.qcow2 qcow2 4M
    pattern_write templates/golden.qcow2 qcow2 0x11 0 2M
    make_domain vm vda:qcow2:templates/golden.qcow2
    # the first snapshot freezes the template itself
    for n in 1 2 3; do
        take "s$n" --disk-only --diskspec "vda,file=$WORK/disks/a.s$n"
    done
    remember
    golden=$(stat -c '%s %y' templates/golden.qcow2 && sha256sum templates/golden.qcow2)
}

check_untouched()
{
    assert_equal "$(stat -c '%s %y' templates/golden.qcow2 && sha256sum templates/golden.qcow2)" "$golden" template
}

prepare
ok "$OFFSHOT" delete ./vm.xml s1
assert_stderr_contains "'$WORK/templates/golden.qcow2' stays: no snapshot made"
assert_tree s2 s3
assert_files disks/a.s1 disks/a.s2 disks/a.s3 templates/golden.qcow2
check_untouched
ok "$OFFSHOT" delete ./vm.xml s2
assert_tree s3
check_untouched
ok "$OFFSHOT" delete ./vm.xml s3
assert_tree
check_untouched
assert_equal "$(find disks -type f | wc -l)" 1 'number of images'
assert_chain "$(domain_source vm.xml vda)" qcow2 "$WORK/templates/golden.qcow2"

# all at once
prepare
ok "$OFFSHOT" delete ./vm.xml s1 --children
assert_tree
check_untouched
assert_equal "$(find disks -type f | wc -l)" 1 'number of images'

# asked for
prepare
ok "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
assert_tree s2 s3
assert_files disks/a.s2 disks/a.s3 templates/golden.qcow2
assert_link disks/a.s2 "$WORK/templates/golden.qcow2"
