#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh [--keep DIR]: build offshot and show it at work on a sample domain, in a scratch directory that
# is removed at the end, or in the new directory DIR, which is kept.
set -eu

usage()
{
    echo 'usage: data/demo.sh [--keep DIR]' >&2
    exit 2
}

keep=
case $# in
0) ;;
2)
    if [ "$1" != --keep ] || [ -z "$2" ]; then
        usage
    fi
    keep=$2
    ;;
*) usage ;;
esac

top=$(cd "$(dirname "$0")/.." && pwd)
"$top/data/install-deps.sh" build
"$top/data/configure-build.sh"
make --silent -C "$top/build" -j"$(nproc)"
PATH=$top/build/src:$PATH
OFFSHOT_DATADIR=$top/data
export PATH OFFSHOT_DATADIR

if [ -n "$keep" ]; then
    mkdir -p "$(dirname "$keep")"
    mkdir "$keep"
    cd "$keep"
else
    scratch=$(mktemp -d)
    trap 'cd / && rm -rf "$scratch"' EXIT
    trap 'exit 1' HUP INT TERM
    cd "$scratch"
fi

bold=''
plain=''
if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then
    bold=$(printf '\033[1m')
    plain=$(printf '\033[0m')
fi

title()
{
    printf '\n%s# %s%s\n' "$bold" "$*" "$plain"
}

# show COMMAND...: say it as one would type it, run it.
show()
{
    printf '\n%s$' "$bold"
    for word; do
        case $word in
        *[!A-Za-z0-9_./=-]*) printf " '%s'" "$word" ;;
        *) printf ' %s' "$word" ;;
        esac
    done
    printf '%s\n' "$plain"
    "$@" </dev/null
}

# What a guest would do: write MiB $3 of disk $1 (format $2).
guest_writes()
{
    if command -v qemu-io >/dev/null; then
        show qemu-io -f "$2" -c "write -P $3 $3M 1M" "$1"
    fi
}

# Where the first disk is now.
active()
{
    sed -n "s|.*<source file='\(.*/system\.[^/']*\)'.*|\1|p" vm.xml
}

# The guest looks whether MiB $1 of its first disk is what it wrote there once; with "no": whether it is gone.
guest_reads()
{
    if command -v qemu-io >/dev/null; then
        if [ "${2-}" = no ]; then
            show qemu-io -r -f qcow2 -c "read -P 0 $1M 1M" "$(active)"
        else
            show qemu-io -r -f qcow2 -c "read -P $1 $1M 1M" "$(active)"
        fi
    fi
}

title 'A virtual machine that is shut off: two disks, one qcow2 and one raw'
show qemu-img create -q -f qcow2 system.qcow2 64M
show qemu-img create -q -f raw data.raw 32M
guest_writes system.qcow2 qcow2 1
guest_writes data.raw raw 1

cat >vm.xml <<EOF
<domain type='kvm'>
  <name>vm</name>
  <uuid>8a4f1d62-5b3e-4c79-9d10-2f6b7e3a9c05</uuid>
  <memory unit='MiB'>512</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
  </os>
  <devices>
    <!-- offshot changes a source and a driver type, and nothing else -->
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' discard='unmap'/>
      <source file='$PWD/system.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw' cache='none'/>
      <source file='$PWD/data.raw'/>
      <target dev='vdb' bus='virtio'/>
    </disk>
  </devices>
</domain>
EOF
cp vm.xml vm.xml.before

title 'Three snapshots; between them the guest writes'
show offshot create vm.xml installed 'Freshly installed' --disk-only
guest_writes system.installed qcow2 2
show offshot create vm.xml updated 'After the first update' --disk-only
guest_writes system.updated qcow2 3
show offshot create vm.xml configured 'The active images keep their names' --disk-only --keep-filename

title 'What is there'
show offshot list vm.xml
show offshot list vm.xml --tree
show offshot info vm.xml configured

title 'What has changed in the domain XML'
show diff -u vm.xml.before vm.xml || [ $? = 1 ]

title 'The chain of images behind the first disk'
show qemu-img info --backing-chain -f qcow2 system.updated

title 'An update goes wrong: back, but keep what there is for a look at it later'
guest_writes system.updated qcow2 4
show offshot revert vm.xml updated --save-as broken
show offshot list vm.xml --tree
guest_reads 3 no
guest_reads 2

title 'Snapshots inside of the qcow2 image cost next to nothing; a snapshot may mix both kinds'
show offshot create vm.xml trial --internal --diskspec vdb,snapshot=external
guest_writes "$(active)" qcow2 5
show offshot revert vm.xml trial
guest_reads 5 no
show offshot info vm.xml trial

title 'The oldest snapshot goes; --dry-run says which way data would be moved, and how much'
show offshot delete vm.xml installed --dry-run
show offshot delete vm.xml installed
show offshot list vm.xml --tree
guest_reads 1
guest_reads 2

title 'What was put aside, copied out as standalone images; then its whole branch goes'
mkdir copies
show offshot extract vm.xml broken -o copies
show qemu-img info -f qcow2 copies/vda.qcow2
show offshot delete vm.xml configured --children
show offshot delete vm.xml trial
show offshot list vm.xml

title 'The active images no longer need any other'
show offshot flatten vm.xml
show qemu-img info --backing-chain -f qcow2 "$(active)"
guest_reads 2
show ls -sh .

[ -z "$keep" ] || printf '\nAll of it is in %s\n' "$PWD"
