#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Extracted disks are standalone images with the state of their snapshot, external or internal, and nothing
# else changes.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# redefine NAME MODE...: record snapshot NAME of ./vm.xml, with MODE for vda, vdb, ...
redefine()
{
    local name=$1 target=a mode disks=

    shift
    for mode; do
        disks+="<disk name='vd$target' snapshot='$mode'/>"
        target=$(tr a-y b-z <<<"$target")
    done
    cat >"$SCRATCH/$name.xml" <<EOF
<domainsnapshot><name>$name</name><state>shutoff</state><creationTime>1</creationTime>
<memory snapshot='no'/><disks>$disks</disks>
$(cat vm.xml)
</domainsnapshot>
EOF
    ok "$OFFSHOT" create ./vm.xml --redefine --xml "$SCRATCH/$name.xml"
}

# write_states IMAGE IMAGE N: the Nth state of both disks
write_states()
{
    pattern_write "$1" qcow2 "0x1$3" "${3}00k" 150k
    pattern_write "$2" qcow2 "0x2$3" "${3}00k" 150k
}

make_image base.raw raw 1M
pattern_write base.raw raw 0x0f 0 300k
make_image a.qcow2 qcow2 1M -b base.raw -F raw
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2

declare -A wanted

# inside: internal on both; mixed: internal on vdb; outside: external on both
write_states a.qcow2 b.qcow2 1
wanted[inside.a]=$(content_hash a.qcow2 qcow2) wanted[inside.b]=$(content_hash b.qcow2 qcow2)
for image in a b; do
    qemu-img snapshot -c inside $image.qcow2 || fail 'no tag'
done
redefine inside internal internal
write_states a.qcow2 b.qcow2 2
wanted[mixed.a]=$(content_hash a.qcow2 qcow2) wanted[mixed.b]=$(content_hash b.qcow2 qcow2)
qemu-img snapshot -c mixed b.qcow2 || fail 'no tag'
redefine mixed external internal
make_image a.mixed qcow2 1M -b a.qcow2 -F qcow2
sed "s/a.qcow2/a.mixed/" vm.xml >vm.new && mv vm.new vm.xml
write_states a.mixed b.qcow2 3
wanted[outside.a]=$(content_hash a.mixed qcow2) wanted[outside.b]=$(content_hash b.qcow2 qcow2)
ok "$OFFSHOT" create ./vm.xml outside --disk-only
write_states a.outside b.outside 4
before=$(snapshot_state "$WORK")

for snapshot in inside mixed outside; do
    for format in qcow2 raw; do
        out=$SCRATCH/$snapshot.$format
        mkdir "$out"
        ok "$OFFSHOT" extract ./vm.xml $snapshot -o "$out" --format $format
        assert_stdout "$out/vda.$format
$out/vdb.$format"
        assert_stderr_empty
        for disk in a b; do
            assert_chain "$out/vd$disk.$format" $format
            assert_equal "$(content_hash "$out/vd$disk.$format" $format)" "${wanted[$snapshot.$disk]}" "vd$disk at $snapshot"
        done
        [ $format = raw ] || assert_clean "$out/vda.qcow2" qcow2
        assert_equal "$(find "$out" -type f | wc -l)" 2 'number of files'
    done
done
assert_unchanged "$WORK" "$before"
