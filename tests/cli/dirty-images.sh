#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An image that a killed QEMU did not close (lazy_refcounts) is repaired before a step changes it: qemu-img would
# do that by itself, and complain of what it found.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# dirty IMAGE PATTERN: written at the beginning by a QEMU that dies
dirty()
{
    (qemu-io -f qcow2 -c "write -P $2 0 64k" -c flush -c abort "$WORK/$1") >/dev/null 2>&1
    assert_equal "$(dirty_bit "$1")" 01 "dirty bit of '$1'"
}

# the last byte of the incompatible features
dirty_bit()
{
    od -An -tx1 -j79 -N1 "$1" | tr -d ' '
}

# settled IMAGE: by the last run, which said so
settled()
{
    assert_status 0
    assert_stderr_contains "image '$WORK/$1' was not closed by the program that wrote it last, and was repaired"
    assert_equal "$(dirty_bit "$1")" 00 "dirty bit of '$1'"
    assert_clean "$1" qcow2
}

make_image a.qcow2 qcow2 1M -o lazy_refcounts=on
make_domain vm vda:qcow2:a.qcow2

# internal snapshots: taken, gone back to, deleted
dirty a.qcow2 0x11
before=$(sha256sum a.qcow2)
run "$OFFSHOT" create ./vm.xml s1 --internal --dry-run
assert_status 0
assert_equal "$(sha256sum a.qcow2)" "$before" 'the image, after a dry run'
run "$OFFSHOT" create ./vm.xml s1 --internal
settled a.qcow2
dirty a.qcow2 0x22
run "$OFFSHOT" revert ./vm.xml s1
settled a.qcow2
pattern_check a.qcow2 qcow2 0x11 0 64k
dirty a.qcow2 0x33
run "$OFFSHOT" delete ./vm.xml s1
settled a.qcow2
pattern_check a.qcow2 qcow2 0x33 0 64k

# an overlay does not mind, and merges go on: the upper image, the lower, or both
# merge STRATEGY WHICH...
merge()
{
    local strategy=$1 image

    shift
    rm -rf vm.snapshots a.*
    make_image a.qcow2 qcow2 1M -o lazy_refcounts=on
    make_domain vm vda:qcow2:a.qcow2
    pattern_write a.qcow2 qcow2 0x11 128k 64k
    case " $* " in *' a.qcow2 '*) dirty a.qcow2 0x11 ;; esac
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only --overlay-options lazy_refcounts=on
    pattern_write a.s1 qcow2 0x22 64k 64k
    case " $* " in *' a.s1 '*) dirty a.s1 0x22 ;; esac
    run "$OFFSHOT" delete ./vm.xml s1 "--strategy=$strategy"
    assert_status 0
    image=$(domain_source vm.xml vda)
    pattern_check "$image" qcow2 0x22 64k 64k
    pattern_check "$image" qcow2 0x11 128k 64k
    assert_clean "$image" qcow2
}
for images in a.qcow2 a.s1 'a.qcow2 a.s1'; do
    # shellcheck disable=SC2086 # names
    merge commit $images
    # shellcheck disable=SC2086 # names
    merge rebase $images
done
ok "$OFFSHOT" create ./vm.xml s2 --disk-only --overlay-options lazy_refcounts=on
dirty a.s2 0x44
run "$OFFSHOT" flatten ./vm.xml
settled a.s2
pattern_check a.s2 qcow2 0x44 0 64k
pattern_check a.s2 qcow2 0x11 128k 64k
