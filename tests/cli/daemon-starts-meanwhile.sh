#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A daemon that starts in the middle of an operation may have read what was there before: a warning says how it
# learns the rest, and it does.
. "${srcdir:?}/lib/lib.sh"

need qemu-img setsid
need_virsh_embed

root=$WORK/root
uri="qemu:///embed?root=$root"
make_image a.qcow2 qcow2 1M
make_embed_domain "$root" vm vda:qcow2:a.qcow2
embed_prepare "$root"

# virsh is the daemon of an embed URI for as long as it is open; the first qemu-img opens it
mkfifo "$SCRATCH/commands"
exec 9<>"$SCRATCH/commands"
mkdir bin
cat >bin/qemu-img <<EOF
#!/bin/bash
if [ ! -e '$SCRATCH/said' ]; then
    HOME='$HOME' setsid virsh -q -c '$uri' <'$SCRATCH/commands' >'$SCRATCH/said' 2>/dev/null 9>&- &
    until grep -qs 'shut off' '$SCRATCH/said'; do sleep 0.05; done
fi
exec '$(command -v qemu-img)' "\$@"
EOF
chmod +x bin/qemu-img
at_exit 'echo quit >&9'
echo 'list --all' >&9
ok env PATH="$WORK/bin:$PATH" "$OFFSHOT" -c "$uri" create vm s1 --disk-only --sandbox=off
assert_stderr_contains "daemon was started meanwhile"
assert_stderr_contains "run \`offshot publish vm -c '$uri' --run\`"

# it knows nothing of s1, and then it does
echo 'snapshot-list vm --name' >&9
echo 'domblklist vm' >&9
wait_until grep -qF "$WORK/a.qcow2" "$SCRATCH/said"
assert_equal "$(grep -cx s1 "$SCRATCH/said")" 0 's1 in what virsh said'
ok "$OFFSHOT" -c "$uri" publish vm
sed 's/^virsh -c [^ ]* //' "$STDOUT" >&9
echo 'snapshot-list vm --name' >&9
wait_until grep -qx s1 "$SCRATCH/said"
echo 'domblklist vm' >&9
wait_until grep -qF "$WORK/a.s1" "$SCRATCH/said"
echo quit >&9
wait_until "$OFFSHOT" -c "$uri" create vm s2 --disk-only 2>"$SCRATCH/refused"
assert_equal "$(virsh_embed "$root" snapshot-list vm --name)" $'s1\ns2' snapshots
