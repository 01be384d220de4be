# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What is in a case of the fault tests, by what it shows: images may be laid out in many ways, so it is their
# content that has to be as before the operation, or as after it. Source it behind lib.sh and faults.sh.
#
# Asking qemu-img for all of that takes ten times as long as the operation, and most trials end in bytes that an
# earlier one has ended in. So answers are kept by all the bytes and names that they can come from.

: "${CASE:?}"
ANSWERS=$SCRATCH/answers

# remembered KEY COMMAND...: what COMMAND says, or has said when KEY was the same.
remembered()
{
    local answer=$ANSWERS/${1//\//%}

    shift
    if [ ! -e "$answer" ]; then
        mkdir -p "$ANSWERS"
        "$@" >"$answer.new"
        mv "$answer.new" "$answer"
    fi
    cat "$answer"
}

# Names without what differs between two equal runs: the time that ends an overlay of a revert, and the random end of
# what is being made. No image of these tests has such a name in its bytes but those that lie on one.
without_chance()
{
    sed -E 's/\.1[0-9]{9}\b/.STAMP/g; s/\.offshot-[a-z0-9]{8,}/.offshot-RANDOM/g'
}

# images_key: of the bytes and names of all that images in the current directory may consist of.
images_key()
{
    {
        find . -mindepth 1 ! -type f -printf '%y %p %l\n'
        find . -type f ! -name '*.xml' ! -path './.vm.offshot/*' -print0 | xargs -0r sha256sum
    } | without_chance | LC_ALL=C sort | sha256sum | cut -c1-32
}

# everything_key: of all that is in the current directory. Times and inodes do not count.
everything_key()
{
    {
        {
            find . -mindepth 1 -printf '%y %m links=%n %P %l\n'
            find . -type f ! -name '*.xml' -print0 | xargs -0r sha256sum
        } | LC_ALL=C sort
        find . -type f -name '*.xml' -print0 | LC_ALL=C sort -z | xargs -0r sed -E \
            -e 's/ (inode|mtime)="[0-9]+"/ \1=""/g' -e 's/<creationTime>[0-9]+</<creationTime></'
    } | without_chance | sha256sum | cut -c1-32
}

# shown IMAGE FORMAT [TAG]: a hash of what a guest would see, or why there is nothing to see.
shown()
{
    local source=("-f" "$2" "$1")

    [ -z "${3-}" ] || source=("-f" "$2" -l "snapshot.name=$3" "$1")
    if timeout 60 qemu-img convert -U -O raw "${source[@]}" "$SCRATCH/shown.raw" 2>"$SCRATCH/shown.err"; then
        sha256sum <"$SCRATCH/shown.raw" | cut -c1-16
    else
        echo 'not to be opened'
    fi
}

# tree_state: all that is in the case, with the content of images and of what was copied to out/. Names of overlays that
# a revert made end in the time; that is left out.
tree_state()
{
    (
        cd "$CASE" || exit 99
        remembered "tree $(everything_key)" tree_look
    )
}

# active_state: what the domain would start on.
active_state()
{
    (
        cd "$CASE" || exit 99
        images=$(images_key)
        remembered "active $images $(without_chance <vm.xml | sha256sum)" active_look "$images"
    )
}

tree_look()
{
    local images name disk how path

    images=$(images_key)
    "$OFFSHOT" list ./vm.xml --json >"$SCRATCH/list.json" 2>/dev/null || echo 'list fails'
    jq -r '.snapshots[] | [.name, .parent // "-", .current] | join(" ")' "$SCRATCH/list.json"
    active_look "$images"
    while IFS=$'\t' read -r name disk how path; do
        if [ "$how" = internal ]; then
            echo "$name $disk $(remembered "$images $(without_chance <<<"$path") $name" shown "$path" qcow2 "$name")"
        else
            echo "$name $disk $(remembered "$images $(without_chance <<<"$path")" shown "$path" "$(format_of "$path")")"
        fi
    done < <(jq -r '.snapshots[] | .name as $name | .disks[] | select(.frozen)
            | [$name, .name, .snapshot, .frozen] | @tsv' "$SCRATCH/list.json")
    for path in out/*; do
        [ -e "$path" ] || continue
        echo "$path $(remembered "$images $(without_chance <<<"$path")" shown "$path" "$(format_of "$path")")"
    done
    find . -mindepth 1 -printf '%y %m links=%n %P\n' | sed -E 's/\.1[0-9]{9}\b/.STAMP/' | LC_ALL=C sort
    remembered "$images health" health_of_all | without_chance
}

# active_look IMAGES_KEY
active_look()
{
    local disk path format

    for disk in vda vdb; do
        path=$(domain_source vm.xml "$disk")
        format=$(domain_format vm.xml "$disk")
        echo "active $disk $(remembered "$1 $(without_chance <<<"$path") $format" shown "$path" "$format")"
    done
}

# format_of IMAGE: test images are qcow2 by their first bytes, or raw: no guest writes headers here.
format_of()
{
    if [ "$(head -c 3 "$1" | tr -d "\0")" = QFI ]; then echo qcow2; else echo raw; fi
}

health_of_all()
{
    local path

    find . -type f ! -name '*.xml' ! -path './.vm.offshot/*' | LC_ALL=C sort | while IFS= read -r path; do
        [ "$(format_of "$path")" = qcow2 ] || continue
        image_health "$path"
    done
}

image_health()
{
    local status=0

    qemu-img check -q -U "json:{\"driver\":\"qcow2\",\"file\":{\"driver\":\"file\",\"filename\":\"$PWD/${1#./}\"},\
\"backing\":null}" >/dev/null 2>&1 || status=$?
    echo "check $status $(qemu-img snapshot -U -l "$1" 2>/dev/null | awk 'NR > 2 { print $2 }' | LC_ALL=C sort \
        | tr '\n' ' ')${1#./} on $(image_info "$1" qcow2 '."backing-filename" // "nothing"')"
}
