#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Overlays that take the names of the images: the domain stays as it is, and virsh sees the tree all the same.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/interop.sh"

scenario 'a chain in turns'
step ours create a --disk-only --keep-filename
write
step theirs snapshot-create-as b --disk-only
write
step ours create c --disk-only --keep-filename
write
tree 'a b<a *c<b'
step ours delete b
step ours delete a
step ours revert c

scenario 'virsh takes an internal one in our overlay'
step ours create a --disk-only --keep-filename
write
step theirs snapshot-create-as i
write
step theirs snapshot-revert i
step ours create b --disk-only --keep-filename
write
refused 8 'also holds the state' revert i
step ours delete b
step ours revert i
tree 'a *i<a'
step theirs snapshot-delete i

scenario 'again and again under one name, with virsh between'
for name in a b c; do
    step ours create "$name" --disk-only --keep-filename
    write
    step theirs snapshot-create-as "$name$name"
    write
done
tree 'a aa<a b<aa bb<b c<bb *cc<c'
assert_equal "$(active vda)" "$WORK/vda.qcow2"
step ours delete b

scenarios_end 3
