#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Names of domains and of their files are arbitrary, too, as are descriptions.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

for name in 'with blank' 'com,ma' 'co:lon' "quo'te\"" 'per%s%20' '<x>&' 'ünï€' '.hidden' 'x.xml' '-lead'; do
    make_image "$WORK/disk.qcow2" qcow2 1M
    domain_xml "$name" vda:qcow2:disk.qcow2 >"./$name.xml"
    ok "$OFFSHOT" create "./$name.xml" s1 "about $name" --disk-only
    assert_exists "./$name.snapshots/s1.xml"
    ok "$OFFSHOT" info "./$name.xml" s1 --json
    assert_equal "$(json .domain.name)" "$name" 'name of the domain'
    assert_equal "$(json '.domain.xml + " " + .domain.store')" "$WORK/$name.xml $WORK/$name.snapshots" places
    assert_equal "$(json '.snapshots[0].description')" "about $name" description
    rm -rf -- "./$name.xml" "./$name.snapshots" disk.*
done

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
n=0
for text in $'two\nlines' $'tab\there' '<&>"'"'" ']]>' ' blanks ' 'ünï€𝄞' '%s%n' $'\r' ''; do
    n=$((n + 1))
    ok "$OFFSHOT" create ./vm.xml "s$n" "$text" --disk-only
    ok "$OFFSHOT" info ./vm.xml "s$n" --json
    [ -n "$text" ] || continue
    assert_equal "$(jq -c '.snapshots[0].description' "$STDOUT")" "$(jq -cn --arg t "$text" '$t')" description
done
for text in $'\x01' $'\xff' $'a\x1bb'; do
    assert_refuses 2 'description' "$OFFSHOT" create ./vm.xml last "$text" --disk-only
done
