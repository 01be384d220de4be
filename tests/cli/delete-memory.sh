#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The file with the memory of a snapshot goes with it when it is proven to be that and nothing else; a stored
# snapshot may name any file.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/held.sh"
. "${srcdir:?}/lib/memory.sh"

need qemu-img qemu-io qemu-storage-daemon xmllint

make_image a.img qcow2 1M
make_domain vm vda:qcow2:a.img
for n in 1 2 3; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 "0x1$n" "$((n * 64))k" 64k
    ok "$OFFSHOT" create ./vm.xml "s$n" --disk-only
done
held_remember
cp -a . "$SCRATCH/tree"

# tree: s1 <- s2 <- s3; the memory of s2 is in the file memory.
tree()
{
    rm -rf ./* .vm.offshot
    cp -a "$SCRATCH/tree/." .
    give_memory s2 memory
}

# stays REASON [OPTION...]: s2 goes, and the file stays for that reason.
stays()
{
    local reason=$1 before

    shift
    before=$(stat -L -c '%i %s %Y' memory; sha256sum memory 2>/dev/null)
    run "$OFFSHOT" delete ./vm.xml s2 "$@"
    assert_status 0
    assert_stderr_contains "snapshot 's2': its memory stays in '$WORK/memory'$reason"
    assert_equal "$(stat -L -c '%i %s %Y' memory; sha256sum memory 2>/dev/null)" "$before" 'the file'
    assert_absent vm.snapshots/s2.xml
}

domain_xml other >"$SCRATCH/other.xml"

# both words that libvirt begins such a file with
for magic in LibvirtQemudSave LibvirtQemudPart; do
    tree
    save_image vm.xml "$magic" >memory
    ok "$OFFSHOT" delete ./vm.xml s2 --dry-run
    assert_stdout_contains "$WORK/memory"
    assert_exists memory
    ok "$OFFSHOT" delete ./vm.xml s2
    assert_stderr_empty
    assert_absent memory
    held_check 3
done

# what is not that
tree
save_image "$SCRATCH/other.xml" >memory
stays ', since it is of another domain'
tree
sed "s,<uuid>.*,<uuid>$(domain_uuid other)</uuid>," vm.xml >"$SCRATCH/same-name.xml"
save_image "$SCRATCH/same-name.xml" >memory
stays ', since it is of another domain'
tree
echo 'no memory' >memory
stays ', since it is not memory that libvirt has saved'
tree
: >memory
stays ', since it is not memory'
tree
save_image vm.xml libvirtqemudsave >memory
stays ', since it is not memory'
tree
save_image vm.xml LibvirtQemudSave 9 >memory
stays ', since it is memory that libvirt has saved in a form that is not known'
tree
save_image vm.xml LibvirtQemudSave 2 20 >memory
stays ', since it does not say of which domain it is'
tree
save_image <(head -c 300 vm.xml) >memory
stays ', since it is of another domain'

# what is more than that
tree
save_image vm.xml >memory
ln memory second-name
stays ', since it has more than one name'
tree
save_image vm.xml >elsewhere
ln -s elsewhere memory
stays ', since it is a symbolic link'
assert_exists elsewhere
tree
mkdir memory
stays ', since it is no regular file'
tree
mkfifo memory
run timeout 20 "$OFFSHOT" delete ./vm.xml s2
assert_status 0
assert_stderr_contains 'it is no regular file'

# what was written over it since: libvirt saves memory as soon as it has noted the time, and never again
taken=$(xmllint --xpath 'string(//creationTime)' "$SCRATCH/tree/vm.snapshots/s2.xml")
tree
save_image vm.xml >memory
touch -d "@$((taken + 86500))" memory
stays ', since it was written more than a day after the snapshot was taken'
for written in $((taken + 86300)) $((taken - 1000000)); do
    tree
    save_image vm.xml >memory
    touch -d "@$written" memory
    ok "$OFFSHOT" delete ./vm.xml s2
    assert_absent memory
done

# what others need
tree
save_image vm.xml >memory
give_memory s1 memory
stays ", since snapshot 's1' may need it"
ok "$OFFSHOT" delete ./vm.xml s1
assert_absent memory
tree
save_image vm.xml >memory
mkdir directory
ln -s . directory/same
give_memory s3 directory/same/../memory
stays ", since snapshot 's3' may need it"
tree
save_image vm.xml >memory
give_memory s3 ./memory
ok "$OFFSHOT" delete ./vm.xml s2 --children
assert_absent memory
assert_stderr_empty

# a raw disk whose guest has written just that to its beginning
tree
save_image vm.xml >memory
truncate -s 1M memory
sed -i "s,</devices>,$(disk_xml vdb:raw:memory | tr -d '\n')&," vm.xml
save_image vm.xml >new
dd if=new of=memory conv=notrunc status=none
stays ', since it is an image'

# what is not there, what nobody may touch, what is only forgotten
tree
ok "$OFFSHOT" delete ./vm.xml s2
assert_stderr_contains "the file '$WORK/memory' with its memory is not there any more"
tree
save_image vm.xml >memory
stays ': remove the file if nothing needs it' --metadata
tree
save_image vm.xml >memory
chmod 400 memory
stays ', since it is read-only'
tree
save_image vm.xml >memory
if chattr +i memory 2>/dev/null; then
    stays ', since it is read-only'
    chattr -i memory
    tree
    mkdir fixed
    save_image vm.xml >fixed/memory
    give_memory s2 fixed/memory
    chattr +a fixed
    at_exit "chattr -ai '$WORK/fixed' 2>/dev/null"
    # only the kernel refuses that, which must not be half way
    assert_refuses 8 "$WORK/fixed" "$OFFSHOT" delete ./vm.xml s2
    chattr -a +i fixed
    ok "$OFFSHOT" delete ./vm.xml s2
    assert_stderr_contains 'since its directory is read-only'
    assert_exists fixed/memory
    chattr -i fixed
fi
tree
save_image vm.xml >memory
hold_image memory raw
assert_refuses 5 "$WORK/memory" "$OFFSHOT" delete ./vm.xml s2
release_images
ok "$OFFSHOT" delete ./vm.xml s2
assert_absent memory
