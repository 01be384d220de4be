#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A domain XML file that libvirt keeps is not taken by its path, where another store, lock and
# journal would belong to it: the message names the URI. One that lies under a wrong name is refused
# by its name as well.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

root=$WORK/root
uri="qemu:///embed?root=$root"
config=$root/etc/qemu
make_image a.qcow2 qcow2 1M
make_embed_domain "$root" vm vda:qcow2:a.qcow2
mkdir -p "$root/lib/qemu"
ok "$OFFSHOT" -c "$uri" create vm s1 --disk-only

# path_refused PATH: every command that changes anything
path_refused()
{
    local path=$1

    assert_refuses 8 "-c '$uri'" "$OFFSHOT" create "$path" s2 --disk-only
    assert_refuses 8 "-c '$uri'" "$OFFSHOT" create "$path" s2 --disk-only --keep-filename
    assert_refuses 8 "-c '$uri'" "$OFFSHOT" -c "$uri" create "$path" s2 --disk-only
    assert_refuses 8 "-c '$uri'" "$OFFSHOT" recover "$path"
}

path_refused "$config/vm.xml"
ln -s root/etc other
path_refused other/qemu/vm.xml
path_refused root/../root/etc/qemu/vm.xml
(cd "$config" && run "$OFFSHOT" create ./vm.xml s2 --disk-only && assert_error 8 "-c '$uri'") || exit 1
(cd "$config" && run "$OFFSHOT" create vm.xml s2 --disk-only && assert_error 8 "-c '$uri'") || exit 1
assert_equal "$(ls -A "$config")" vm.xml "what is in libvirt's directory"

# also before libvirt has a directory for the state
mkdir fresh
cp -R root/etc fresh
touch fresh/etc/qemu.conf
run "$OFFSHOT" create fresh/etc/qemu/vm.xml s2 --disk-only
assert_error 8 "-c 'qemu:///embed?root=$WORK/fresh'"
assert_equal "$(find fresh | LC_ALL=C sort)" $'fresh\nfresh/etc\nfresh/etc/qemu\nfresh/etc/qemu.conf\nfresh/etc/qemu/vm.xml' \
    files

# those of the session
export XDG_CONFIG_HOME=$HOME/config
mkdir -p "$XDG_CONFIG_HOME/libvirt/qemu"
cp "$config/vm.xml" "$XDG_CONFIG_HOME/libvirt/qemu"
assert_refuses 8 "-c 'qemu:///session'" "$OFFSHOT" create "$XDG_CONFIG_HOME/libvirt/qemu/vm.xml" s2 --disk-only
assert_equal "$(ls -A "$XDG_CONFIG_HOME/libvirt/qemu")" vm.xml "what is in the session's directory"

# a copy elsewhere, in whatever directory, is a file of the user
mkdir -p etc/qemu
cp "$config/vm.xml" etc/qemu/vm.xml
ok "$OFFSHOT" list etc/qemu/vm.xml --name
assert_stdout_empty
ok "$OFFSHOT" create etc/qemu/vm.xml s2 --disk-only --dry-run

# libvirt loads no file whose name is not its domain's
domain_xml other vda:qcow2:a.qcow2 >"$config/wrong.xml"
assert_refuses 7 "'other'" "$OFFSHOT" -c "$uri" create wrong s2 --disk-only
assert_refuses 4 "'other'" "$OFFSHOT" -c "$uri" create other s2 --disk-only
assert_absent "$root/lib/qemu/snapshot/wrong"
ok "$OFFSHOT" -c "$uri" create vm s2 --disk-only
ok "$OFFSHOT" -c "$uri" list vm --name
assert_stdout $'s1\ns2'
