#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Layers get the names that their files speak of: libvirt's overlays, those of scripts, frozen images of create
# --keep-filename and of Proxmox. Names that contradict each other, and chains of different depths, are left.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# chain IMAGE...: each on the one before, with something of its own in it.
chain()
{
    local image below=

    for image; do
        if [ -n "$below" ]; then
            make_image "$image" qcow2 1M -b "$PWD/$below" -F qcow2
        else
            make_image "$image" qcow2 1M
        fi
        pattern_write "$image" qcow2 "0x$((10 + $#))" "$((RANDOM % 8 * 64))k" 64k
        below=$image
    done
}

# adopted WANT [LEFT]: these are adopted, and those are left.
adopted()
{
    ok "$OFFSHOT" adopt ./vm.xml --json
    assert_equal "$(json '[.snapshots[] | .name] | join(" ")')" "$1" 'what is adopted'
    assert_equal "$(json '[.left[] | [.disk, .path, .tag] | map(tostring) | join(" ")] | join(",")' \
        | sed "s,$WORK/,,g")" "${2-}" 'what is left'
    ! compgen -G 'vm.snapshots/*.xml' >/dev/null || assert_snapshot_valid vm.snapshots/*.xml
}

chain a.qcow2 a.s1 a.s2
chain b.qcow2 b.s1 b.s2
make_domain vm vda:qcow2:a.s2 vdb:qcow2:b.s2
adopted 's1 s2'

start_over
chain a.qcow2 a-nightly.qcow2 a-weekly.qcow2
make_domain vm vda:qcow2:a-weekly.qcow2
adopted 'nightly weekly'

start_over
chain snap_vm-100-disk-0_one.qcow2 snap_vm-100-disk-0_two.qcow2 vm-100-disk-0.qcow2
chain snap_vm-100-disk-1_one.qcow2 snap_vm-100-disk-1_two.qcow2 vm-100-disk-1.qcow2
make_domain vm vda:qcow2:vm-100-disk-0.qcow2 vdb:qcow2:vm-100-disk-1.qcow2
adopted 'one two'

# names that were kept go on being kept
start_over
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
take s1 --disk-only --keep-filename
take s2 --disk-only --keep-filename
remember
ok "$OFFSHOT" delete ./vm.xml s1 --children --metadata
adopted 's1 s2'
assert_tree s1 s2
ok "$OFFSHOT" revert ./vm.xml s1
assert_equal "$(domain_source vm.xml vda)" "$WORK/a.qcow2" 'the active image'

start_over
chain a.qcow2 a.s1 a.s3
chain b.qcow2 b.s2 b.s3
make_domain vm vda:qcow2:a.s3 vdb:qcow2:b.s3
adopted s3 'vda a.qcow2 null,vdb b.qcow2 null'

start_over
chain a.qcow2 a.s1 a.s2
chain b.qcow2 b.s2
make_domain vm vda:qcow2:a.s2 vdb:qcow2:b.s2
run "$OFFSHOT" adopt ./vm.xml
assert_status 0
assert_stdout 'Domain vm: 1 snapshot adopted'
assert_stderr_contains "warning: disk 'vda', '$WORK/a.qcow2' is left as it is: other disks have fewer layers"
assert_equal "$(snapshot_names)" s2
run "$OFFSHOT" adopt ./vm.xml --quiet
assert_status 0
assert_stdout_empty
assert_stderr_empty
