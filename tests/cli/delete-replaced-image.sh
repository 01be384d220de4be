#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Another file under the name of a frozen image - a new template, the disk of another machine - may be anybody's:
# whatever is done to the snapshots, it is neither removed nor written, and what can go beside it goes.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# prepare NAME [BACKING]: a.qcow2 - a.s1 - a.s2 - a.s3, frozen by s1, s2, s3, and active; then another image
# is moved to NAME.
prepare()
{
    start_over
    make_image a.qcow2 qcow2 4M
    pattern_write a.qcow2 qcow2 0x11 0 2M
    make_domain vm vda:qcow2:a.qcow2
    for n in 1 2 3; do
        take "s$n" --disk-only
    done
    replace "$@"
}

# replace NAME [BACKING]
replace()
{
    OTHER=$1
    if [ -n "${2-}" ]; then
        make_image other.qcow2 qcow2 4M -F qcow2 -b "$2"
    else
        make_image other.qcow2 qcow2 4M
    fi
    pattern_write other.qcow2 qcow2 0x99 1M 1M
    cp other.qcow2 "$SCRATCH/other"
    mv other.qcow2 "$OTHER"
    BEFORE=$(stat -c '%i %s %y' "$OTHER")
    remember
}

# Not written, and not even touched.
assert_other()
{
    assert_same_file "$OTHER" "$SCRATCH/other"
    assert_equal "$(stat -c '%i %s %y' "$OTHER")" "$BEFORE" "file '$OTHER'"
}

# said SNAPSHOT: why it stays.
said()
{
    assert_stderr_contains "'$WORK/$OTHER' is not the file that snapshot '$1' froze"
}

# what it stands in for is below all others
for strategy in auto rebase; do
    prepare a.qcow2
    ok "$OFFSHOT" delete ./vm.xml s1 --strategy=$strategy
    said s1
    assert_other
    assert_tree s2 s3
    assert_files a.qcow2 a.s1 a.s2 a.s3
    ok "$OFFSHOT" delete ./vm.xml s2 --strategy=$strategy
    assert_tree s3
    assert_other
    ok "$OFFSHOT" delete ./vm.xml s3 --strategy=$strategy
    assert_tree
    assert_other
    assert_equal "$(find . -name 'a.*' | wc -l)" 2 'number of images'
    assert_chain "$(domain_source vm.xml vda)" qcow2 "$WORK/a.qcow2"
done
prepare a.qcow2
assert_refuses 8 "--strategy=commit is not possible: '$WORK/a.qcow2' is not the file that snapshot 's1' froze" \
    "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
assert_refuses 8 "'$WORK/a.qcow2' is not the file that" "$OFFSHOT" delete ./vm.xml s1 --children --strategy=commit
ok "$OFFSHOT" delete ./vm.xml s1 --children
said s1
assert_other
assert_tree
assert_equal "$(find . -name 'a.*' | wc -l)" 2 'number of images'

# … in the middle: nothing goes down or up into it either
prepare a.s1 a.qcow2
for strategy in commit rebase; do
    assert_refuses 8 "--strategy=$strategy is not possible: '$WORK/a.s1' is not the file that snapshot 's2' froze" \
        "$OFFSHOT" delete ./vm.xml s1 --strategy=$strategy
done
ok "$OFFSHOT" delete ./vm.xml s1
said s2
assert_other
assert_tree s2 s3
assert_files .vm.offshot/layers .vm.offshot/lock a.qcow2 a.s1 a.s2 a.s3
ok "$OFFSHOT" delete ./vm.xml s2
said s2
assert_tree s3
assert_other
ok "$OFFSHOT" delete ./vm.xml s3
assert_tree
assert_other
# it is not known as ours later
ok "$OFFSHOT" create ./vm.xml s4 --disk-only
ok "$OFFSHOT" delete ./vm.xml s4
assert_other
prepare a.s1 a.qcow2
ok "$OFFSHOT" delete ./vm.xml s1 --children
assert_tree
assert_other
assert_exists a.qcow2

# … and with it the snapshot that froze what was there, before the one that made it
for strategy in auto commit rebase; do
    prepare a.s1 a.qcow2
    ok "$OFFSHOT" delete ./vm.xml s2
    said s2
    assert_other
    if [ $strategy != auto ]; then
        assert_refuses 8 "no disk and no snapshot names '$WORK/a.s1'" \
            "$OFFSHOT" delete ./vm.xml s1 --strategy=$strategy
    fi
    ok "$OFFSHOT" delete ./vm.xml s1
    assert_tree s3
    assert_other
    ok "$OFFSHOT" delete ./vm.xml s3
    assert_tree
    assert_other
    ok "$OFFSHOT" create ./vm.xml s4 --disk-only
    ok "$OFFSHOT" delete ./vm.xml s4
    assert_other
done

# … above what goes: its link is not changed, and so the data has to go up
prepare a.s2 a.s1
ok "$OFFSHOT" revert ./vm.xml s2
take s4 --disk-only
remember
assert_refuses 8 "is not the file that snapshot 's3' froze" "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
ok "$OFFSHOT" delete ./vm.xml s1
assert_tree s2 s3 s4
assert_other
assert_absent a.qcow2

# … where nothing stands on it any more
prepare a.s2 a.s1
ok "$OFFSHOT" revert ./vm.xml s2
remember
ok "$OFFSHOT" delete ./vm.xml s3
said s3
assert_tree s1 s2
assert_other
ok "$OFFSHOT" delete ./vm.xml s1 --children
assert_tree
assert_other

# … of an image that was merged or relinked before, under whatever name
for option in --disk-only --keep-filename; do
    for strategy in commit rebase; do
        for name in s2 s3; do
            start_over
            make_image a.qcow2 qcow2 4M
            make_domain vm vda:qcow2:a.qcow2
            for n in 1 2 3; do
                take "s$n" --disk-only "$option"
            done
            ok "$OFFSHOT" delete ./vm.xml s1 --strategy=$strategy
            path=$(snapshot_disks $name | cut -d' ' -f4)
            replace "$(basename "$path")" "$(image_info "$path" qcow2 '.["backing-filename"] // ""')"
            assert_refuses 8 'is not the file that' "$OFFSHOT" delete ./vm.xml $name --strategy=commit
            ok "$OFFSHOT" delete ./vm.xml $name
            said $name
            assert_other
        done
    done
done

# going back to it is possible, and says so
prepare a.qcow2
ok "$OFFSHOT" revert ./vm.xml s1
assert_stderr_contains "disk 'vda' of snapshot 's1' is in another file than the one that was frozen"
KNOWN['active vda']=${KNOWN['s1 vda']}
assert_tree s1 s2 s3
assert_other
ok "$OFFSHOT" revert ./vm.xml s3
KNOWN['active vda']=${KNOWN['s3 vda']}
assert_tree s1 s2 s3
assert_other

# a disk is made independent of it, and what is left of it stays
prepare a.qcow2
ok "$OFFSHOT" flatten ./vm.xml
assert_tree s1 s2 s3
assert_other
ok "$OFFSHOT" delete ./vm.xml s1 --children
said s1
assert_tree
assert_other

# an internal snapshot in it is not deleted
start_over
make_image a.qcow2 qcow2 4M
make_domain vm vda:qcow2:a.qcow2
take i1
take s1 --disk-only
cp a.qcow2 other.qcow2
mv other.qcow2 a.qcow2
before=$(sha256sum a.qcow2)
ok "$OFFSHOT" delete ./vm.xml i1
assert_stderr_contains "internal snapshot 'i1' stays in '$WORK/a.qcow2'"
assert_equal "$(sha256sum a.qcow2)" "$before" 'content of the image'
assert_equal "$(snapshot_names)" s1 snapshots

# with --keep-filename
start_over
make_image a.qcow2 qcow2 4M
pattern_write a.qcow2 qcow2 0x11 0 2M
make_domain vm vda:qcow2:a.qcow2
for n in 1 2; do
    take "s$n" --disk-only --keep-filename
done
replace a.s1.qcow2
assert_refuses 8 "is not the file that snapshot 's1' froze" "$OFFSHOT" delete ./vm.xml s1 --strategy=commit
ok "$OFFSHOT" delete ./vm.xml s1
said s1
assert_tree s2
assert_other
ok "$OFFSHOT" delete ./vm.xml s2
assert_tree
assert_other

# who knows that it is a copy can say so
start_over
make_image a.qcow2 qcow2 4M
pattern_write a.qcow2 qcow2 0x11 0 2M
make_domain vm vda:qcow2:a.qcow2
take s1 --disk-only
cp a.qcow2 copy
mv copy a.qcow2
remember
ok "$OFFSHOT" dumpxml ./vm.xml s1
sed 's,<offshot:frozen [^>]*/>,,' "$STDOUT" >"$SCRATCH/s1.xml"
ok "$OFFSHOT" create ./vm.xml --redefine --xml "$SCRATCH/s1.xml"
ok "$OFFSHOT" delete ./vm.xml s1
assert_stderr_empty
assert_tree
assert_equal "$(find . -name 'a.*' | wc -l)" 1 'number of images'
