#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Images that were copied or restored are ours still when size and time are kept, as `cp -a`, rsync -t and tar do;
# others stay, which costs space and nothing else. What offshot itself makes of frozen images is ours as well.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# prepare [OPTION...]: a domain of two disks with s1, s2, s3
prepare()
{
    start_over
    make_image a.qcow2 qcow2 2M
    pattern_write a.qcow2 qcow2 0x11 0 1M
    make_image b.qcow2 qcow2 2M
    make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
    for n in 1 2 3; do
        take "s$n" --disk-only "$@"
    done
    remember
}

# copy COMMAND...: all is replaced by a copy of it. The originals are kept, so that no inode is used again.
copy()
{
    rm -rf "$SCRATCH/originals"
    mv "$WORK" "$SCRATCH/originals"
    "$@" "$SCRATCH/originals" "$WORK" || exit 99
    cd "$WORK" || exit 99
}

# Times in whole seconds, as many archives have them.
coarse_copy()
{
    cp -a "$@"
    find "${!#}" -type f -printf '%T@ %p\n' | while read -r time path; do
        touch -d "@${time%.*}" "$path"
    done
}

# assert_all_goes [NAME...]: all snapshots go, in this order, and nothing but one image of each disk is left.
assert_all_goes()
{
    local name names=("$@")

    [ $# -gt 0 ] || mapfile -t names < <(snapshot_names)
    for name in "${names[@]}"; do
        ok "$OFFSHOT" delete ./vm.xml "$name"
        ! grep -q 'is not the file' "$STDERR" || fail 'an image is not proven to be ours any more'
    done
    assert_tree
    assert_equal "$(find . -name '[ab].*' | wc -l)" 2 'number of images'
}

# record SNAPSHOT DISK ATTRIBUTE
record()
{
    snapshot_text "$1" "//*[local-name()='frozen'][@disk='$2']/@$3"
}

# assert_true_records: what is on record of a frozen image is true of it; of all of them something is.
assert_true_records()
{
    local name target path known want _

    while read -r name; do
        [ -n "$name" ] || continue
        while read -r target _ _ path; do
            known="$(record "$name" "$target" inode) $(record "$name" "$target" size)$(
                record "$name" "$target" mtime)$(record "$name" "$target" directory)"
            if [ -n "$(record "$name" "$target" size)" ]; then
                want=$(stat -c '%i %s' "$path")$(date -r "$path" +%s%N)
            else
                want="$(stat -c %i "$path") $(stat -c %i "$(dirname "$path")")"
            fi
            assert_equal "$known" "$want" "record of $target in '$name'"
        done < <(snapshot_disks "$name")
    done < <(snapshot_names)
}

for option in --disk-only --keep-filename; do
    prepare "$option"
    copy cp -a
    assert_all_goes
    prepare "$option"
    copy coarse_copy
    assert_all_goes

    # another inode and another time: nothing is lost, and nothing goes
    prepare "$option"
    copy cp -r
    sleep 0.01
    find . -name '[ab].*' -exec touch '{}' +
    ok "$OFFSHOT" delete ./vm.xml s1
    assert_stderr_contains 'is not the file that snapshot '
    assert_tree s2 s3
    assert_equal "$(find . -name '[ab].*' | wc -l)" 8 'number of images'
    ok "$OFFSHOT" delete ./vm.xml s2 --children
    assert_tree
    assert_equal "$(find . -name '[ab].*' | wc -l)" 8 'number of images'
done

# whatever offshot has done before, and copied afterwards or not
for option in --disk-only --keep-filename; do
    for again in : 'copy cp -a'; do
        is_long || [ "$option $again" = '--disk-only :' ] || [ "$option $again" = '--keep-filename copy cp -a' ] \
            || continue
        for strategy in commit rebase; do
            for name in s1 s2 s3; do
                prepare "$option"
                ok "$OFFSHOT" delete ./vm.xml "$name" "--strategy=$strategy"
                assert_true_records
                $again
                assert_all_goes
            done
        done

        # a branch, so that images are relinked
        prepare "$option"
        ok "$OFFSHOT" revert ./vm.xml s2
        take s4 --disk-only "$option"
        remember
        ok "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
        assert_true_records
        $again
        assert_all_goes s3 s4 s2

        prepare "$option"
        ok "$OFFSHOT" revert ./vm.xml s2 --save-as kept
        remember
        assert_true_records
        $again
        assert_all_goes kept s3 s2 s1

        prepare "$option"
        ok "$OFFSHOT" flatten ./vm.xml
        assert_true_records
        $again
        ok "$OFFSHOT" delete ./vm.xml s1 --children
        ! grep -q 'is not the file' "$STDERR" || fail 'an image is not proven to be ours any more'
        # the lowest ones are in no chain any more
        assert_equal "$(find . -name '[ab].*' | wc -l)" 4 'number of images'

        prepare "$option"
        EDITOR="sed -i '/^  <name>/s/s2/other/'" ok "$OFFSHOT" edit ./vm.xml s2 --rename
        EDITOR="sed -i '/^  <name>/s/s3/twin/'" ok "$OFFSHOT" edit ./vm.xml s3 --clone
        remember
        assert_true_records
        $again
        assert_all_goes
    done

    # a document from before a merge knows another file
    prepare "$option"
    ok "$OFFSHOT" dumpxml ./vm.xml s2
    cp "$STDOUT" "$SCRATCH/s2.xml"
    ok "$OFFSHOT" delete ./vm.xml s1 --strategy=rebase
    sed -i '/<parent>/,/<\/parent>/d' "$SCRATCH/s2.xml"
    ok "$OFFSHOT" create ./vm.xml --redefine --xml "$SCRATCH/s2.xml"
    assert_equal "$(record s2 vda inode)" '' 'record of vda'
    assert_all_goes
done

# images that were moved by hand, and a snapshot that was told so
prepare
mkdir moved
cp a.s1 moved/a.s1
ok "$OFFSHOT" dumpxml ./vm.xml s2
sed "/<domain /,\$s,$WORK/a.s1,$WORK/moved/a.s1," "$STDOUT" >"$SCRATCH/s2.xml"
ok "$OFFSHOT" create ./vm.xml --redefine --xml "$SCRATCH/s2.xml"
assert_equal "$(record s2 vda inode)" '' 'record of vda'
[ -n "$(record s2 vdb inode)" ] || fail 'nothing is known of the other disk'
