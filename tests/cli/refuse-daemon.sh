#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# While a libvirt daemon serves the URI, commands that change anything are refused with exit 5, and
# reading works.
. "${srcdir:?}/lib/lib.sh"

need qemu-img
need_virsh_embed

root=$WORK/root
uri="qemu:///embed?root=$root"
make_image a.qcow2 qcow2 1M
make_embed_domain "$root" vm vda:qcow2:a.qcow2
mkdir -p "$root/lib/qemu"
ok "$OFFSHOT" -c "$uri" create vm s1 --disk-only

# virsh is the daemon of an embed URI for as long as it is open
embed_prepare "$root"
mkfifo "$SCRATCH/commands"
virsh -q -c "$uri" <"$SCRATCH/commands" >"$SCRATCH/said" 2>&1 &
exec 9>"$SCRATCH/commands"
echo 'list --all' >&9
wait_until grep -q 'shut off' "$SCRATCH/said"

export EDITOR="touch $SCRATCH/opened"
before=$(snapshot_state "$root/lib"; snapshot_state "$root/etc"; ls -A)
for arguments in 'create vm s2 --disk-only' 'create vm s2' 'revert vm s1' 'delete vm s1' 'flatten vm' \
    "extract vm s1 -o $WORK" 'edit vm s1' 'recover vm'; do
    # shellcheck disable=SC2086 # words
    run "$OFFSHOT" -c "$uri" $arguments
    assert_error 5 'daemon'
done
assert_absent "$SCRATCH/opened"
assert_equal "$(snapshot_state "$root/lib"; snapshot_state "$root/etc"; ls -A)" "$before" 'state'
ok "$OFFSHOT" -c "$uri" list vm --name
assert_stdout s1
ok "$OFFSHOT" -c "$uri" info vm s1
ok "$OFFSHOT" -c "$uri" dumpxml vm s1

exec 9>&-
wait
ok "$OFFSHOT" -c "$uri" create vm s2 --disk-only
assert_equal "$(virsh_embed "$root" snapshot-list vm --name)" $'s1\ns2'
