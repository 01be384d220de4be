#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A template is no snapshot of the domains that stand on it. Whatever is adopted above it and deleted again, it and
# what others have on it stay as they are, byte for byte; so does one that nobody can tell from a layer.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# on IMAGE BACKING PATTERN
on()
{
    make_image "$1" qcow2 4M -b "$PWD/$2" -F qcow2
    pattern_write "$1" qcow2 "$3" 1M 256k
}

# shared DIRECTORY: vm and other stand on DIRECTORY/golden.qcow2, vm with two layers.
shared()
{
    start_over
    mkdir -p "$1"
    make_image "$1/golden.qcow2" qcow2 4M
    pattern_write "$1/golden.qcow2" qcow2 0x11 0 2M
    qemu-img snapshot -c released "$1/golden.qcow2"
    on vm.qcow2 "$1/golden.qcow2" 0x21
    on vm.s1 vm.qcow2 0x22
    on other.qcow2 "$1/golden.qcow2" 0x31
    make_domain vm vda:qcow2:vm.s1
    make_domain other vda:qcow2:other.qcow2
    others=$(stat -c '%i %s %y' "$1/golden.qcow2" other.qcow2; sha256sum "$1/golden.qcow2" other.qcow2)
}

# untouched DIRECTORY
untouched()
{
    assert_equal "$(stat -c '%i %s %y' "$1/golden.qcow2" other.qcow2; sha256sum "$1/golden.qcow2" other.qcow2)" \
        "$others" 'the template and what stands on it'
}

for directory in . templates; do
    for strategy in auto commit rebase; do
        shared "$directory"
        run "$OFFSHOT" adopt ./vm.xml
        assert_status 0
        assert_stderr_contains "golden.qcow2' is left as it is: it may be a template"
        assert_stderr_contains "internal snapshot 'released' is left as it is"
        remember
        assert_tree s1
        ok "$OFFSHOT" delete ./vm.xml s1 --strategy="$strategy"
        assert_tree
        untouched "$directory"
    done
done

# going back does not touch it either
shared templates
ok "$OFFSHOT" adopt ./vm.xml
ok "$OFFSHOT" revert ./vm.xml s1
ok "$OFFSHOT" delete ./vm.xml s1
untouched templates
pattern_check "$(domain_source vm.xml vda)" qcow2 0x21 1M 256k

# nothing stands on it, nor tells what it is: it is a layer, and stays nevertheless
start_over
make_image debian.qcow2 qcow2 4M
pattern_write debian.qcow2 qcow2 0x11 0 2M
on web.qcow2 debian.qcow2 0x21
make_domain vm vda:qcow2:web.qcow2
base=$(stat -c '%i %s %y' debian.qcow2; sha256sum debian.qcow2)
ok "$OFFSHOT" adopt ./vm.xml
remember
ok "$OFFSHOT" delete ./vm.xml layer-1
assert_stderr_contains "'$WORK/debian.qcow2' stays"
assert_tree
ok "$OFFSHOT" adopt ./vm.xml
ok "$OFFSHOT" revert ./vm.xml layer-1
ok "$OFFSHOT" delete ./vm.xml layer-1 --strategy=rebase
assert_equal "$(stat -c '%i %s %y' debian.qcow2; sha256sum debian.qcow2)" "$base" 'the base'
assert_chain "$(domain_source vm.xml vda)" qcow2 "$WORK/debian.qcow2"
