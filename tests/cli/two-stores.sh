#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One domain with snapshots in two stores: those of the store that is not asked for are somebody else's, whether
# it is the default one, one that --store named before, or that of libvirt.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# one NAME: in a directory of its own
one()
{
    mkdir "$WORK/$1"
    cd "$WORK/$1" || exit 99
    mkdir -p x "$HOME/.config/libvirt/qemu"
    make_image a.qcow2 qcow2 4M
    pattern_write a.qcow2 qcow2 0x11 0 64k
    make_domain vm vda:qcow2:a.qcow2
}

# two COMMAND...: snapshots s1 and s2, made by COMMAND
two()
{
    ok "$@" s1 --disk-only
    pattern_write a.s1 qcow2 0x22 0 64k
    ok "$@" s2 --disk-only
    pattern_write a.s2 qcow2 0x33 0 64k
}

# left COMMAND...: COMMAND adopts nothing, since the store THEIRS has it all
left()
{
    ok "$@"
    assert_stdout_line 'Domain vm has nothing to adopt'
    assert_stderr_contains "'$PWD/a.s1 of snapshot 's2' in '$THEIRS'' stands on it as well"
}

one default
two "$OFFSHOT" create ./vm.xml
THEIRS=$PWD/vm.snapshots
left "$OFFSHOT" adopt --store "$PWD/x" ./vm.xml

one named
two "$OFFSHOT" create --store "$PWD/x" ./vm.xml
THEIRS=$PWD/x
left "$OFFSHOT" adopt ./vm.xml

# libvirt has it, and this is a dump
one libvirt
mv vm.xml "$HOME/.config/libvirt/qemu/vm.xml"
two "$OFFSHOT" -c qemu:///session create vm
cp "$HOME/.config/libvirt/qemu/vm.xml" dump.xml
THEIRS=$HOME/.config/libvirt/qemu/snapshot/vm
left "$OFFSHOT" adopt ./dump.xml
rm -r "$HOME/.config"

# --store was forgotten once: what the other store has keeps its name and its content
one forgotten
ok "$OFFSHOT" create --store "$PWD/x" ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 0 64k
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
ok "$OFFSHOT" delete --store "$PWD/x" ./vm.xml s1
pattern_check a.s1 qcow2 0x22 0 64k
assert_equal "$(xmllint --xpath 'string(//domain/devices/disk/source/@file)' vm.snapshots/s2.xml)" "$PWD/a.s1" \
    'frozen image of s2'

# the same the other way around; and it goes when the other store is gone
one around
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 0 64k
ok "$OFFSHOT" create --store x ./vm.xml s2 --disk-only
assert_equal "$(sed 1d .vm.offshot/stores)" "$PWD/x" 'the list of stores'
ok "$OFFSHOT" delete ./vm.xml s1
pattern_check a.s1 qcow2 0x22 0 64k
rm -r x
ok "$OFFSHOT" create ./vm.xml s3 --disk-only
assert_absent .vm.offshot/stores

# one store under two names is one
one linked
ln -s x y
two "$OFFSHOT" create --store "$PWD/x" ./vm.xml
ok "$OFFSHOT" delete --store "$PWD/y" ./vm.xml s2
assert_stderr_empty
ok "$OFFSHOT" delete --store "$PWD/y" ./vm.xml s1
assert_equal "$(find . -name 'a.*' | wc -l)" 1 'number of images'

one damaged
two "$OFFSHOT" create --store "$PWD/x" ./vm.xml
for text in '' 'offshot stores 2\n' 'offshot stores 1\nx\n' 'offshot stores 1\n/x' 'offshot stores 1\n/%%0\n'; do
    # shellcheck disable=SC2059 # it is a format
    printf "$text" >.vm.offshot/stores
    assert_refuses 7 "the list of stores '$PWD/.vm.offshot/stores' is damaged" \
        "$OFFSHOT" delete ./vm.xml s1 --store "$PWD/x"
done
