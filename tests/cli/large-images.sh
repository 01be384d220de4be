#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Large disks, long chains, large tables and many internal snapshots, which cost qemu-img much memory, are within the
# limits that it runs under.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint
need_plain_program

# --- 2 TiB and 300 internal snapshots ------------------------------------------------------------------

make_image i.qcow2 qcow2 2T
pattern_write i.qcow2 qcow2 0x11 1T 64k
for ((number = 0; number < 300; number++)); do
    qemu-img snapshot -c "earlier-$number" i.qcow2 || fail 'cannot take a snapshot'
done
make_domain internal vda:qcow2:i.qcow2
ok "$OFFSHOT" create ./internal.xml t1 --internal
pattern_write i.qcow2 qcow2 0x22 1T 64k
ok "$OFFSHOT" revert ./internal.xml t1
pattern_check i.qcow2 qcow2 0x11 1T 64k
ok "$OFFSHOT" delete ./internal.xml t1
assert_clean i.qcow2 qcow2

# --- 2 TiB, merged down and copied out -----------------------------------------------------------------

make_image a.qcow2 qcow2 2T
pattern_write a.qcow2 qcow2 0x11 1T 64k
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x22 1025G 64k
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
ok "$OFFSHOT" extract ./vm.xml s2 -o "$WORK/out.qcow2"
pattern_check out.qcow2 qcow2 0x22 1025G 64k
ok "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
pattern_check a.s2 qcow2 0x11 1T 64k
pattern_check a.s2 qcow2 0x22 1025G 64k
ok "$OFFSHOT" flatten ./vm.xml --dry-run

# --- a long chain, each layer of which has a cache of 32 MiB, as it has with 256 GiB and larger clusters ----

layers=100
make_image c0.qcow2 qcow2 16G -o cluster_size=4k
pattern_write c0.qcow2 qcow2 0x11 1G 64k
for ((number = 1; number < layers; number++)); do
    make_image "c$number.qcow2" qcow2 16G -u -o cluster_size=4k -F qcow2 -b "c$((number - 1)).qcow2"
done
make_domain chain "vda:qcow2:c$((layers - 1)).qcow2"
pattern_write "c$((layers - 1)).qcow2" qcow2 0x22 2G 64k
ok "$OFFSHOT" create ./chain.xml s1 --disk-only
pattern_write "c$((layers - 1)).s1" qcow2 0x33 3G 64k
ok "$OFFSHOT" create ./chain.xml s2 --disk-only
pattern_write "c$((layers - 1)).s2" qcow2 0x44 4G 64k
ok "$OFFSHOT" create ./chain.xml s3 --disk-only
ok "$OFFSHOT" delete ./chain.xml s3 --strategy=commit
ok "$OFFSHOT" delete ./chain.xml s2 --strategy=rebase
ok "$OFFSHOT" flatten ./chain.xml
active=$(domain_source chain.xml vda)
for number in 1 2 3 4; do
    pattern_check "$active" qcow2 "0x$number$number" "${number}G" 64k
done
assert_clean "$active" qcow2
