#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# edit, as virsh does it: the same edit of the same tree by either gives the same tree, texts and remarks, and
# virsh loads what we made. Where virsh breaks the tree (children of a renamed snapshot, what is current then,
# disks that are left out), we do not.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/virsh.sh"

need qemu-img jq xmllint
need_virsh_embed

virsh_domain qcow2
for name in s1 s2 s3; do
    ours create "$name" --disk-only
done
cp -R "$STORE" "$SCRATCH/store"

restore()
{
    rm -rf "$STORE"
    cp -R "$SCRATCH/store" "$STORE"
}

# Everything virsh knows of the snapshots, from one start of it.
everything()
{
    local file commands='snapshot-list vm --parent; snapshot-list vm --tree'

    ! grep -q '<active>1' "$STORE"/*.xml || commands+='; snapshot-current vm --name'
    for file in "$STORE"/*.xml; do
        commands+="; snapshot-dumpxml vm $(basename "$file" .xml)"
    done
    virsh_embed "$ROOT" "$commands" || fail "virsh: $commands"
}

# both EDITOR ARGUMENT...: by virsh, then by us.
both()
{
    export EDITOR=$1

    shift
    restore
    run virsh -c "$EMBED" snapshot-edit vm "$@"
    grep -v '^ *$' "$STDOUT" >"$SCRATCH/said"
    echo "status $STATUS" >>"$SCRATCH/said"
    everything >"$SCRATCH/theirs"
    restore
    run "$OFFSHOT" -c "$EMBED" edit vm "$@"
    echo "status $STATUS" >>"$STDOUT"
    diff "$SCRATCH/said" "$STDOUT" || fail 'other words'
    everything >"$SCRATCH/ours"
    diff "$SCRATCH/theirs" "$SCRATCH/ours" || fail 'another result'
    assert_store_valid
}

both 'true' s2
both "sed -i 's,<state>,<description>a \&lt;b\&gt;</description><state>,'" s2
grep -q 'a &lt;b&gt;' "$SCRATCH/ours" || fail 'nothing was edited'
both "sed -i 's,<vcpu,<title>later</title><vcpu,'" s1
both "sed -i 's,<state>,<description>new</description><state>,'" --current
both "sed -i 's,<state>,<description>new</description><state>,'" --snapshotname s2 --current
both 'true' s1 --current
both "sed -i '/<parent>/,/<.parent>/s/s2/s1/'" s3
both "sed -i '/<parent>/,/<.parent>/d'" s2
both "sed -i '/^  <name>/s/s2/new/'" s2 --clone
both "sed -i '/^  <name>/s/s3/new/'" s3 --clone --current
both "sed -i 's,<state>,<description>new</description><state>,'" s2 --rename

# refused by both
refused()
{
    export EDITOR=$1

    shift
    restore
    run virsh -c "$EMBED" snapshot-edit vm "$@"
    assert_status 1
    run "$OFFSHOT" -c "$EMBED" edit vm "$@"
    [ "$STATUS" != 0 ] || fail 'we do it'
    assert_stdout_empty
    diff -r "$SCRATCH/store" "$STORE" || fail 'the store has changed'
}

refused "sed -i '/^  <name>/s/s2/new/'" s2
refused "sed -i '/^  <name>/s/s2/new/'" s2 --rename --clone
refused false s2
refused true

# where we are better
export EDITOR="sed -i '/^  <name>/s/s2/new/'"
restore
ours edit s2 --rename
assert_stdout 'Snapshot s2 renamed to new.'
agree_on 'new s1 false;s1 - false;s3 new true;'
assert_absent "$STORE/s2.xml"
export EDITOR="sed -i '/^  <name>/s/s3/new/'"
restore
ours snapshot-edit s3 --rename
agree_on 'new s2 true;s1 - false;s2 s1 false;'
export EDITOR="sed -i '/<disks>/,/<.disks>/d'"
restore
run "$OFFSHOT" -c "$EMBED" edit vm s2
assert_error 8 '<disks>'
diff -r "$SCRATCH/store" "$STORE" || fail 'the store has changed'
