#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Two domains have one image, of which one runs at a time: neither takes internal snapshots of the other's, nor
# deletes one that both have.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io

# assert_tag: the image still holds s1, as it was
assert_tag()
{
    qemu-img convert -f qcow2 -l snapshot.name=s1 -O raw a.qcow2 "$SCRATCH/s1" || fail 's1 is gone'
    pattern_check "$SCRATCH/s1" raw 0x11 0 64k
}

make_image a.qcow2 qcow2 1M
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --internal
make_domain vn vda:qcow2:a.qcow2
pattern_write a.qcow2 qcow2 0x22 0 64k
ok "$OFFSHOT" adopt ./vn.xml
assert_stdout_line 'Domain vn has nothing to adopt'
assert_stderr_contains "internal snapshot 's1' is left as it is: nothing shows that the image is this domain's own"
assert_absent vn.snapshots

# adopted before that was looked at
mkdir vn.snapshots
sed "s/>vm</>vn</; s/$(domain_uuid vm)/$(domain_uuid vn)/" vm.snapshots/s1.xml >vn.snapshots/s1.xml
for domain in vm vn; do
    other=$([ $domain = vm ] && echo vn || echo vm)
    assert_refuses 8 "snapshot 's1' of domain '$other' is kept in it as well" "$OFFSHOT" delete ./$domain.xml s1
done
assert_tag
ok "$OFFSHOT" delete ./vn.xml s1 --metadata
assert_tag
ok "$OFFSHOT" delete ./vm.xml s1
assert_equal "$(qemu-img snapshot -l a.qcow2)" '' 'tags of a.qcow2'

# where nobody else is, nothing is in the way
rm vn.xml
qemu-img snapshot -c s2 a.qcow2
ok "$OFFSHOT" adopt ./vm.xml
assert_stdout_line 'Domain vm: 1 snapshot adopted'
