# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests share that compare us with libvirt's QEMU driver in an embedded root; source it behind lib.sh.

ROOT=$WORK/root
DOMAIN_XML=$ROOT/etc/qemu/vm.xml
EMBED="qemu:///embed?root=$ROOT"
# shellcheck disable=SC2034 # for those who source this
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

# virsh_word TEXT: TEXT as one word of a command of virsh.
virsh_word()
{
    printf "'%s'" "${1//\'/\'\\\'\'}"
}

# ask_virsh NAME...: what one virsh tells of the domain and of these snapshots, in files $SCRATCH/virsh.WHAT:
# names; current; domain (XML); parents, a line for each NAME, "-" for none; snapshots (XML, one behind another).
ask_virsh()
{
    local name script='echo ==names==; snapshot-list vm --name; echo ==current==; snapshot-current vm --name; '

    script+='echo ==domain==; dumpxml vm --inactive; '
    for name; do
        name=$(virsh_word "$name")
        script+="echo ==parents==; snapshot-parent vm $name; echo ==snapshots==; snapshot-dumpxml vm $name; "
    done
    rm -f "$SCRATCH"/virsh.*
    touch "$SCRATCH"/virsh.{names,current,domain,parents,snapshots}
    # a quiet echo ends no line
    virsh_embed "$ROOT" "$script echo ==end==" 2>/dev/null | sed -E 's/==[a-z]+==/\n&\n/g' \
        | awk -v to="$SCRATCH/virsh." '
            /^==[a-z]+==$/ {
                if (what == "parents" && !said) print "-" >>(to what)
                what = substr($0, 3, length($0) - 4); said = 0
                next
            }
            NF || what == "snapshots" { said = 1; print >>(to what) }'
}

# The tree as virsh sees it: "NAME PARENT CURRENT" by line. It is asked by the names that we list.
their_tree()
{
    local name parent current names

    ours list --name
    mapfile -t names <"$STDOUT"
    ask_virsh ${names+"${names[@]}"}
    current=$(cat "$SCRATCH/virsh.current")
    paste -d '\t' "$SCRATCH/virsh.names" "$SCRATCH/virsh.parents" | while IFS=$'\t' read -r name parent; do
        echo "$name $parent $([ "$name" = "$current" ] && echo true || echo false)"
    done | LC_ALL=C sort
}

# sources FILE: images and formats of the disks of a domain.
sources()
{
    xmllint --xpath '/domain/devices/disk/*[self::driver or self::source or self::target]/@*' "$1"
}

our_tree()
{
    ok "$OFFSHOT" -c "$EMBED" list vm --json
    json '.snapshots[] | [.name, .parent // "-", .current] | join(" ")' | LC_ALL=C sort
}

# Both see one tree, and show the same images of the disks.
agree()
{
    assert_equal "$(their_tree)" "$(our_tree)" "virsh's tree"
    assert_equal "$(sources "$SCRATCH/virsh.domain")" "$(sources "$DOMAIN_XML")" 'images of the disks'
}

# agree_on TREE: that tree, "NAME PARENT CURRENT;" for each snapshot.
agree_on()
{
    assert_equal "$(our_tree | tr '\n' ';')" "$1" 'our tree'
    agree
}

# active DISK: the path of its active image; active_format DISK.
active()
{
    domain_source "$DOMAIN_XML" "$1"
}

active_format()
{
    domain_format "$DOMAIN_XML" "$1"
}

# virsh_domain FORMAT: the domain vm with disks a.img (qcow2) and b.img (FORMAT), nothing on them.
virsh_domain()
{
    make_image a.img qcow2 1M
    make_image b.img "$1" 1M
    make_embed_domain "$ROOT" vm vda:qcow2:a.img vdb:"$1":b.img
    mkdir -p "$ROOT/lib/qemu"
}

# write_history N: the Nth pattern of a history goes to its own place of both disks. check_history N: the active
# state is that after writing 1 to N, and nothing of a later one.
write_history()
{
    pattern_write "$(active vda)" "$(active_format vda)" "0x1$1" "$(($1 * 64))k" 64k
    pattern_write "$(active vdb)" "$(active_format vdb)" "0x2$1" "$(($1 * 64))k" 64k
}

check_history()
{
    local number there

    for number in 1 2 3 4 5; do
        there=$((number <= $1))
        pattern_check "$(active vda)" "$(active_format vda)" $((there * (0x10 + number))) "$((number * 64))k" 64k
        pattern_check "$(active vdb)" "$(active_format vdb)" $((there * (0x20 + number))) "$((number * 64))k" 64k
    done
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
