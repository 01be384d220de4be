#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An overlay gets the owner, the mode and the ACL of the image that it stands in for, whatever the
# umask and the default ACL of the directory are; snapshot files are 0600.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

# with_umask MASK COMMAND...
with_umask()
{
    local mask=$1

    shift
    (umask "$mask" && "$@")
}

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
top=a.qcow2 n=0
for mode in 600 644 660 640 400 666 755; do
    for mask in 000 022 077; do
        n=$((n + 1))
        chmod "$mode" "$top"
        run with_umask "$mask" "$OFFSHOT" create ./vm.xml "s$n" --disk-only
        assert_status 0
        top=a.s$n
        assert_mode "$top" "$mode"
        assert_mode "vm.snapshots/s$n.xml" 600
    done
done
chmod 640 vm.xml "$top"
ok "$OFFSHOT" create ./vm.xml kept --disk-only --keep-filename
assert_mode "$top" 640
assert_mode vm.xml 640
ok "$OFFSHOT" create ./vm.xml again --disk-only
assert_mode vm.xml 640
assert_mode vm.snapshots 700
# set-user-ID and such on a base are not carried on to something new that anyone could run
assert_equal "$(find . -perm /6000)" '' 'files with set-ID bits'

if [ "$(id -u)" = 0 ]; then
    make_image b.qcow2 qcow2 1M
    make_domain owned vda:qcow2:b.qcow2
    chown 4711:4712 b.qcow2 owned.xml
    chmod 660 b.qcow2
    # root works by what others wrote only where these called it by sudo
    export SUDO_UID=4711
    ok "$OFFSHOT" create ./owned.xml s1 --disk-only
    assert_equal "$(stat -c '%u:%g %a' b.s1)" '4711:4712 660' 'owner of the overlay'
    assert_equal "$(stat -c '%u:%g' owned.xml)" '4711:4712' 'owner of the domain XML'
    ok "$OFFSHOT" create ./owned.xml s2 --disk-only --keep-filename
    assert_equal "$(stat -c '%u:%g %a' b.s1)" '4711:4712 660' 'owner of the overlay'
    assert_equal "$(stat -c '%u:%g %a' b.s2.s1)" '4711:4712 660' 'owner of the frozen image'
fi
