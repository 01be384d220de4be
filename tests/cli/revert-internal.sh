#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Going back to internal snapshots, there and back again: every disk shows what it showed, no snapshot changes, no
# undo tag is left, images are clean. Also after the image has grown, and for names that are numbers.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq xmllint

tags()
{
    image_info "$1" qcow2 '[.snapshots[]?.name] | join(" ")'
}

# assert_tag IMAGE TAG HASH: what the tag holds
assert_tag()
{
    qemu-img convert -f qcow2 -l "snapshot.name=$2" -O raw -- "$WORK/$1" "$SCRATCH/tagged.raw" || fail "no '$2'"
    assert_equal "$(sha256sum <"$SCRATCH/tagged.raw" | cut -d' ' -f1)" "$3" "'$2' in '$1'"
}

assert_state()
{
    assert_equal "$(content_hash a.qcow2 qcow2)" "${state[$1.a]}" "vda at $1"
    assert_equal "$(content_hash b.qcow2 qcow2)" "${state[$1.b]}" "vdb at $1"
    assert_clean a.qcow2 qcow2
    assert_clean b.qcow2 qcow2
    ok "$OFFSHOT" current ./vm.xml --name
    assert_stdout "$1"
}

declare -A state
make_image base.raw raw 2M
pattern_write base.raw raw 0x0f 0 1M
make_image a.qcow2 qcow2 2M -b base.raw -F raw -o cluster_size=4k
make_image b.qcow2 qcow2 2M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
cp vm.xml before.xml
for n in 1 2 3; do
    pattern_write a.qcow2 qcow2 "0x1$n" "$((n * 250 - 17))k" 300k
    pattern_write b.qcow2 qcow2 "0x2$n" "$((n * 250 - 17))k" 300k
    state[s$n.a]=$(content_hash a.qcow2 qcow2)
    state[s$n.b]=$(content_hash b.qcow2 qcow2)
    ok "$OFFSHOT" create ./vm.xml s$n --internal
done
inodes=$(stat -c '%i %h' a.qcow2 b.qcow2)

for target in s3 s1 s3 s2 s2 s1; do
    # what is given up
    pattern_write a.qcow2 qcow2 0xee 100k 900k
    pattern_write b.qcow2 qcow2 0xee 100k 900k
    ok "$OFFSHOT" revert ./vm.xml $target
    assert_stdout "Domain snapshot $target reverted"
    assert_stderr_empty
    assert_state $target
    assert_equal "$(tags a.qcow2) $(tags b.qcow2)" 's1 s2 s3 s1 s2 s3' tags
    for n in 1 2 3; do
        assert_tag a.qcow2 s$n "${state[s$n.a]}"
        assert_tag b.qcow2 s$n "${state[s$n.b]}"
    done
done
assert_same_file vm.xml before.xml
assert_equal "$(stat -c '%i %h' a.qcow2 b.qcow2)" "$inodes" 'inodes and links'
assert_equal "$(find . -type f | wc -l)" 8 'number of files'
assert_snapshot_valid vm.snapshots/*.xml

# the image was smaller then
qemu-img resize -q -f qcow2 "$WORK/a.qcow2" 3M || fail 'cannot resize'
ok "$OFFSHOT" revert ./vm.xml s2
assert_state s2
assert_equal "$(image_info a.qcow2 qcow2 '."virtual-size"')" 2097152 'virtual size'

# redefine NAME: record a snapshot of vda alone that somebody else took
redefine()
{
    qemu-img snapshot -c "$1" a.qcow2 || fail "cannot take '$1'"
    cat >"$SCRATCH/new.xml" <<EOF
<domainsnapshot><name>$1</name><state>shutoff</state><creationTime>1</creationTime><memory snapshot='no'/>
<disks><disk name='vda' snapshot='internal'/><disk name='vdb' snapshot='no'/></disks>
$(cat vm.xml)</domainsnapshot>
EOF
    ok "$OFFSHOT" create ./vm.xml --redefine --xml "$SCRATCH/new.xml"
}

# libvirt's default name, and one that is the number of another
ids=$(image_info a.qcow2 qcow2 '[.snapshots[].id] | join(" ")')
[[ " $ids " == *' 2 '* ]] || fail "no ID 2 in $ids"
for name in 1795378938 2; do
    want=$(content_hash a.qcow2 qcow2)
    other=$(content_hash b.qcow2 qcow2)
    redefine $name
    pattern_write a.qcow2 qcow2 0x77 0 64k
    ok "$OFFSHOT" revert ./vm.xml $name
    assert_equal "$(content_hash a.qcow2 qcow2)" "$want" "vda at $name"
    assert_equal "$(content_hash b.qcow2 qcow2)" "$other" 'the disk that is not covered'
    assert_clean a.qcow2 qcow2
done
assert_tag a.qcow2 s2 "${state[s2.a]}"
