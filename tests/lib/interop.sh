# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Scenarios in which offshot and virsh take turns on one domain. Source it instead of virsh.sh and tree.sh.
#
#     scenario 'virsh goes back to our snapshot, and we go on'
#     step ours create a
#     write
#     step theirs snapshot-revert a
#     step ours delete a
#     tree ''
#     scenarios_end 1
#
# After each step both see one tree and one XML of each snapshot and name the same images in the domain; each disk
# holds, in each snapshot and now, what was put there. At the end of each scenario all images are clean, and the
# schemas accept all that is stored.

. "${srcdir:?}/lib/virsh.sh"
. "${srcdir:?}/lib/tree.sh"

need qemu-img qemu-io xmllint jq
need_virsh_embed

SCENARIOS=0
WRITTEN=0

# scenario TITLE [TARGET:FORMAT...]: all anew, with the domain vm defined by virsh; its disks are vda and vdb in
# qcow2 unless told otherwise. Raw images are TARGET.img, others TARGET.FORMAT.
scenario()
{
    local disk target format disks=()

    scenario_end
    SCENARIOS=$((SCENARIOS + 1))
    echo "scenario: $1"
    shift
    [ $# != 0 ] || set -- vda:qcow2 vdb:qcow2
    start_over
    KNOWN=()
    WRITTEN=0
    for disk; do
        target=${disk%%:*} format=${disk#*:}
        make_image "$target.${format/raw/img}" "$format" 1M
        disks+=("$disk:$target.${format/raw/img}")
    done
    domain_xml vm "${disks[@]}" >vm.xml
    define vm.xml
    write
}

scenario_end()
{
    assert_all_clean
    ! compgen -G "$STORE/*.xml" >/dev/null || assert_snapshot_valid "$STORE"/*.xml
}

# scenarios_end COUNT: so many scenarios have run to their end.
scenarios_end()
{
    scenario_end
    assert_equal "$SCENARIOS" "$1" 'number of scenarios'
    echo "$SCENARIOS scenarios"
}

# define FILE: virsh defines the domain.
define()
{
    run virsh_embed "$ROOT" define "$1"
    assert_status 0
}

# write: something new, elsewhere, on every disk.
write()
{
    local target

    WRITTEN=$((WRITTEN + 1))
    while read -r target; do
        pattern_write "$(active "$target")" "$(active_format "$target")" \
            $((0x40 + WRITTEN)) $((WRITTEN * 40))k 60k
        KNOWN["active $target"]=$(content_hash "$(active "$target")" "$(active_format "$target")")
    done < <(domain_targets "$DOMAIN_XML")
}

# step ours|theirs COMMAND [SNAPSHOT [OPTION...]]: it must succeed, and all be well afterwards. What is new holds
# what the disks held before; one that is reverted to is what they hold now.
step()
{
    before_step
    "$@"
    case $2 in
    revert | snapshot-revert) expect_active "$3" ;;
    esac
    all_well
}

before_step()
{
    local target

    while read -r target; do
        KNOWN["before $target"]=${KNOWN["active $target"]}
    done < <(domain_targets "$DOMAIN_XML")
}

# expect_active SNAPSHOT: the disks that it holds are as it holds them.
expect_active()
{
    local target

    while read -r target; do
        [ -z "${KNOWN["$1 $target"]-}" ] || KNOWN["active $target"]=${KNOWN["$1 $target"]}
    done < <(domain_targets "$DOMAIN_XML")
}

# same_as NEW OLD: snapshot NEW holds what OLD does.
same_as()
{
    local key

    for key in "${!KNOWN[@]}"; do
        [[ $key != "$2 "* ]] || KNOWN["$1 ${key##* }"]=${KNOWN[$key]}
    done
}

all_well()
{
    agree
    agree_on_xml
    check_contents
}

# what_they_say FILE: snapshots, one behind another, as text to compare: no blank text, attributes in order, and
# each <metadata> behind all else, since libvirt moves it to the place where it writes it. An older libvirt knows no
# <revertDisks>.
what_they_say()
{
    local text

    text=$({
        echo '<all>'
        sed '/^<?xml /d' "$1"
        echo '</all>'
    } | xmllint --noblanks --c14n - | sed 's,<metadata>,\n&,g; s,</metadata>,&\n,g')
    grep -q '<revertDisks>' "$SCRATCH/virsh.snapshots" \
        || text=$(sed 's,<revertDisks>,\n&,g; s,</revertDisks>,&\n,g' <<<"$text" | grep -v '^<revertDisks>')
    grep -v '^<metadata>' <<<"$text" | tr -d '\n'
    echo
    grep '^<metadata>' <<<"$text"
}

# Behind agree, which has asked virsh.
agree_on_xml()
{
    local name

    while IFS= read -r name; do
        ours dumpxml "$name"
        cat "$STDOUT" >>"$SCRATCH/ours.snapshots"
    done <"$SCRATCH/virsh.names"
    [ -e "$SCRATCH/ours.snapshots" ] || return 0
    diff <(what_they_say "$SCRATCH/virsh.snapshots") <(what_they_say "$SCRATCH/ours.snapshots") \
        || fail 'virsh (<) and offshot (>) show other XML'
    rm "$SCRATCH/ours.snapshots"
}

check_contents()
{
    local name target hash count=0

    while IFS=$'\t' read -r name target hash; do
        [ -n "${KNOWN["$name $target"]-}" ] || KNOWN["$name $target"]=${KNOWN["before $target"]}
        assert_equal "$hash" "${KNOWN["$name $target"]}" "content of $target in '$name'"
        count=$((count + 1))
    done < <(tree_contents)
    [ "$count" -gt 0 ] || fail 'nothing was compared'
}

# tree TEXT: the snapshots are those of TEXT, "a *b<a c<a": b and c are children of a, and b is current.
tree()
{
    ours list --json
    assert_equal "$(json '[.snapshots | sort_by(.name)[] | (if .current then "*" else "" end) + .name
        + (if .parent then "<" + .parent else "" end)] | join(" ")')" "$1" tree
}

# dump ours|theirs NAME...: into NAME.xml
dump()
{
    local who=$1 name command=dumpxml

    shift
    [ "$who" = ours ] || command=snapshot-dumpxml
    for name; do
        "$who" "$command" "$name"
        cp "$STDOUT" "$name.xml"
    done
}

# images NAME...: the image files that are there, in the order of their names.
images()
{
    assert_equal "$(find . -maxdepth 1 -type f '!' -name '*.xml' -printf '%P\n' | LC_ALL=C sort | tr '\n' ' ')" \
        "${*:+$* }" images
}

# refused STATUS TEXT COMMAND ARGUMENT...: offshot does not do it, and nothing changes.
refused()
{
    local want=$1 text=$2 command=$3

    shift 3
    assert_refuses "$want" "$text" "$OFFSHOT" -c "$EMBED" "$command" vm "$@"
}

# they_fail COMMAND ARGUMENT...: virsh does not do it.
they_fail()
{
    local command=$1

    shift
    run virsh_embed "$ROOT" "$command" vm "$@"
    [ "$STATUS" != 0 ] || fail 'virsh succeeds'
}
