#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Many snapshots are deleted at once: where qemu-img cannot commit through all of their images, data moves up.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint

# a.s1 on a.qcow2, a.s2 on that, and so on; snapshot N froze what a.sN stands on. Beyond the second they are written by hand.
count=190
make_image a.qcow2 qcow2 4M
pattern_write a.qcow2 qcow2 0x11 0 64k
make_domain vm vda:qcow2:a.qcow2
take s1 --disk-only
take s2 --disk-only
# which file each of them froze is another one
sed -i '/<offshot:/d' vm.snapshots/s2.xml
xmllint --noout vm.snapshots/s2.xml || fail 'no template'
template=$(cat vm.snapshots/s2.xml)
sed -i 's,<active>1<,<active>0<,' vm.snapshots/s2.xml
for ((n = 3; n <= count; n++)); do
    make_image "a.s$n" qcow2 4M -b "a.s$((n - 1))" -F qcow2
    text=${template//s1/s@}
    text=${text//s2/s$n}
    [ "$n" = "$count" ] || text=${text/<active>1/<active>0}
    printf '%s\n' "${text//@/$((n - 1))}" >"vm.snapshots/s$n.xml"
done
pattern_write "a.s$count" qcow2 0x33 1M 64k
sed -i "s,a\.s2,a.s$count," vm.xml
hash=$(content_hash "a.s$count" qcow2)

assert_refuses 8 "'$WORK/a.qcow2' lies $count images below" "$OFFSHOT" delete ./vm.xml s1 --children --strategy=commit
ok "$OFFSHOT" delete ./vm.xml s1 --children
assert_files "a.s$count"
assert_link "a.s$count" ''
assert_equal "$(content_hash "a.s$count" qcow2)" "$hash" content
assert_clean "a.s$count" qcow2
