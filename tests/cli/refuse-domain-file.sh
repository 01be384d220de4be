#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A domain XML that is damaged, has a DOCTYPE, is too large, is no domain or names an image by a
# relative path is refused with exit 2; one behind a symbolic link, or with further names, with exit 8.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

make_image a.qcow2 qcow2 1M
make_domain good vda:qcow2:a.qcow2

bad()
{
    assert_refuses 2 "$1" "$OFFSHOT" create ./vm.xml s1 --disk-only
    assert_refuses 2 "$1" "$OFFSHOT" list ./vm.xml
}

: >vm.xml
bad 'vm.xml'
echo 'no xml' >vm.xml
bad 'vm.xml'
head -c 300 good.xml >vm.xml
bad 'vm.xml'
sed 's,</disk>,</disc>,' good.xml >vm.xml
bad 'vm.xml:'
{ echo '<!DOCTYPE domain [<!ENTITY x "y">]>'; cat good.xml; } >vm.xml
bad 'DOCTYPE'
{ echo '<!DOCTYPE domain SYSTEM "http://localhost/x.dtd">'; cat good.xml; } >vm.xml
bad 'DOCTYPE'
{ cat good.xml; head -c 1100000 /dev/zero | tr '\0' ' '; } >vm.xml
bad 'vm.xml'
sed 's,vm,\xff,' good.xml >vm.xml
printf '<domain><name>\xff\xfe</name></domain>' >vm.xml
bad 'vm.xml'
printf '<domain>%s%s</domain>' "$(printf '<a>%.0s' {1..600})" "$(printf '</a>%.0s' {1..600})" >vm.xml
bad 'vm.xml'
echo '<domainsnapshot><name>x</name></domainsnapshot>' >vm.xml
bad 'domain'
sed '/<name>/d' good.xml >vm.xml
bad 'name'
sed 's,vda,,' good.xml >vm.xml
bad 'target'
mkdir directory.xml
assert_refuses 2 'directory.xml' "$OFFSHOT" create ./directory.xml s1 --disk-only

# a relative source
sed "s,$WORK/,," good.xml >vm.xml
assert_refuses 2 'absolute' "$OFFSHOT" create ./vm.xml s1 --disk-only
# a symbolic link: who reads may follow it
rm vm.xml
ln -s good.xml vm.xml
assert_refuses 8 'symbolic link' "$OFFSHOT" create ./vm.xml s1 --disk-only
ok "$OFFSHOT" list ./vm.xml
ok "$OFFSHOT" create ./good.xml s1 --disk-only

# a hard link, which the renamed file would leave behind: by whatever rewrites the file
ok "$OFFSHOT" create ./good.xml s2 --disk-only
ln good.xml further.xml
for command in 'create ./good.xml s3 --disk-only' 'revert ./good.xml s1' 'delete ./good.xml s2 --strategy=commit'; do
    # shellcheck disable=SC2086 # a command and its arguments
    assert_refuses 8 "good.xml' has further names (hard links)" "$OFFSHOT" $command
done
cp vm.xml "$SCRATCH/copy"
mv "$SCRATCH/copy" good.xml
assert_same_file good.xml further.xml
rm further.xml
ok "$OFFSHOT" create ./good.xml s3 --disk-only
ln good.xml further.xml
# what does not rewrite it does not mind
ok "$OFFSHOT" create ./good.xml s4 --internal
ok "$OFFSHOT" create ./good.xml s5 --disk-only --keep-filename
