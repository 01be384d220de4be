#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every filter of list, and each two of them, selects what virsh selects over a branching tree with
# snapshots of several kinds.
. "${srcdir:?}/lib/lib.sh"

need qemu-img xmllint
need_virsh_embed

root=$WORK/root
uri="qemu:///embed?root=$root"
make_image a.qcow2 qcow2 1M
make_image b.raw raw 1M
make_embed_domain "$root" vm vda:qcow2:a.qcow2 vdb:raw:b.raw
mkdir -p "$root/lib/qemu"

ours()
{
    ok "$OFFSHOT" -c "$uri" create vm "$1" --disk-only
}
theirs()
{
    run virsh_embed "$root" snapshot-create-as vm "$1" --disk-only
    assert_status 0
}
go_to()
{
    run virsh_embed "$root" snapshot-current vm "$1"
    assert_status 0
}
# running NAME PARENT STATE MEMORY DISKS: as libvirt records snapshots of running domains, by hand
running()
{
    cat >document.xml <<XML
<domainsnapshot>
  <name>$1</name>
  <state>$3</state>
  <parent><name>$2</name></parent>
  <creationTime>1700000000</creationTime>
  $4
  <disks>$5</disks>
$(virsh_embed "$root" dumpxml vm)
</domainsnapshot>
XML
    run virsh_embed "$root" snapshot-create vm document.xml --redefine
    assert_status 0
}

# root -+- s1 -+- s2 --- s4
#       |      +- s3 -+- running --- running-internal
#       |             +- disk-only
#       +- Other            and a root without children
ours root
ours s1
theirs s2
ours s4
go_to s1
theirs s3
running running s3 running "<memory snapshot='external' file='/x/memory'/>" \
    "<disk name='vda' snapshot='external' type='file'><driver type='qcow2'/><source file='/x/a'/></disk>
    <disk name='vdb' snapshot='no'/>"
running running-internal running paused "<memory snapshot='internal'/>" \
    "<disk name='vda' snapshot='internal'/><disk name='vdb' snapshot='internal'/>"
running disk-only s3 disk-snapshot "<memory snapshot='no'/>" \
    "<disk name='vda' snapshot='external' type='file'><driver type='qcow2'/><source file='/x/b'/></disk>
    <disk name='vdb' snapshot='no'/>"
go_to root
ours Other
sed "s,<parent>.*</parent>,,; s,<name>disk-only</name>,<name>alone</name>," document.xml >alone.xml
run virsh_embed "$root" snapshot-create vm alone.xml --redefine
assert_status 0
go_to s1

# one virsh for all requests
filters=('' --roots --leaves --no-leaves --internal --external --inactive --active --disk-only --metadata --no-metadata
    --topological --current '--current --descendants' '--from s1' '--from root --descendants' '--from s3'
    '--from s3 --descendants' '--from alone')
requests=()
for filter in "${filters[@]}"; do
    for second in '' --leaves --no-leaves --internal --external --inactive --active --disk-only \
        --topological; do
        [ -z "$second" ] || [ "$filter" != "$second" ] || continue
        case $filter$second in
        --leaves--no-leaves | --no-leaves--leaves) continue ;; # all or none: virsh and libvirt differ
        esac
        requests+=("$filter${second:+ $second}")
    done
done
requests+=('--internal --external' '--roots --leaves' '--roots --no-leaves' '--inactive --disk-only'
    '--active --inactive --disk-only' '--leaves --external --inactive' \
        '--from root --descendants --leaves --external')
script=
for number in "${!requests[@]}"; do
    script+="echo == $number :; snapshot-list vm --name ${requests[number]}; "
done
virsh_embed "$root" "$script" >"$SCRATCH/virsh" 2>"$STDERR" || fail "virsh does not list: $(cat "$STDERR")"
sed -i 's/== [0-9]* :/\n&\n/g' "$SCRATCH/virsh" # a quiet echo ends no line

for number in "${!requests[@]}"; do
    request=${requests[number]}
    # shellcheck disable=SC2086 # words
    ok "$OFFSHOT" -c "$uri" list vm --name $request
    want=$(awk -v at="== $number :" '$0 == at { on = 1; next } /^==/ { on = 0 } on && NF' "$SCRATCH/virsh")
    have=$(cat "$STDOUT")
    case $request in
    *topological*)
        # any order with parents before children will do
        for name in $have; do
            parent=$("$OFFSHOT" -c "$uri" parent vm "$name" 2>/dev/null) || continue
            ! sed "/^$name\$/,\$!d" "$STDOUT" | grep -x -e "$parent" || fail "$name is listed before $parent"
        done
        have=$(sort "$STDOUT")
        want=$(sort <<<"$want")
        ;;
    esac
    assert_equal "$have" "$want" "names with '$request'"
done
