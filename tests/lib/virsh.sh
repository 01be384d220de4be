# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests share that compare us with libvirt's QEMU driver in an embedded root; source it behind lib.sh.

ROOT=$WORK/root
EMBED="qemu:///embed?root=$ROOT"
STORE=$ROOT/lib/qemu/snapshot/vm

# ours COMMAND ARGUMENT...: offshot on the domain vm, which must succeed.
ours()
{
    local command=$1

    shift
    ok "$OFFSHOT" -c "$EMBED" "$command" vm "$@"
}

# theirs COMMAND ARGUMENT...: virsh on it, likewise.
theirs()
{
    local command=$1

    shift
    run virsh_embed "$ROOT" "$command" vm "$@"
    assert_status 0
}

# The tree as virsh sees it: "NAME PARENT CURRENT" by line.
their_tree()
{
    local name current parent

    current=$(virsh_embed "$ROOT" snapshot-current vm --name 2>/dev/null)
    virsh_embed "$ROOT" snapshot-list vm --name | while IFS= read -r name; do
        [ -n "$name" ] || continue
        parent=$(virsh_embed "$ROOT" snapshot-parent vm "$name" 2>/dev/null)
        echo "$name ${parent:--} $([ "$name" = "$current" ] && echo true || echo false)"
    done | LC_ALL=C sort
}

our_tree()
{
    ok "$OFFSHOT" -c "$EMBED" list vm --json
    json '.snapshots[] | [.name, .parent // "-", .current] | join(" ")' | LC_ALL=C sort
}

# agree [TREE]: both see one tree (TREE, when it is given: lines joined by ';'), every file is valid, and both
# show the same sources of the disks.
agree()
{
    local have disk

    have=$(our_tree)
    [ $# = 0 ] || assert_equal "$(printf '%s' "${have:+$have;}" | tr '\n' ';')" "$1" 'our tree'
    assert_equal "$(their_tree)" "$have" "virsh's tree"
    ! compgen -G "$STORE/*.xml" >/dev/null || assert_store_valid
    virsh_embed "$ROOT" dumpxml vm >"$SCRATCH/theirs.xml" || fail 'virsh cannot show the domain'
    for disk in vda vdb; do
        assert_equal "$(domain_source "$SCRATCH/theirs.xml" "$disk")" "$(active "$disk")" "source of $disk"
    done
}

# Both schemas accept all that is stored; libvirt's own may be older than <revertDisks>.
assert_store_valid()
{
    local file theirs=/usr/share/libvirt/schemas/domainsnapshot.rng

    for file in "$STORE"/*.xml; do
        if grep -q '<revertDisks>' "$file" && ! grep -qs revertDisks "$theirs"; then
            run xmllint --noout --relaxng "$OFFSHOT_DATADIR/schemas/domainsnapshot.rng" "$file"
            assert_status 0
        else
            assert_snapshot_valid "$file"
        fi
    done
}

# active DISK: the path of its active image; active_format DISK.
active()
{
    domain_source "$ROOT/etc/qemu/vm.xml" "$1"
}

active_format()
{
    domain_format "$ROOT/etc/qemu/vm.xml" "$1"
}

# The Nth pattern of a history goes to its own place of both disks; check_history N: the active state is that
# after writing 1 to N, and nothing of a later one.
write_history()
{
    pattern_write "$(active vda)" "$(active_format vda)" "0x1$1" "$(($1 * 64))k" 64k
    pattern_write "$(active vdb)" "$(active_format vdb)" "0x2$1" "$(($1 * 64))k" 64k
}

check_history()
{
    local number

    for number in 1 2 3 4 5; do
        if [ "$number" -le "$1" ]; then
            pattern_check "$(active vda)" "$(active_format vda)" "0x1$number" "$((number * 64))k" 64k
            pattern_check "$(active vdb)" "$(active_format vdb)" "0x2$number" "$((number * 64))k" 64k
        else
            pattern_check "$(active vda)" "$(active_format vda)" 0 "$((number * 64))k" 64k
            pattern_check "$(active vdb)" "$(active_format vdb)" 0 "$((number * 64))k" 64k
        fi
    done
}

# virsh_domain FORMAT: the domain vm with disks a.img (qcow2) and b.img (FORMAT), nothing on them.
virsh_domain()
{
    make_image a.img qcow2 1M
    make_image b.img "$1" 1M
    make_embed_domain "$ROOT" vm vda:qcow2:a.img vdb:"$1":b.img
    mkdir -p "$ROOT/lib/qemu"
}

# running_domain FORMAT: the domain vm of virsh_domain(), so small that QEMU starts it anywhere, and a driver that
# asks for nothing but QEMU.
running_domain()
{
    virsh_domain "$1"
    sed -i -e "s,<memory .*,<memory unit='KiB'>16384</memory>," \
        -e "s,</devices>,<controller type='usb' model='none'/><memballoon model='none'/>&," \
        "$ROOT/etc/qemu/vm.xml"
    cat >"$ROOT/etc/qemu.conf" <<EOF
user = "+$(id -u)"
group = "+$(id -g)"
stdio_handler = "file"
remember_owner = 0
namespaces = []
cgroup_controllers = []
EOF
}

# while_running COMMAND...: virsh starts vm, does each COMMAND, which must succeed, and destroys it. Skips the test
# where no VM can be started.
while_running()
{
    local script='start vm' command

    for command; do
        script+="; $command"
    done
    run virsh_embed "$ROOT" "$script; destroy vm"
    ! grep -q 'Failed to start domain' "$STDERR" || skip "virsh cannot start a VM: $(tail -n 1 "$STDERR")"
    ! grep -q '^error: ' "$STDERR" || fail 'virsh has failed'
    assert_equal "$(virsh_embed "$ROOT" domstate vm)" 'shut off' 'state of the domain'
}
