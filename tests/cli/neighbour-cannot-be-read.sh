#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# XML of a domain beside, or of its snapshots, that we cannot read, and libvirt perhaps can: what it names stays.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint iconv

# one NAME: a.s2 is the active image of vm in a directory of its own
one()
{
    mkdir "$WORK/$1"
    cd "$WORK/$1" || exit 99
    make_image a.qcow2 qcow2 4M
    pattern_write a.qcow2 qcow2 0x11 0 64k
    make_domain vm vda:qcow2:a.qcow2
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only
    ok "$OFFSHOT" create ./vm.xml s2 --disk-only
    pattern_write a.s2 qcow2 0x55 0 64k
}

# revert keeps a.s2, which it would remove otherwise
stays()
{
    ok "$OFFSHOT" revert ./vm.xml s2
    assert_stderr_contains "image '$PWD/a.s2', which disk 'vda' had, is kept: other images stand on it"
    pattern_check a.s2 qcow2 0x55 0 64k
}

for how in latin1 doctype broken utf16 long; do
    one "$how"
    domain_xml other "vda:qcow2:a.s2" >other.xml
    case $how in
    latin1) sed -i "1s/^/<?xml version='1.0' encoding='ISO-8859-1'?>\n/" other.xml ;;
    doctype) sed -i '1s/^/<!DOCTYPE domain>\n/' other.xml ;;
    broken) sed -i 's/<vcpu/<<vcpu/' other.xml ;;
    utf16) iconv -f UTF-8 -t UTF-16 other.xml >new && mv new other.xml ;;
    long) printf '<!--%2000000s-->\n' '' >>other.xml ;;
    esac
    stays
done

# of a domain that cannot be read the snapshots can, and the other way around
for how in domain snapshot; do
    one "snapshots-$how"
    make_image other.qcow2 qcow2 4M
    make_domain other vda:qcow2:a.s2
    # one of them runs at a time, and the other one is elsewhere
    mv vm.xml "$SCRATCH"
    ok "$OFFSHOT" create ./other.xml o1 --disk-only --diskspec "vda,file=$PWD/o.qcow2"
    mv "$SCRATCH/vm.xml" .
    make_domain other vda:qcow2:other.qcow2
    if [ "$how" = domain ]; then
        sed -i 's/<vcpu/<<vcpu/' other.xml
    else
        sed -i 's/<state/<<state/' other.snapshots/o1.xml
    fi
    rm o.qcow2
    stays
done

# an overlay elsewhere, which only such a file names
one overlay
mkdir elsewhere
make_image elsewhere/o.qcow2 qcow2 4M -b "$PWD/a.s2" -F qcow2
domain_xml other vda:qcow2:elsewhere/o.qcow2 | sed 's/<vcpu/<<vcpu/' >other.xml
stays
pattern_check elsewhere/o.qcow2 qcow2 0x55 0 64k

# nobody knows what is in it
one endless
truncate -s 20M other.xml
stays

# names that XML may write in another way
one names
make_image 'a&b' qcow2 4M
make_domain vm 'vda:qcow2:a&b'
ok "$OFFSHOT" create ./vm.xml s3 --disk-only
domain_xml other 'vda:qcow2:a&b' | sed 's/<vcpu/<<vcpu/' >other.xml
run "$OFFSHOT" delete ./vm.xml s3 --strategy=commit
assert_error 8 "other.xml (cannot be read)' stands on '$PWD/a&b'"

# what has nothing to do with it is in nobody's way
one garbage
echo 'no markup at all' >notes.xml
domain_xml other vda:qcow2:/elsewhere/b.qcow2 | sed 's/<vcpu/<<vcpu/' >other.xml
printf '<network><name>a.s2</name></network>\n' >network.xml
cp vm.snapshots/s2.xml dump-of-s2.xml
mkdir directory.xml
mkfifo fifo.xml
ln -s nowhere link.xml
ok "$OFFSHOT" revert ./vm.xml s1
assert_absent a.s2
ok "$OFFSHOT" delete ./vm.xml s2
assert_absent a.s1
ok "$OFFSHOT" delete ./vm.xml s1
pattern_check "$(domain_source vm.xml vda)" qcow2 0x11 0 64k
