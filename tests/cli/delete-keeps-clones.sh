#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A base on which somebody else stands is neither written nor removed, however the clone says so.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# prepare: snapshot s1 has a.qcow2 frozen, and little is in the overlay, so that it would be committed.
prepare()
{
    rm -rf ./* .*.offshot
    mkdir other
    make_image a.qcow2 qcow2 8M
    pattern_write a.qcow2 qcow2 0x11 0 4M
    make_domain vm vda:qcow2:a.qcow2
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only
    pattern_write a.s1 qcow2 0x22 0 64k
}

# delete_s1 CLONE: it may be refused or not, as long as CLONE shows what it did.
delete_s1()
{
    run "$OFFSHOT" delete ./vm.xml s1
    pattern_check "$1" qcow2 0x11 0 4M
}

case ${1-all} in
all)
    for part in quotes link uuid snapshot; do
        bash "$srcdir/cli/delete-keeps-clones.sh" "$part" || BROKEN="${BROKEN-} $part"
    done
    [ -z "${BROKEN-}" ] || fail "clones destroyed:$BROKEN"
    ;;
quotes)
    # QEMU takes single quotes in json: names
    prepare
    make_image clone.qcow2 qcow2 8M -u -F qcow2 \
        -b "json:{'driver':'qcow2','file':{'driver':'file','filename':'$WORK/a.qcow2'}}"
    delete_s1 clone.qcow2
    ;;
link)
    prepare
    make_image other/clone.qcow2 qcow2 8M -b ../a.qcow2 -F qcow2
    ln -s other/clone.qcow2 clone.qcow2
    delete_s1 other/clone.qcow2
    ;;
uuid)
    # vm.xml copied for the clone, uuid and all
    prepare
    make_image other/clone.qcow2 qcow2 8M -b ../a.qcow2 -F qcow2
    sed "s,<name>vm,<name>clone,; s,$WORK/a.s1,$WORK/other/clone.qcow2," vm.xml >clone.xml
    delete_s1 other/clone.qcow2
    ;;
snapshot)
    # only a snapshot of the other domain still has the clone
    prepare
    make_image other/clone.qcow2 qcow2 8M -b ../a.qcow2 -F qcow2
    make_domain clone vda:qcow2:other/clone.qcow2
    ok "$OFFSHOT" create ./clone.xml c1 --disk-only
    make_image new.qcow2 qcow2 8M
    make_domain clone vda:qcow2:new.qcow2
    delete_s1 other/clone.qcow2
    ;;
esac
