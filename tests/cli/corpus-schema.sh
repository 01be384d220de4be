#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The XML of our own corpus is what libvirt means by its formats: its schemas take all of data/*/in and
# data/*/out, but for what is named here, and ours takes the snapshots.
. "${srcdir:?}/lib/lib.sh"

need xmllint

schemas=/usr/share/libvirt/schemas
ours=$OFFSHOT_DATADIR/schemas/domainsnapshot.rng

# why ENTRY: what in it libvirt's schema (9.0) does not know or is not meant to take; fails when there is nothing.
why()
{
    case ${1#*/data/} in
    snapshot/*/any-order.xml) echo 'an element that nobody knows' ;;
    snapshot/in/request.xml) echo 'a state that no request needs, which is passed over' ;;
    snapshot/out/request.xml) echo 'a line break in a path' ;;
    snapshot/*/revert-disks.xml | snapshot/*/stored-reverted.xml) echo '<revertDisks> came with 9.9' ;;
    snapshot/*/stored-unfinished-delete.xml) echo '<snapshotDeleteInProgress> came with 9.9' ;;
    snapshot/*/request-network-driver.xml | snapshot/*/running.xml)
        echo 'a <driver> beside a network source, which libvirt writes itself' ;;
    domain/*/drives.xml) echo 'a source with an empty path' ;;
    domain/*/namespaces.xml) echo 'what nobody knows, inside of a disk and beside it' ;;
    domain/in/network.xml) echo 'an NBD source without a host' ;;
    domain/in/quotes.xml) echo 'a line break in a path' ;;
    domain/*/one-line.xml) echo 'no memory, no os, and two <devices>' ;;
    *) return 1 ;;
    esac
}

count=0
for entry in "$srcdir"/data/{domain,snapshot}/{in,out}/*.xml; do
    case $entry in
    */domain/*) schema=$schemas/domain.rng ;;
    *)
        schema=$schemas/domainsnapshot.rng
        # what is of another namespace, unknown, or to be passed over is not for a schema
        case $entry in
        */any-order.xml | */in/request.xml | */revert-disks.xml) ;;
        *)
            run xmllint --noout --relaxng "$ours" "$entry"
            assert_status 0
            ;;
        esac
        ;;
    esac
    count=$((count + 1))
    [ -e "$schema" ] || continue
    run xmllint --noout --relaxng "$schema" "$entry"
    [ "$STATUS" = 0 ] || why "$entry" || fail "$entry is not valid"
done
[ "$count" -gt 60 ] || fail "only $count entries"
[ -e "$schemas/domain.rng" ] || skip "libvirt's schemas are not installed; ours takes all"
