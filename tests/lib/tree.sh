# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What tests share that take snapshots away: ./vm.xml, its snapshots and all that they hold. Source it after
# lib.sh; after virsh.sh it is about the domain of that. Contents are read by qemu-img through the paths that the
# XML says.

: "${DOMAIN_XML=vm.xml}" "${STORE=vm.snapshots}"

declare -A KNOWN=()

# snapshot_text NAME XPATH: of the stored snapshot.
snapshot_text()
{
    xmllint --xpath "string($2)" - <"$STORE/$1.xml"
}

# snapshot_names: of all that are stored, by line.
snapshot_names()
{
    find "$STORE" -name '*.xml' -printf '%f\n' 2>/dev/null | sed 's/\.xml$//' | LC_ALL=C sort
}

# snapshot_disks NAME: the disks that it holds, by line: target, mode, format, path of the image.
snapshot_disks()
{
    local number disk mine target mode rest

    for ((number = 1; ; number++)); do
        disk="/domainsnapshot/disks/disk[$number]"
        mine="/domainsnapshot/domain/devices/disk[target/@dev=$disk/@name]"
        read -r target mode rest < <(snapshot_text "$1" \
            "concat($disk/@name, ' ', $disk/@snapshot, ' ', $mine/driver/@type, ' ', $mine/source/@*[1])")
        [ -n "$target" ] || break
        case $mode in
        internal | external) echo "$target $mode $rest" ;;
        esac
    done
}

# held_hash NAME MODE FORMAT PATH: of what the snapshot holds of one disk.
held_hash()
{
    if [ "$2" = internal ]; then
        qemu-img convert -f "$3" -l "snapshot.name=${1//,/,,}" -O raw -- "$4" "$SCRATCH/held.raw" \
            || fail "cannot read snapshot '$1' in '$4'"
        sha256sum <"$SCRATCH/held.raw" | cut -d' ' -f1
        rm -f "$SCRATCH/held.raw"
    else
        content_hash "$4" "$3"
    fi
}

# tree_contents: by line, split by tabs, what each snapshot and the active state of each disk hold.
tree_contents()
{
    local name target mode format path

    while read -r name; do
        [ -n "$name" ] || continue
        while read -r target mode format path; do
            printf '%s\t%s\t%s\n' "$name" "$target" "$(held_hash "$name" "$mode" "$format" "$path")"
        done < <(snapshot_disks "$name")
    done < <(snapshot_names)
    while read -r target; do
        path=$(domain_source "$DOMAIN_XML" "$target")
        printf 'active\t%s\t%s\n' "$target" "$(content_hash "$path" "$(domain_format "$DOMAIN_XML" "$target")")"
    done < <(domain_targets "$DOMAIN_XML")
}

# remember: all contents, as they are now.
remember()
{
    local name target hash

    KNOWN=()
    while IFS=$'\t' read -r name target hash; do
        KNOWN["$name $target"]=$hash
    done < <(tree_contents)
}

# assert_tree NAME...: these snapshots are there and no others, parents first; they and the active state hold
# what was remembered, and all images are clean.
assert_tree()
{
    local name target hash count=0

    run "$OFFSHOT" list ./vm.xml --name --topological
    assert_equal "$(tr '\n' ' ' <"$STDOUT")" "${*:+$* }" snapshots
    while IFS=$'\t' read -r name target hash; do
        assert_equal "$hash" "${KNOWN["$name $target"]-}" "content of $target in '$name'"
        count=$((count + 1))
    done < <(tree_contents)
    [ "$count" -gt 0 ] || fail 'nothing was compared'
    # libvirt's own schema may be older than <revertDisks>
    for name; do
        run xmllint --noout --relaxng "$OFFSHOT_DATADIR/schemas/domainsnapshot.rng" "$STORE/$name.xml"
        assert_status 0
    done
    assert_all_clean
}

# Every qcow2 image in $WORK; *.img are raw, whatever is in them.
assert_all_clean()
{
    local path

    while read -r -d '' path; do
        [ "$(head -c 3 "$path")" = QFI ] || continue
        assert_clean "$path" qcow2
    done < <(find "$WORK" -type f -size +3c '!' -name '*.img' -print0)
}

# assert_files NAME...: all files of $WORK, XML and the store aside, in the order of their names.
assert_files()
{
    assert_equal "$(find . -name vm.snapshots -prune -o '!' -type d '!' -name '*.xml' -printf '%P\n' \
        | LC_ALL=C sort | tr '\n' ' ')" "${*:+$* }" files
}

# assert_link IMAGE TEXT: the backing string of a qcow2 image; '' for none.
assert_link()
{
    assert_equal "$(image_info "$1" qcow2 '.["backing-filename"] // ""')" "$2" "backing link of '$1'"
}

# take NAME [OPTION...]: a snapshot; then each disk is written to, so that all states differ.
TAKEN=0x40
take()
{
    local target

    ok "$OFFSHOT" create ./vm.xml "$@"
    TAKEN=$(printf '0x%x' $((TAKEN + 1)))
    while read -r target; do
        pattern_write "$(domain_source "$DOMAIN_XML" "$target")" "$(domain_format "$DOMAIN_XML" "$target")" \
            "$TAKEN" "$(((TAKEN - 0x40) * 100))k" 150k
    done < <(domain_targets "$DOMAIN_XML")
}

# current: the name of the current snapshot, or nothing.
current()
{
    grep -l '<active>1</active>' "$STORE"/*.xml 2>/dev/null | sed -E 's#.*/(.*)\.xml#\1#'
}

# start_over: an empty $WORK.
start_over()
{
    find "$WORK" -mindepth 1 -delete
    TAKEN=0x40
}
