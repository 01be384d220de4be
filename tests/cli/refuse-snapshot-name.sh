#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names of snapshots that break the rules are refused with exit 2, one that exists with exit 8; all
# others work, whatever they look like.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
long=$(printf 'x%.0s' {1..247})

for name in '' . .. .hidden -x a/b /x $'a\nb' $'a\tb' $'a\x7fb' $'a\x01b' $'\xff\xfe' $'a\xc3' "${long}x" \
    $'\xc2\x85'; do
    assert_refuses 2 'name' "$OFFSHOT" create ./vm.xml --disk-only --name "$name"
done
assert_refuses 2 "'-x'" "$OFFSHOT" create ./vm.xml --disk-only -- -x

top=a.qcow2
# shellcheck disable=SC2016 # "$" is one of the characters
for name in s1 'a b' ' x ' 1 a,b a:b 'json:{}' nbd:x 'a%sb' "it's" '"q"' '<a>&amp;' 'x.xml' 'ü€𝄞' 'a\b' '$HOME' \
    '*?' 'a=b' '#' "${long:2}"; do
    ok "$OFFSHOT" create ./vm.xml "$name" --disk-only
    assert_exists "vm.snapshots/$name.xml"
    assert_equal "$(domain_source vm.xml vda)" "$WORK/a.$name" source
    assert_chain "$WORK/a.$name" qcow2 "$(image_chain "$top" qcow2)"
    ok "$OFFSHOT" current ./vm.xml --name
    assert_stdout "$name"
    top=a.$name
    # one that exists
    [ "$name" != s1 ] || assert_refuses 8 "'s1'" "$OFFSHOT" create ./vm.xml s1 --disk-only
    # the overlay's name is made of the stem: start again from a short one
    mv "a.$name" a.next
    sed -i "/<source/s|file='.*'|file='$WORK/a.next'|" vm.xml
    qemu-img rebase -u -f qcow2 -F qcow2 -b '' "$WORK/a.next"
    top=a.next
done

# 247 bytes fit as the name of a snapshot, but not into the name of the overlay: refused unless it is given one
mv a.next abcdefghij.img
sed -i "s|a.next|abcdefghij.img|" vm.xml
assert_refuses 2 'longer' "$OFFSHOT" create ./vm.xml "$long" --disk-only
ok "$OFFSHOT" create ./vm.xml "$long" --disk-only --diskspec vda,file=short
ok "$OFFSHOT" current ./vm.xml --name
assert_stdout "$long"
