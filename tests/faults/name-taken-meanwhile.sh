#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# While qemu-img works on a new overlay, somebody who may write its directory puts a link to a file of
# another's in place of its temporary name: that file is not touched, and the create fails, leaving
# nothing.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

# what takes the name; $T is the name
# shellcheck disable=SC2016 # for the wrapper
ways=(
    'symbolic link|ln -sfn "$VICTIM" "$T"'
    'symbolic link to nowhere|ln -sfn "$VICTIM.new" "$T"'
    'hard link|ln -f "$VICTIM" "$T"'
    'other file|cp "$VICTIM" "$T.new" && mv "$T.new" "$T"'
    'nothing|rm "$T"'
)

victim=$SCRATCH/victim
fixture_begin
make_image a.qcow2 qcow2 256k
make_image b.qcow2 qcow2 256k
make_domain vm vda:qcow2:"$CASE/a.qcow2" vdb:qcow2:"$CASE/b.qcow2"
fixture_end
FOLLOW_UPS=(list)

for option in '' --keep-filename; do
    # shellcheck disable=SC2086 # a word or none
    references "$OFFSHOT" create ./vm.xml s1 --disk-only $option
    for way in "${ways[@]}"; do
        for when in before behind; do
            row="create${option:+ $option}, ${way%%|*} $when qemu-img"
            take='for T in '"$CASE"'/.b.*.offshot-*; do VICTIM='"$victim"'; '${way#*|}'; done'
            # the other overlay, made at the same time, is none of this
            # shellcheck disable=SC2016 # for the wrapper
            guard='case "$*" in *b.qcow2* | *b.s1.qcow2*) ;; *) exec "$REAL" "$@" ;; esac'
            # shellcheck disable=SC2016 # for the wrapper
            case $when in
            before) wrap_qemu_img "$guard"$'\n'"$take"$'\nexec "$REAL" "$@"' ;;
            behind) wrap_qemu_img "$guard"$'\n"$REAL" "$@" || exit\n'"$take" ;;
            esac
            case_fresh
            echo "somebody's, $row" >"$victim"
            cp "$victim" "$SCRATCH/victim.before"
            trial "$row"
            # shellcheck disable=SC2086 # a word or none
            PATH=$BIN:$PATH run "$OFFSHOT" create ./vm.xml s1 --disk-only --sandbox=off $option
            [ "$STATUS" = 1 ] || lost "$row" "status $STATUS"
            cmp -s "$victim" "$SCRATCH/victim.before" || lost "$row" 'the file was written'
            [ "$(stat -c '%a %h' "$victim")" = '644 1' ] || lost "$row" 'mode or links of the file'
            [ ! -e "$victim.new" ] || lost "$row" 'a file was made behind the link'
            compare "$row" 'name taken' nothing before
        done
    done
done

table
