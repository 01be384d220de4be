#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Chains through several directories, symbolic links, relative links and nasty names: links are put together
# right, and what has a second name stays.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq

# --- directories, one of them behind a symbolic link ---

prepare()
{
    start_over
    mkdir -p real/deep one two
    ln -s ../real/deep one/link
    make_image one/a.qcow2 qcow2 2M
    pattern_write one/a.qcow2 qcow2 0x11 0 2M
    make_domain vm vda:qcow2:one/a.qcow2
    take s1 --disk-only --diskspec "vda,file=$WORK/two/a.s1" --backing-path=relative
    take s2 --disk-only --diskspec "vda,file=$WORK/one/link/a.s2" --backing-path=relative
    take s3 --disk-only --diskspec "vda,file=$WORK/two/a.s3" --backing-path=relative
    take s4 --disk-only --diskspec "vda,file=$WORK/one/a.s4" --backing-path=relative
    remember
}

for strategy in commit rebase; do
    for name in s2 s3 s4; do
        prepare
        ok "$OFFSHOT" delete ./vm.xml $name --strategy=$strategy
        # shellcheck disable=SC2046 # words
        assert_tree $(snapshot_names)
        assert_equal "$(find . -name 'a.*' | wc -l)" 4 'number of images'
    done
    prepare
    ok "$OFFSHOT" delete ./vm.xml s2 --children --strategy=$strategy
    assert_tree s1
    assert_equal "$(find . -name 'a.*' | wc -l)" 2 'number of images'
done

# --- nasty names ---

for stem in 'a,b' 'a b' 'a:b' "a'b" '-a' 'a%sb' 'json:a' $'a\xc3\xa4'; do
    for strategy in commit rebase; do
        start_over
        make_image "$stem.qcow2" qcow2 1M
        make_domain vm "vda:qcow2:$stem.qcow2"
        for n in 1 2 3; do
            take "s$n" --disk-only
        done
        remember
        ok "$OFFSHOT" delete ./vm.xml s2 --children --strategy=$strategy
        assert_tree s1
        assert_equal "$(find . -maxdepth 1 -type f -name '*a*' '!' -name '*.xml' | wc -l)" 2 "images of $stem"
    done
done

# --- second names ---

start_over
make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
take s1 --disk-only
ln a.qcow2 hard
remember
for strategy in commit rebase; do
    assert_refuses 8 "'$WORK/a.qcow2' has further names (hard links)" \
        "$OFFSHOT" delete ./vm.xml s1 --strategy=$strategy
done
hash=$(content_hash hard qcow2)
ok "$OFFSHOT" delete ./vm.xml s1
assert_stderr_contains 'hard links'
assert_tree
assert_equal "$(content_hash hard qcow2)" "$hash" 'content of the second name'

start_over
make_image real.qcow2 qcow2 1M
ln -s real.qcow2 a.qcow2
make_domain vm vda:qcow2:a.qcow2
take s1 --disk-only
remember
assert_refuses 8 "'$WORK/a.qcow2' is a symbolic link" "$OFFSHOT" delete ./vm.xml s1 --strategy=rebase
ok "$OFFSHOT" delete ./vm.xml s1
assert_tree
assert_files a.qcow2 real.qcow2
assert_equal "$(domain_source vm.xml vda)" "$WORK/a.qcow2" 'active image'
