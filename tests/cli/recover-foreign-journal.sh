#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A machine that somebody hands over brings a journal that was made up: sound by its checksum, and about files
# anywhere. No command follows it of itself. One that was put back from a backup with its machine is followed when
# `recover` is asked for.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/faults.sh"

need qemu-img qemu-io strace
need_plain_program

# forge BODY: the journal of that text
forge()
{
    { echo "offshot-journal 2 $(printf %s "$1" | sha256sum | cut -d' ' -f1)"; printf %s "$1"; } >.vm.offshot/journal
    chmod 600 .vm.offshot/journal
}

# not_followed MESSAGE: by any command but recover
not_followed()
{
    local before command

    run "$OFFSHOT" list ./vm.xml # makes the lock
    before=$(snapshot_state "$WORK")
    for command in 'list ./vm.xml' 'current ./vm.xml' 'info ./vm.xml' 'create ./vm.xml s9 --disk-only --dry-run' \
        'create ./vm.xml s9 --disk-only' 'delete ./vm.xml s1' 'revert ./vm.xml s1' 'flatten ./vm.xml'; do
        # shellcheck disable=SC2086 # words
        run "$OFFSHOT" $command
        assert_unchanged "$WORK" "$before"
    done
    assert_error 3 "$1"
}

make_image a.qcow2 qcow2 1M
make_domain vm "vda:qcow2:$PWD/a.qcow2"
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
echo precious >elsewhere
mkdir -pm 700 .vm.offshot
boot=00000000-0000-4000-8000-000000000000
head=$'[journal]\nphase=preparing\noperation=create\ndomain=vm\nsnapshot=s1\nboot='$boot$'\nwatched=0\n'
steps=$'\n[prepare 0]\nkind=stage-file\nrank=1\npath='$PWD/elsewhere$'\n\n[apply 0]\nkind=unlink\nrank=4\n'
steps+=$'path=/nonexistent/x\nmade=1 2 3 4 5\n'

forge "$head$steps"
not_followed 'put it aside'
run "$OFFSHOT" recover ./vm.xml
assert_error 3 'put it aside'
assert_equal "$(cat elsewhere)" precious 'file elsewhere'

forge "${head}place=$PWD/.vm.offshot"$'\n'"$steps"
not_followed 'look at the paths in it'
inode=$(stat -c %i .vm.offshot)
forge "${head}place=$PWD/.vm.offshot"$'\n'"place-identity=1 $inode 0 0 0"$'\n'"$steps"
if [ "$(stat -c %W .vm.offshot)" != 0 ]; then
    not_followed 'look at the paths in it'
fi
assert_equal "$(cat elsewhere)" precious 'file elsewhere'
rm .vm.offshot/journal

# a write of data
printf 'MINE%508s' '' >elsewhere
make_image over qcow2 512 -u -b "$PWD/elsewhere" -F raw
pattern_write over qcow2 0x55 0 512
head=${head/preparing/committed}
forge "${head/create/delete}place=$PWD/.vm.offshot"$'\n\n[apply 0]\nkind=commit\nrank=0\npath='"$PWD/over"$'\nsource='"$PWD/elsewhere"$'\nformat=qcow2\ndepth=1\n'
not_followed 'look at the paths in it'
assert_equal "$(head -c 4 elsewhere)" MINE 'file elsewhere'
rm .vm.offshot/journal over elsewhere

# killed at its second and third rename: that is taken back, or finished
for point in 2 3; do
    cd "$WORK" || exit 99
    rm -rf case backup
    mkdir case
    cd case || exit 99
    make_image a.qcow2 qcow2 1M
    make_domain vm "vda:qcow2:$PWD/a.qcow2"
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only
    pattern_write a.s1 qcow2 0x11 0 64k
    at rename "$point" signal=KILL "$OFFSHOT" create ./vm.xml s2 --disk-only
    assert_status 137
    cd .. || exit 99
    cp -a case backup
    rm -r case
    mv backup case
    cd case || exit 99
    run "$OFFSHOT" create ./vm.xml s3 --disk-only
    assert_error 3 'put back from a backup'
    ok "$OFFSHOT" recover ./vm.xml
    ok "$OFFSHOT" create ./vm.xml s3 --disk-only
    pattern_check "$(domain_source vm.xml vda)" qcow2 0x11 0 64k
done
