#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Stored snapshots of others, with all that may be in them and that we do not know: whatever happens to the tree,
# only the bytes change that have to.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io

# s1 <- s2 <- s3 and their images; s1 and s2 are then dressed up as nobody writes them
make_image a.img qcow2 1M
make_domain vm vda:qcow2:a.img
for n in 1 2 3; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$n" "$((n * 64))k" 64k
    ok "$OFFSHOT" create ./vm.xml "s$n" --disk-only
done

# snapshot NAME PARENT OVERLAY SOURCE CHAIN ACTIVE [OTHER]: as it is stored. OTHER, or SOURCE, is named where it is
# no image.
snapshot()
{
    local other=${7-$4}

    cat <<XML
<?xml version="1.0" encoding="UTF-8"?>
<?our instruction?>
<!-- made by hand: <active>0</active> -->
<domainsnapshot   xmlns:my='urn:my'
	xmlns="" my:own="1"  future='2'>
  <my:note xml:lang="de"><![CDATA[<parent><name>no</name></parent> ]]]]><![CDATA[>]]></my:note>
  <name>$1</name><futureElement a='1'
    b="2"/>
  <description>a &amp; b &#x41; <![CDATA[<source file='$other'/>]]></description>
  <state  >disk-snapshot</state >
$2  <creationTime>
    1700000000	</creationTime>
  <memory snapshot="no"   future='3'/>
  <disks future='4'><!-- <disk name='vda'/> -->
    <disk snapshot='external'   my:own="5" name='vda' type="file"><future/>
      <driver   type="qcow2" future='6'><metadata_cache><max_size unit='bytes'>1048576</max_size></metadata_cache></driver>
      <source   file="$3"  index='1'><seclabel model='dac' relabel='no'/><my:deep>$other</my:deep></source>
    </disk>
    <disk name='vdz' snapshot='no' future='7'/>
    <disk name='vdy' snapshot='manual'></disk>
  </disks>
  <domain type='qemu' my:own='8'>
    <name>vm</name><uuid>$(domain_uuid vm)</uuid>
    <metadata><my:data file='$other'><source file='$other'/></my:data></metadata>
    <os><type>hvm</type></os>
    <devices>
      <disk type='file' device='disk'><alias name='x'/>
        <driver name='qemu' type='qcow2' cache='none'/>
        <source file='$4' index="2"/>
$5        <target dev='vda' bus='virtio'/>
      </disk>
      <serial><source path='$other'/></serial>
    </devices>
  </domain>
  <inactiveDomain type='qemu'>
    <name>vm</name><uuid>$(domain_uuid vm)</uuid>
    <os><type>hvm</type></os>
    <devices><!-- the same -->
      <disk type='file' device='disk'>
        <driver name='qemu' type='qcow2'/>
        <source file='$4'/>
$5        <target dev='vda' bus='virtio'/>
      </disk>
    </devices>
  </inactiveDomain>
  <cookie><my:cookie file='$other'/><cpu mode='custom'/></cookie>
  <futureEnd/><active >$6</active
  >
</domainsnapshot   >
<!-- the end -->
XML
}

# parent NAME, chain SOURCE [BELOW]: parts of it, with the line breaks
parent()
{
    printf "  <parent my:own='9'><!-- of old --><name\n>%s</name><future/></parent>\n." "$1"
}

chain()
{
    printf "        <backingStore type='file'>\n          <format type='qcow2'/>\n          <source file='%s'/>\n" "$1"
    [ $# = 1 ] || printf "          <!-- and so on -->\n"
    printf '          <backingStore/>\n        </backingStore>\n.'
}

# write NAME PARENT OVERLAY SOURCE CHAIN ACTIVE: into the store
write()
{
    snapshot "$@" >"vm.snapshots/$1.xml"
}

# expect NAME ...: this is what is in the store
expect()
{
    snapshot "$@" >"$SCRATCH/want.xml"
    diff "$SCRATCH/want.xml" "vm.snapshots/$1.xml" || fail "'$1' has changed otherwise"
}

# the dots save the line breaks
p1=$(parent s1) p2=$(parent s2) c0=$(chain "$WORK/a.img")
p1=${p1%.} p2=${p2%.} c0=${c0%.}
write s1 '' "$WORK/a.s1" "$WORK/a.img" '' 0
write s2 "$p1" "$WORK/a.s2" "$WORK/a.s1" "$c0" 0
c1=$(chain "$WORK/a.s1")
c1=${c1%.}
write s3 "$p2" "$WORK/a.s3" "$WORK/a.s2" "$c1" 1
cp -a . "$SCRATCH/tree"
fresh()
{
    rm -rf ./* .vm.offshot
    cp -a "$SCRATCH/tree/." .
}

# a new snapshot and a revert change who is current
ok "$OFFSHOT" create ./vm.xml s4 --disk-only
expect s1 '' "$WORK/a.s1" "$WORK/a.img" '' 0
expect s2 "$p1" "$WORK/a.s2" "$WORK/a.s1" "$c0" 0
expect s3 "$p2" "$WORK/a.s3" "$WORK/a.s2" "$c1" 0
ok "$OFFSHOT" revert ./vm.xml s3
pattern_check "$(domain_source vm.xml vda)" qcow2 0x13 192k 64k
expect s2 "$p1" "$WORK/a.s2" "$WORK/a.s1" "$c0" 0
# its overlay is listed anew, in revertDisks where it has a child
sed '/<revertDisks>/,/<\/revertDisks>/d' vm.snapshots/s3.xml >"$SCRATCH/s3.xml"
snapshot s3 "$p2" "$WORK/a.s3" "$WORK/a.s2" "$c1" 1 | diff - "$SCRATCH/s3.xml" || fail "'s3' has changed otherwise"

# forgotten: the parent of the child
fresh
ok "$OFFSHOT" delete ./vm.xml s2 --metadata
expect s1 '' "$WORK/a.s1" "$WORK/a.img" '' 0
expect s3 "$p1" "$WORK/a.s3" "$WORK/a.s2" "$c1" 1
fresh
ok "$OFFSHOT" delete ./vm.xml s1 --metadata
expect s2 '' "$WORK/a.s2" "$WORK/a.s1" "$c0" 0

# merged down: where s3 is frozen moves, and its chain is another
fresh
ok "$OFFSHOT" delete ./vm.xml s2 --strategy=commit
expect s1 '' "$WORK/a.s1" "$WORK/a.img" '' 0
expect s3 "$p1" "$WORK/a.s3" "$WORK/a.s1" '' 1 "$WORK/a.s2"
pattern_check a.s1 qcow2 0x12 128k 64k
# merged up: the overlay of s1 is another, and what the chain of s3 stood on is gone
fresh
ok "$OFFSHOT" delete ./vm.xml s2 --strategy=rebase
expect s1 '' "$WORK/a.s2" "$WORK/a.img" '' 0
expect s3 "$p1" "$WORK/a.s3" "$WORK/a.s2" '' 1
fresh
ok "$OFFSHOT" delete ./vm.xml s1 --strategy=rebase
expect s2 '' "$WORK/a.s2" "$WORK/a.s1" '' 0
expect s3 "$p2" "$WORK/a.s3" "$WORK/a.s2" "$c1" 1
