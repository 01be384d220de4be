#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same request through virsh and through offshot selects the same disks, names the same overlays, and
# leaves the same snapshot XML and the same sources in the domain XML.
. "${srcdir:?}/lib/lib.sh"

need qemu-img xmllint
need_virsh_embed

# Two libvirt roots with the same domain: "virsh" is the oracle.
make_root()
{
    local root=$WORK/$1 image

    embed_prepare "$root"
    mkdir -p "$root/img" "$root/lib/qemu/snapshot"
    for image in a.qcow2 c.qcow2 d.tar.qcow2 noext; do
        make_image "$root/img/$image" qcow2 1M
    done
    for image in b.raw cd.iso floppy.img ro.raw; do
        make_image "$root/img/$image" raw 1M
    done
    cp -R "$root/img" "$root/img.orig"
    write_domain "$root" >"$root/vm.xml"
}

# In the order of libvirt, which keeps the disks of a bus together.
#
# disk TARGET BUS DEVICE FORMAT SOURCE [ATTRIBUTE] [ELEMENT]: SOURCE is empty for a drive without media.
disk()
{
    echo "    <disk type='file' device='$3'${6:+ $6}>"
    echo "      <driver name='qemu' type='$4'/>"
    [ -z "$5" ] || echo "      <source file='$5'/>"
    echo "      <target dev='$1' bus='$2'/>${7-}"
    echo "    </disk>"
}

write_domain()
{
    local img=$1/img

    domain_xml vm | sed '/<\/devices>/,$d'
    disk vda virtio disk qcow2 "$img/a.qcow2"
    disk vdb virtio disk raw "$img/b.raw"
    disk vdc virtio disk raw "$img/ro.raw" '' '<readonly/>'
    disk vdd virtio disk qcow2 "$img/c.qcow2" "snapshot='no'"
    disk vde virtio disk qcow2 "$img/d.tar.qcow2" "snapshot='external'"
    disk vdf virtio disk qcow2 "$img/noext" "snapshot='manual'"
    disk sda sata cdrom raw "$img/cd.iso" '' '<readonly/>'
    disk sdb sata cdrom raw ''
    disk fda fdc floppy raw "$img/floppy.img"
    disk fdb fdc floppy raw ''
    echo '  </devices>'
    echo '</domain>'
}

reset_root()
{
    local root=$WORK/$1

    rm -rf "$root/img" "$root/lib/qemu/snapshot/vm"
    cp -R "$root/img.orig" "$root/img"
    cp "$root/vm.xml" "$root/etc/qemu/vm.xml"
}

# The facts of a root that both must agree on: what is not the embedded domain in the snapshots, the sources
# and formats in every domain, the images.
outcome()
{
    local root=$WORK/$1 files

    files=("$root/etc/qemu/vm.xml")
    mapfile -t -O 1 files < <(find "$root/lib/qemu/snapshot" -name '*.xml' | sort)
    {
        xmllint --xpath '/domainsnapshot/*[not(self::domain)] | //devices/disk/target/@dev
            | //devices/disk/source/@file | //devices/disk/driver/@type' "${files[@]}"
        ls "$root/img"
    } | sed "s,$root,ROOT,g; s/<creationTime>[0-9]*</<creationTime>0</"
}

# Formats, sizes and links of the images that virsh or offshot made.
images()
{
    local root=$WORK/$1 image

    for image in "$root"/img/*; do
        [ -e "$root/img.orig/${image##*/}" ] || qemu-img info --output=json -U -- "$image"
    done | jq -r '[.filename, .format, .["virtual-size"], .["full-backing-filename"],
        .["backing-filename-format"]] | map(tostring) | join(" ")' | sed "s,$root,ROOT,g"
}

both()
{
    local arguments=("$@") status

    LAST=$*
    virsh_embed "$WORK/virsh" snapshot-create-as vm "${arguments[@]//ROOT/$WORK/virsh}" \
        >"$STDOUT" 2>"$STDERR"
    status=$?
    [ "$status" = 0 ] || sed 's/^/virsh: /' "$STDERR"
    run "$OFFSHOT" -c "qemu:///embed?root=$WORK/offshot" create vm "${arguments[@]//ROOT/$WORK/offshot}"
    OFFSHOT_STATUS=$STATUS
    VIRSH_STATUS=$status
}

compare_roots()
{
    [ "$(outcome virsh | grep -c 'file=')" -gt 1 ] || fail 'there is nothing to compare'
    diff <(outcome virsh) <(outcome offshot) || fail "virsh (<) and offshot (>) differ: $*"
    diff <(images virsh) <(images offshot) || fail "virsh (<) and offshot (>) differ: $*"
}

# same [ARGUMENT...]: snapshot s1 with these arguments; both succeed.
same()
{
    reset_root virsh
    reset_root offshot
    both s1 "$@" --disk-only
    assert_equal "$VIRSH_STATUS" 0 'status of virsh'
    assert_equal "$OFFSHOT_STATUS" 0 'status of offshot'
    compare_roots "$@"
}

# neither STATUS [ARGUMENT...]: both fail, offshot with STATUS and without a trace.
neither()
{
    local want=$1 before

    shift
    reset_root virsh
    reset_root offshot
    before=$(snapshot_state "$WORK/offshot")
    both s1 "$@" --disk-only
    assert_equal "$VIRSH_STATUS" 1 'status of virsh'
    assert_equal "$OFFSHOT_STATUS" "$want" 'status of offshot'
    assert_unchanged "$WORK/offshot" "$before"
}

make_root virsh
make_root offshot

same
same 'a description'
same $'two\nlines & <angles> "quotes"'
same --diskspec vda
same --diskspec vda,snapshot=no
same --diskspec vda,snapshot=external
same --diskspec vda,snapshot=manual
same --diskspec vda,snapshot=no --diskspec vdb,snapshot=no
same --diskspec ROOT/img/a.qcow2,snapshot=no
same --diskspec ROOT/img/b.raw,file=ROOT/img/other.qcow2
same --diskspec vda,file=ROOT/img/x --diskspec vdb,file=ROOT/img/y
same --diskspec vdb,driver=qcow2
same --diskspec vdb,driver=qed
same --diskspec vda,driver=qcow2,file=ROOT/img/z.img
same --diskspec vda,file=ROOT/img/z.img,snapshot=external,driver=qcow2
same --diskspec vda,stype=file
same --diskspec vda,stype=file,file=ROOT/img/z
same --diskspec sda
same --diskspec sda,snapshot=external
same --diskspec sdb,snapshot=no
same --diskspec fda,snapshot=no
same --diskspec fda,snapshot=external
same --diskspec fdb,snapshot=no
same --diskspec vdc
same --diskspec vdc,snapshot=external
same --diskspec vdd
same --diskspec vdd,snapshot=external
same --diskspec vdd,file=ROOT/img/new
same --diskspec vde
same --diskspec vde,snapshot=no
same --diskspec vde,snapshot=manual
same --diskspec vdf
same --diskspec vdf,snapshot=external
same --diskspec vdf,driver=qcow2
same --diskspec vda,snapshot=no --diskspec vdb,snapshot=no --diskspec fda,snapshot=no
same --diskspec ROOT/img/cd.iso,snapshot=external
same --memspec snapshot=no
same --no-metadata
same --atomic
same --diskspec 'vda,file=ROOT/img/with space'
same --diskspec vdb,snapshot=no --diskspec vda,file=ROOT/img/first

neither 2 --diskspec vda --diskspec vda
neither 2 --diskspec vda --diskspec ROOT/img/a.qcow2
neither 4 --diskspec vdx
neither 4 --diskspec ROOT/img/none
neither 4 --diskspec img/a.qcow2
neither 2 --diskspec vda,snapshot=never
neither 2 --diskspec vda,snapshot=no,file=ROOT/img/x
neither 2 --diskspec vdb,driver=raw
neither 8 --diskspec vda,file=ROOT/img/b.raw
neither 8 --diskspec sdb,snapshot=external
neither 2 --diskspec vda,snapshot=no --diskspec vdb,snapshot=no --diskspec fda,snapshot=no \
    --diskspec vde,snapshot=no
neither 8 --memspec ROOT/img/memory

# a second and a third one: parents, and what is current
reset_root virsh
reset_root offshot
for name in one two three; do
    both "$name" --disk-only
    assert_equal "$VIRSH_STATUS$OFFSHOT_STATUS" 00 'both statuses'
    compare_roots "$name"
    assert_equal "$(virsh_embed "$WORK/virsh" snapshot-current vm --name)" "$name" current
    assert_equal "$(virsh_embed "$WORK/offshot" snapshot-current vm --name)" "$name" current
done
both two --disk-only
assert_equal "$VIRSH_STATUS" 1 'status of virsh'
assert_equal "$OFFSHOT_STATUS" 8 'status of offshot'
compare_roots 'a name that exists'
