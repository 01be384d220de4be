#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Chains that qemu-img made become snapshots: one for each layer of both disks, in the order of the chain, holding
# what the layers hold. No image is written, a second run finds nothing, and what is there can be worked with.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# layer IMAGE BACKING PATTERN OFFSET
layer()
{
    if [ -n "$2" ]; then
        make_image "$1" qcow2 2M -b "$PWD/$2" -F qcow2
    else
        make_image "$1" qcow2 2M
    fi
    pattern_write "$1" qcow2 "$3" "$4" 128k
}

# Three layers whose names say nothing, and a disk of its own; made at times of their own.
prepare()
{
    start_over
    layer sys0.qcow2 '' 0x11 0
    layer sysA.qcow2 sys0.qcow2 0x12 256k
    layer sysB.qcow2 sysA.qcow2 0x13 512k
    layer data0 '' 0x21 0
    layer data1 data0 0x22 256k
    layer data2 data1 0x23 512k
    make_image scratch.raw raw 1M
    touch -d @1700000000 sys0.qcow2 data0
    touch -d @1700000050 sysA.qcow2
    touch -d @1700000100 data1
    make_domain vm vda:qcow2:sysB.qcow2 vdb:qcow2:data2 vdc:raw:scratch.raw
    before=$(snapshot_state "$WORK")
}

adopt=("$OFFSHOT" adopt ./vm.xml)

# shown, and nothing is done
prepare
ok "${adopt[@]}" --dry-run
assert_equal "$(awk 'NR > 1 { print $1, $NF }' "$STDOUT" | tr '\n' ' ')" 'layer-1 shutoff └─layer-2 layer-1 ' 'what is shown'
assert_stderr_empty
assert_unchanged "$WORK" "$before"
ok "${adopt[@]}" -n --json
assert_equal "$(json '[.schema, .operation, (.snapshots | length), (.left | length)] | join(" ")')" '1 adopt 2 0'
assert_equal "$(json '[.steps[].kind] | unique | join(" ")')" 'install make-directory stage-file' 'kinds of steps'
assert_unchanged "$WORK" "$before"

ok "${adopt[@]}"
assert_stdout 'Domain vm: 2 snapshots adopted'
assert_stderr_empty
assert_snapshot_valid vm.snapshots/*.xml
assert_equal "$(snapshot_state "$WORK" | grep -v -e '\.offshot' -e snapshots -e layer-)" "$before" 'the images'
ok "$OFFSHOT" list ./vm.xml --json
assert_equal "$(json '.snapshots[] | [.name, .parent // "-", .current, .creation_time, .location,
    (.disks[] | .name, .snapshot, .frozen // "-", .overlay // "-")] | map(tostring) | join(" ")' | sed "s,$WORK/,,g")" \
    "layer-1 - false 1700000000 external vda external sys0.qcow2 sysA.qcow2 vdb external data0 data1 vdc no - -
layer-2 layer-1 true 1700000100 external vda external sysA.qcow2 sysB.qcow2 vdb external data1 data2 vdc no - -" 'what is listed'
ok "$OFFSHOT" info ./vm.xml layer-2
state=$(snapshot_state "$WORK")
ok "${adopt[@]}"
assert_stdout 'Domain vm has nothing to adopt'
assert_stderr_empty
assert_unchanged "$WORK" "$state"
ok "${adopt[@]}" --json
assert_equal "$(json '[.domain.name, (.snapshots | length), (.left | length)] | join(" ")')" 'vm 0 0'

# what the layers hold is what the snapshots hold
remember
pattern_check "$(snapshot_disks layer-1 | awk '/vda/ { print $4 }')" qcow2 0 256k 128k
pattern_check "$(snapshot_disks layer-2 | awk '/vda/ { print $4 }')" qcow2 0x12 256k 128k
ok "$OFFSHOT" extract ./vm.xml layer-1 -o "$WORK/out.qcow2" --disk vdb
pattern_check out.qcow2 qcow2 0x21 0 128k
pattern_check out.qcow2 qcow2 0 256k 128k
rm out.qcow2

# a snapshot follows, and one in the middle goes
take s3 --disk-only --diskspec vdc,snapshot=no
assert_equal "$(snapshot_text s3 /domainsnapshot/parent/name)" layer-2
remember
ok "$OFFSHOT" delete ./vm.xml layer-2
assert_tree layer-1 s3
assert_equal "$(snapshot_text s3 /domainsnapshot/parent/name)" layer-1

# back to what the lowest layer held
prepare
ok "${adopt[@]}"
remember
ok "$OFFSHOT" revert ./vm.xml layer-1
assert_equal "$(current)" layer-1
for target in vda vdb; do
    KNOWN["active $target"]=${KNOWN["layer-1 $target"]}
done
assert_tree layer-1 layer-2

# the lowest image of the chain may be a template: it goes only where that is asked for
prepare
ok "${adopt[@]}"
remember
base=$(sha256sum sys0.qcow2 data0)
ok "$OFFSHOT" delete ./vm.xml layer-1
assert_stderr_contains "'$WORK/sys0.qcow2' stays"
assert_stderr_contains '--strategy=commit'
assert_tree layer-2
assert_equal "$(sha256sum sys0.qcow2 data0)" "$base" 'the lowest images'
ok "$OFFSHOT" delete ./vm.xml layer-2
assert_tree
assert_equal "$(sha256sum sys0.qcow2 data0)" "$base" 'the lowest images'
prepare
ok "${adopt[@]}"
remember
ok "$OFFSHOT" delete ./vm.xml layer-1 --strategy=commit
assert_tree layer-2
assert_chain "$(domain_source vm.xml vda)" qcow2 "$WORK/sys0.qcow2"
