#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --backing-path: auto is relative in one directory and absolute across; relative and absolute are
# what they say, through symbolic links as well.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io jq

mkdir -p images/sub other
ln -s images/sub short
make_image images/a.qcow2 qcow2 1M
pattern_write images/a.qcow2 qcow2 0x61 0 1M

# link DESCRIPTION WANT OPTION...: of a new domain, the backing string of the overlay
check()
{
    local want=$1 source=$2

    shift 2
    make_domain vm "vda:qcow2:$source"
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only "$@"
    top=$(domain_source vm.xml vda)
    assert_equal "$(image_info "$top" qcow2 '."backing-filename"')" "$want" "link with '$*'"
    pattern_check "$top" qcow2 0x61 0 1M
    rm -rf vm.snapshots "$top"
}
absolute=$WORK/images/a.qcow2

check a.qcow2 "$absolute"
check a.qcow2 "$absolute" --backing-path=auto
check a.qcow2 "$absolute" --backing-path=relative
check "$absolute" "$absolute" --backing-path=absolute
check "$absolute" "$absolute" --diskspec vda,file=other/x
check "$absolute" "$absolute" --diskspec vda,file=other/x --backing-path auto
check ../images/a.qcow2 "$absolute" --diskspec vda,file=other/x --backing-path=relative
check "$absolute" "$absolute" --diskspec vda,file=other/x --backing-path=absolute
check ../a.qcow2 "$absolute" --diskspec vda,file=images/sub/x --backing-path=relative

# a relative link is followed from where the overlay really lies
make_domain vm "vda:qcow2:$absolute"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --backing-path=relative --diskspec vda,file=short/x
pattern_check short/x qcow2 0x61 0 1M
pattern_check images/sub/x qcow2 0x61 0 1M
rm -rf vm.snapshots
ln images/a.qcow2 images/sub/b.qcow2
make_domain vm "vda:qcow2:$WORK/short/b.qcow2"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --backing-path=relative --diskspec vda,file=other/y
pattern_check other/y qcow2 0x61 0 1M
# moved together, relative links still hold
rm -rf vm.snapshots
make_domain vm "vda:qcow2:$absolute"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
mv images moved
pattern_check moved/a.s1 qcow2 0x61 0 1M
