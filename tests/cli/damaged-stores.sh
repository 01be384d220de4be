#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each way in which a store can be damaged, one at a time: it is said, reading and new snapshots go on, images
# are not touched as long as it lasts, and no write loses what cannot be read or what it belongs to.
. "${srcdir:?}/lib/lib.sh"

need jq qemu-img qemu-io xmllint

store=vm.snapshots
make_image a.img qcow2 1M
make_domain vm vda:qcow2:a.img
for n in 1 2 3 4; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$n" "$((n * 64))k" 64k
    ok "$OFFSHOT" create ./vm.xml "s$n" --disk-only
done
cp -a . "$SCRATCH/tree"

# names: of the tree that is seen, each with its parent and "*" when it is current
tree()
{
    ok "$OFFSHOT" list ./vm.xml --json -q
    json '[.snapshots[] | .name + (if .parent then "<" + .parent else "" end) + (if .current then "*" else "" end)]
        | join(" ")'
}

# damaged WHAT FILE TREE: after WHAT was done, the entry FILE is complained of once, and TREE is seen.
damaged()
{
    local before untouched

    before=$(snapshot_state "$WORK")
    assert_equal "$(tree)" "$3" "$1: the tree"
    ok "$OFFSHOT" list ./vm.xml
    assert_equal "$(wc -l <"$STDERR")" 1 "$1: complaints"
    assert_stderr_contains "$2"
    ok "$OFFSHOT" info ./vm.xml s4
    assert_stderr_contains "$2"
    assert_unchanged "$WORK" "$before"
    untouched=$(sha256sum "$store/$2" 2>/dev/null)

    # images are in nobody's way
    assert_refuses_with_warning 8 'not in order' "$OFFSHOT" delete ./vm.xml s4
    assert_refuses_with_warning 8 'not in order' "$OFFSHOT" create ./vm.xml s5 --disk-only --keep-filename
    # a new snapshot is, and so is going back; what was is there afterwards
    ok "$OFFSHOT" create ./vm.xml s5 --disk-only
    if [ "$1" = 'two are active' ]; then
        ok "$OFFSHOT" list ./vm.xml
        assert_stderr_empty # it has mended that
        return
    fi
    ok "$OFFSHOT" revert ./vm.xml s4
    assert_stderr_contains 'none is removed'
    ok "$OFFSHOT" revert ./vm.xml s5
    assert_equal "$(find . -maxdepth 1 -name 'a.s?' -printf '%f\n' | sort | tr '\n' ' ')" 'a.s1 a.s2 a.s3 a.s4 a.s5 ' "$1: images"
    ok "$OFFSHOT" delete ./vm.xml s5 --metadata
    [ "$2" = s4.xml ] || assert_equal "$(sha256sum "$store/$2" 2>/dev/null)" "$untouched" "$1: the entry"
    pattern_check "$(domain_source vm.xml vda)" qcow2 0x14 256k 64k
}

# As assert_refuses, where the store has been complained of before.
assert_refuses_with_warning()
{
    local status=$1 text=$2 before

    shift 2
    before=$(snapshot_state "$WORK")
    run "$@"
    assert_status "$status"
    assert_stderr_contains "$text"
    assert_equal "$(wc -l <"$STDERR")" 2 'lines on stderr'
    assert_unchanged "$WORK" "$before"
}

fresh()
{
    rm -rf ./* .vm.offshot
    cp -a "$SCRATCH/tree/." .
}

# middle WHAT COMMAND...: s2 is damaged by COMMAND and not seen; s3 is a child of it all the same.
middle()
{
    local what=$1 good

    shift
    fresh
    good=$(cat "$store/s2.xml")
    "$@" || exit 99
    # reported: the entry, and that s3 has no parent
    ok "$OFFSHOT" list ./vm.xml
    assert_equal "$(wc -l <"$STDERR")" 2 "$what: complaints"
    assert_stderr_contains s2.xml
    assert_stderr_contains "'s2'"
    assert_equal "$(tree)" 's1 s3<s2 s4<s3*' "$what: the tree"
    run "$OFFSHOT" info ./vm.xml s2
    assert_status 4
    run "$OFFSHOT" revert ./vm.xml s2
    assert_status 4
    run "$OFFSHOT" delete ./vm.xml s2 --metadata
    assert_status 4
    run "$OFFSHOT" create ./vm.xml s2 --disk-only --diskspec "vda,file=$WORK/new"
    assert_status 8
    run "$OFFSHOT" delete ./vm.xml s3
    assert_status 8
    # what is written to others does not cut it off
    ok "$OFFSHOT" revert ./vm.xml s3
    ok "$OFFSHOT" delete ./vm.xml s3 --metadata
    assert_equal "$(tree)" 's1 s4<s2' "$what: the tree without s3"
    rm -f "$store/s2.xml"
    printf '%s\n' "$good" >"$store/s2.xml"
    assert_equal "$(tree)" 's1 s2<s1 s4<s2' "$what: the tree with s2 mended"
    ok "$OFFSHOT" list ./vm.xml
    assert_stderr_empty
}

truncate_file() { truncate -s "$1" "$2"; }
grow_file() { head -c 1100000 /dev/zero | tr '\0' ' ' >>"$1"; }
middle 'not to be parsed' truncate_file 700 "$store/s2.xml"
middle 'empty' truncate_file 0 "$store/s2.xml"
middle 'no active' sed -i '/<active>/d' "$store/s2.xml"
middle 'too large' grow_file "$store/s2.xml"
if [ "$(id -u)" != 0 ]; then
    middle 'not readable' chmod 0 "$store/s2.xml"
fi

fresh
sed -i 's,<active>0,<active>1,' "$store/s2.xml"
damaged 'two are active' s2 's1 s2<s1 s3<s2 s4<s3*'
fresh
sed -i 's,<name>s1</name>,<name>gone</name>,' "$store/s2.xml"
damaged 'the parent is missing' s2 's1 s2<gone s3<s2 s4<s3*'
grep -q '<name>gone</name>' "$store/s2.xml" || fail 'the missing parent is forgotten'
fresh
sed -i '/<parent>/,/<\/parent>/s,<name>s1</name>,<name>s3</name>,' "$store/s2.xml"
sed -i 's,<active>0,<active>0,' "$store/s3.xml"
ok "$OFFSHOT" list ./vm.xml
assert_equal "$(wc -l <"$STDERR")" 1 'complaints about the cycle'
grep -qE "'s2'|'s3'" "$STDERR" || fail 'the cycle is not named'
assert_equal "$(tree | wc -w)" 4 'snapshots with a cycle'
assert_refuses_with_warning 8 'not in order' "$OFFSHOT" delete ./vm.xml s4
ok "$OFFSHOT" create ./vm.xml s5 --disk-only
assert_equal "$(tree | wc -w)" 5 'snapshots with a cycle and a new one'
fresh
mv "$store/s2.xml" "$store/other.xml"
damaged 'the file is called otherwise' other.xml 's1 s2<s1 s3<s2 s4<s3*'
assert_absent "$store/s2.xml"
fresh
sed -i "s,<uuid>.*,<uuid>$(domain_uuid other)</uuid>," "$store/s2.xml"
damaged 'it is of another domain' s2.xml 's1 s2<s1 s3<s2 s4<s3*'
run "$OFFSHOT" revert ./vm.xml s2
assert_status 8
assert_stderr_contains 'another uuid'
run "$OFFSHOT" delete ./vm.xml s2
assert_status 8
ok "$OFFSHOT" delete ./vm.xml s2 --metadata
ok "$OFFSHOT" list ./vm.xml
assert_stderr_empty
assert_equal "$(tree)" 's1 s3<s1 s4<s3*' 'the tree without it'
ok "$OFFSHOT" delete ./vm.xml s4
