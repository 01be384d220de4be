#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What edit refuses, changing nothing: what says where a snapshot's content is, a place in the tree that the
# images do not have, names, text that is wrong, a snapshot that was changed meanwhile. What the user wrote is
# kept, and it is said where.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq xmllint script

export TMPDIR=$SCRATCH/tmp
mkdir "$TMPDIR"
make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
for name in s1 s2 s3; do
    ok "$OFFSHOT" create ./vm.xml "$name" --disk-only --diskspec vdb,snapshot=no
done
ok "$OFFSHOT" create ./vm.xml in

# kept: the place that the last error names; $TMPDIR holds nothing else.
kept()
{
    sed -n "s/.*; the edited text is kept in '\(.*\)'$/\1/p" "$STDERR"
}

# refuses STATUS TEXT SED SNAP [ARGUMENT...]: an edit by the sed command SED; the text is kept.
refuses()
{
    local status=$1 text=$2 sed=$3

    shift 3
    EDITOR="sed -i $(printf '%q' "$sed")" assert_refuses "$status" "$text" "$OFFSHOT" edit ./vm.xml "$@"
    [ -e "$(kept)" ] || fail 'the text is not kept'
    assert_mode "$(kept)" 600
    assert_mode "$(dirname "$(kept)")" 700
    assert_equal "$(cat "$(kept)")" "$("$OFFSHOT" dumpxml ./vm.xml "$1" | sed '$d' | sed "$sed")" 'kept text'
    rm -r "$TMPDIR"/offshot-*
    assert_equal "$(ls -A "$TMPDIR")" '' 'what is left'
}

# what holds the snapshot
refuses 8 '<disks> of snapshot' 's,/a\.s2,/a.other,' s2
refuses 8 '<disks> of snapshot' '/<disks>/,/<.disks>/s/external/no/' s2
refuses 8 '<disks> of snapshot' '/<disks>/,/<.disks>/s/qcow2/qed/' s2
refuses 8 '<disks> of snapshot' '/<disks>/,/<.disks>/d' s2
refuses 8 'disks in <domain> of snapshot' 's,/a\.s1,/a.qcow2,' s2
refuses 8 'disks in <domain> of snapshot' "/<devices>/,\$s,type='qcow2',type='raw'," s2
refuses 8 'disks in <domain> of snapshot' 's/inode="/inode="1/' s2
refuses 8 'disks in <domain> of snapshot' '/<metadata>/d' s2
refuses 8 'disks in <domain> of snapshot' "s,<target,<transient/>&," s2
refuses 8 '<domain> of snapshot' 's,<name>vm<,<name>other<,' s2
refuses 8 '<domain> of snapshot' '/<uuid>/d' s2
refuses 8 '<state> of snapshot' 's/<state>shutoff/<state>disk-snapshot/' s2
refuses 8 '<creationTime> of snapshot' 's/<creationTime>/&1/' s2
refuses 8 '<revertDisks> of snapshot' \
    "s,<.disks>,&<revertDisks><disk name='vda' snapshot='external'><source file='/x'/></disk></revertDisks>," s2
refuses 2 'memory' "s,<memory snapshot='no'/>,<memory snapshot='external' file='/d/m'/>," s2

# the tree
refuses 8 "'s2' cannot be its own parent" '/<parent>/,/<.parent>/s/s1/s2/' s2
refuses 8 'one of its descendants' '/<parent>/,/<.parent>/s/s1/s3/' s2
refuses 4 "'gone'" '/<parent>/,/<.parent>/s/s1/gone/' s2

# names
refuses 8 --rename '/^  <name>s2/s/s2/new/' s2
refuses 8 "'s1' already" '/^  <name>s2/s/s2/s1/' s2 --rename
refuses 8 "'s1' already" '/^  <name>s2/s/s2/s1/' s2 --clone
refuses 2 'name' '/^  <name>s2/s/s2/-x/' s2 --rename
refuses 2 'name' '/^  <name>s2/s/s2/../' s2 --rename
refuses 8 'extract' '/^  <name>in/s/in/new/' in --clone

# … the tag has its name for good; the rest of such a snapshot can be edited
refuses 8 'revert to it' '/^  <name>in/s/in/new/' in --rename
EDITOR='sed -i s,<state>,<description>x</description>\&,' ok "$OFFSHOT" edit ./vm.xml in --rename
assert_stdout 'Snapshot in edited.'
assert_equal "$(image_info a.s3 qcow2 '.snapshots[].name')" in tag
ok "$OFFSHOT" revert ./vm.xml in

# no text of a snapshot
refuses 2 's2.xml:' 's,</domain>,,' s2
refuses 2 's2.xml' 'd' s2
refuses 2 's2.xml:1' '1s/.*/<!DOCTYPE x>&/' s2
refuses 2 's2.xml' '/<state>/d' s2
EDITOR='truncate -s 2M' assert_refuses 2 'longer' "$OFFSHOT" edit ./vm.xml s2
EDITOR='ln -sf /dev/zero' assert_refuses 2 's2.xml' "$OFFSHOT" edit ./vm.xml s2
rm -r "$TMPDIR"/offshot-*
EDITOR='rm' assert_refuses 2 'left no file' "$OFFSHOT" edit ./vm.xml s2
assert_equal "$(kept)" '' 'what is kept'
assert_equal "$(ls -A "$TMPDIR")" '' 'what is left'

# a branch: what does not stand on the one is no child of it, and it is not where the disks are
ok "$OFFSHOT" revert ./vm.xml s1
ok "$OFFSHOT" create ./vm.xml side --disk-only --diskspec vdb,snapshot=no
refuses 8 "does not stand on '$WORK/a.s1', which holds snapshot 's2'" '/<parent>/,/<.parent>/s/s1/s2/' side
refuses 8 "the active state does not stand on '$WORK/a.s2'" 's,<state>,<description>x</description>&,' s3 --current
EDITOR=true assert_refuses 8 "the active state does not stand on '$WORK/a.s2'" \
    "$OFFSHOT" edit ./vm.xml s3 --current
assert_equal "$(ls -A "$TMPDIR")" '' 'what is left'

# an image that would have to be compared is away; a description can be edited all the same
mv a.s1 away
refuses 7 "a.s1" '/<parent>/,/<.parent>/s/s1/s3/;s/s1/s3/' side
EDITOR="sed -i s,<state>,<description>x</description>\&," ok "$OFFSHOT" edit ./vm.xml s2
mv away a.s1

# the snapshot was changed, or deleted, meanwhile
export EDITOR="$SCRATCH/meanwhile"
cat >"$EDITOR" <<END
#!/bin/sh
sed -i 's,<state>,<description>mine</description>&,' "\$1"
EDITOR="sed -i 's,<state>,<description>theirs</description>&,'" "$OFFSHOT" edit ./vm.xml side -q
END
chmod +x "$EDITOR"
run "$OFFSHOT" edit ./vm.xml side
assert_error 8 'changed by somebody else meanwhile'
grep -q mine "$(kept)" || fail 'the text is not kept'
ok "$OFFSHOT" info ./vm.xml side --json
assert_equal "$(json '.snapshots[0].description')" theirs description
sed -i -e "s/^sed.*/echo >>\"\$1\"/" -e "s,^EDITOR=.*,'$OFFSHOT' delete ./vm.xml side --metadata -q," "$EDITOR"
run "$OFFSHOT" edit ./vm.xml side
assert_error 8 'changed by somebody else meanwhile'

# entries that cannot be read may be children
echo '<nothing' >vm.snapshots/wrong.xml
export EDITOR="sed -i '/^  <name>s2/s/s2/new/'"
run "$OFFSHOT" edit ./vm.xml s2 --rename
assert_status 8
assert_stderr_contains 'follow the new name'
assert_exists vm.snapshots/s2.xml
