#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A snapshot's XML, valid by the schema, that somebody else made: it calls the image of another machine, in another
# directory, an overlay or a frozen image of its own. Whatever is done with that snapshot, the image stays as it is.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# disk SOURCE: one of a snapshot
disk()
{
    echo "<disk name='vda' snapshot='external' type='file'><driver type='qcow2'/><source file='$1'/></disk>"
}

# claim OVERLAY REVERTED FROZEN: a snapshot, OVERLAY its overlay and REVERTED one of a revert (''; none)
claim()
{
    local definition

    definition=$(domain_xml vm "vda:qcow2:$3" | sed '/^<?xml/d')
    cat >claim.xml <<EOF
<domainsnapshot>
  <name>claim</name><state>shutoff</state><creationTime>1795990000</creationTime><memory snapshot='no'/>
  <disks>$(disk "$1")</disks>
  ${2:+<revertDisks>$(disk "$2")</revertDisks>}
  $definition
</domainsnapshot>
EOF
}

fresh()
{
    cd "$WORK" || exit 99
    rm -rf case
    mkdir -p case/mine case/victim
    cd case || exit 99
    make_image victim/base.qcow2 qcow2 1M
    pattern_write victim/base.qcow2 qcow2 0x76 0 64k
    make_image victim/alone.qcow2 qcow2 1M
    pattern_write victim/alone.qcow2 qcow2 0x77 0 64k
    make_image victim/top.qcow2 qcow2 1M -b base.qcow2 -F qcow2
    pattern_write victim/top.qcow2 qcow2 0x78 0 64k
    make_image mine/a.qcow2 qcow2 1M
    make_domain vm "vda:qcow2:$PWD/mine/a.qcow2"
    before=$(sums)
}

sums()
{
    sha256sum victim/base.qcow2 victim/alone.qcow2 victim/top.qcow2
}

# survives OVERLAY REVERTED FROZEN: whatever is done with a snapshot that says so
survives()
{
    local command

    for command in 'delete ./vm.xml claim' 'delete ./vm.xml claim --strategy=commit' \
        'delete ./vm.xml claim --strategy=rebase' 'revert ./vm.xml claim' 'flatten ./vm.xml' \
        'delete ./vm.xml claim --children'; do
        fresh
        claim "${@/#/$PWD/}"
        [ -n "$2" ] || claim "$PWD/$1" '' "$PWD/$3"
        run "$OFFSHOT" create ./vm.xml --xml claim.xml --redefine --validate
        [ "$STATUS" = 0 ] || [ "$STATUS" -ge 3 ] || fail "status $STATUS of --redefine"
        # shellcheck disable=SC2086 # words
        run "$OFFSHOT" $command
        [ "$STATUS" = 0 ] || [ "$STATUS" -ge 6 ] || fail "status $STATUS of $command"
        assert_equal "$(sums)" "$before" "the images of others after $command"
        [ "$command" != 'revert ./vm.xml claim' ] || run "$OFFSHOT" delete ./vm.xml claim
        assert_equal "$(sums)" "$before" "the images of others after $command and a delete"
    done
}

survives mine/a.qcow2 victim/alone.qcow2 victim/alone.qcow2
survives mine/a.qcow2 victim/alone.qcow2 mine/a.qcow2
survives mine/a.qcow2 victim/top.qcow2 mine/a.qcow2
survives victim/alone.qcow2 '' mine/a.qcow2
survives victim/top.qcow2 '' mine/a.qcow2
survives victim/alone.qcow2 victim/top.qcow2 mine/a.qcow2
survives mine/a.qcow2 mine/a.qcow2 victim/top.qcow2
