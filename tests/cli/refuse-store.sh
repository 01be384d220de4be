#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A store into which the new file cannot be renamed is refused before anything happens: on another
# file system, behind a link that leads nowhere, immutable, or with a link in place of a file.
. "${srcdir:?}/lib/lib.sh"

need qemu-img chattr

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2

# a link to a directory beside it is as good as the directory
mkdir real
ln -s real vm.snapshots
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
assert_exists real/s1.xml
assert_equal "$(ls -A real)" s1.xml 'what is in the store'
[ -L vm.snapshots ] || fail 'the link is one no more'
ok "$OFFSHOT" list ./vm.xml --name
assert_stdout s1
rm vm.snapshots
ln -s deep/real vm.snapshots
mkdir deep
mv real deep/real
ok "$OFFSHOT" create ./vm.xml t1 --disk-only
assert_equal "$(ls -A deep deep/real .)" "$(printf '%s\n' .: a.qcow2 a.s1 a.t1 deep vm.snapshots vm.xml '' \
    deep: real '' deep/real: s1.xml t1.xml)" 'files'

# no directory at all
assert_refuses 2 '--store' "$OFFSHOT" create ./vm.xml s2 --disk-only --store ''
assert_refuses 2 '--store' "$OFFSHOT" --store '' list ./vm.xml

# a link that leads nowhere
rm vm.snapshots
for target in nowhere /nowhere/x vm.snapshots; do
    ln -sf "$target" vm.snapshots
    before=$(snapshot_state "$WORK")
    run "$OFFSHOT" create ./vm.xml s2 --disk-only
    [ "$STATUS" = 1 ] || [ "$STATUS" = 8 ] || fail "status $STATUS with a link to '$target'"
    assert_stderr_contains 'vm.snapshots'
    assert_unchanged "$WORK" "$before"
    rm vm.snapshots
done

# a stored snapshot that is a link: reading follows it, replacing it would not
ln -s deep/real vm.snapshots
mv deep/real/t1.xml elsewhere.xml
ln -s ../../elsewhere.xml deep/real/t1.xml
ok "$OFFSHOT" list ./vm.xml --name
assert_refuses 8 'symbolic link' "$OFFSHOT" create ./vm.xml s2 --disk-only
rm deep/real/t1.xml
mv elsewhere.xml deep/real/t1.xml

# another file system
other=$(mktemp -d /dev/shm/offshot-test.XXXXXX 2>/dev/null) || skip 'nothing else to write to; all else passed'
at_exit "rm -rf '$other'"
if [ "$(stat -c %d "$other")" != "$(stat -c %d .)" ]; then
    rm vm.snapshots
    cp -a deep/real "$other/store"
    ln -s "$other/store" vm.snapshots
    ok "$OFFSHOT" create ./vm.xml s2 --disk-only
    assert_exists "$other/store/s2.xml"
    assert_equal "$(ls -A "$other")" store 'what is beside the store'
    assert_absent .vm.offshot
    assert_chain "$WORK/a.s2" qcow2 "$WORK/a.t1" "$WORK/a.s1" "$WORK/a.qcow2"
    rm vm.snapshots
    ln -s deep/real vm.snapshots
fi

# what cannot be changed: the store, the place of the image, the image, the domain XML
mkdir images
make_image images/a.qcow2 qcow2 1M
make_domain vm "vda:qcow2:$WORK/images/a.qcow2"
chattr +i images 2>/dev/null || skip 'no file can be made immutable here; all else passed'
chattr -i images
# shellcheck disable=SC2016 # for later
at_exit 'chattr -ia "$WORK/vm.xml" "$WORK/deep/real" "$WORK/images" "$WORK/images/a.qcow2" 2>/dev/null'
for path in deep/real images images/a.qcow2 vm.xml; do
    options=(--disk-only)
    case $path in *.qcow2) options+=(--keep-filename) ;; esac
    for attribute in i a; do
        chattr "+$attribute" "$path"
        # root is kept from an immutable directory, too, before offshot looks at it
        before=$(snapshot_state "$WORK")
        run "$OFFSHOT" create ./vm.xml s3 "${options[@]}"
        [ "$STATUS" = 1 ] || [ "$STATUS" = 8 ] || fail "status $STATUS with $path +$attribute"
        assert_stderr_contains "${path##*/}"
        assert_unchanged "$WORK" "$before"
        chattr "-$attribute" "$path"
    done
done
ok "$OFFSHOT" create ./vm.xml s3 --disk-only --keep-filename
