#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A domain is named by path, by name or by UUID, at the places of the URI given, of
# $LIBVIRT_DEFAULT_URI, or of the user.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

root=$WORK/root
mkdir -p "$root/lib/qemu"
make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_embed_domain "$root" vm vda:qcow2:a.qcow2
make_embed_domain "$root" 'with blank' vda:qcow2:b.qcow2
uri="qemu:///embed?root=$root"
uuid=$(domain_uuid vm)

ok "$OFFSHOT" -c "$uri" create vm s1 --disk-only
ok "$OFFSHOT" create vm s2 --disk-only --connect "$uri"
ok "$OFFSHOT" --connect="$uri" create "$uuid" s3 --disk-only --json
assert_equal "$(json .domain.uuid)" "$uuid" UUID
ok "$OFFSHOT" -c "$uri" create "${uuid^^}" s4 --disk-only
ok env LIBVIRT_DEFAULT_URI="$uri" "$OFFSHOT" create --domain vm s5 --disk-only
ok "$OFFSHOT" -c "$uri" list vm --json
assert_equal "$(json '.snapshots | map(.name) | join(" ")')" 's1 s2 s3 s4 s5'
assert_equal "$(json '.domain.xml + " " + .domain.store')" "$root/etc/qemu/vm.xml $root/lib/qemu/snapshot/vm"
ok "$OFFSHOT" -c "$uri" create 'with blank' s1 --disk-only
assert_exists "$root/lib/qemu/snapshot/with blank/s1.xml"
# percent encoding in the URI
ok "$OFFSHOT" -c "qemu:///embed?root=${root//\//%2F}" current vm --name
assert_stdout s5
assert_equal "$(find "$root/lib/offshot" -type f)" '' 'files of offshot'

# qemu:///session
export XDG_CONFIG_HOME=$WORK/config XDG_STATE_HOME=$WORK/state XDG_RUNTIME_DIR=$WORK/run
mkdir -p "$XDG_CONFIG_HOME/libvirt/qemu" "$XDG_RUNTIME_DIR"
make_image c.qcow2 qcow2 1M
domain_xml mine vda:qcow2:c.qcow2 >"$XDG_CONFIG_HOME/libvirt/qemu/mine.xml"
ok "$OFFSHOT" -c qemu:///session create mine s1 --disk-only
assert_exists "$XDG_CONFIG_HOME/libvirt/qemu/snapshot/mine/s1.xml"
assert_chain "$WORK/c.s1" qcow2 "$WORK/c.qcow2"
assert_equal "$(find "$XDG_STATE_HOME" -type f)" '' 'files of offshot'
unset XDG_CONFIG_HOME
mkdir -p "$HOME/.config"
mv "$WORK/config/libvirt" "$HOME/.config/libvirt"
ok "$OFFSHOT" -c qemu:///session create mine s2 --disk-only
assert_exists "$HOME/.config/libvirt/qemu/snapshot/mine/s2.xml"
if [ "$(id -u)" != 0 ]; then
    ok "$OFFSHOT" current mine --name
    assert_stdout s2
fi
# a running one of the session
mkdir -p "$XDG_RUNTIME_DIR/libvirt/qemu/run"
echo $$ >"$XDG_RUNTIME_DIR/libvirt/qemu/run/mine.pid"
run "$OFFSHOT" -c qemu:///session create mine s3 --disk-only
assert_error 5 runs
assert_absent c.s3
