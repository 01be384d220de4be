#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The journal of an operation that was really interrupted, cut short or changed at any place, or with something
# else in its place: exit 3, and nothing is touched. As it was, it is followed.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq
need_plain_program

BIN=$SCRATCH/bin
journal=.vm.offshot/journal

# a qemu-img in the middle of which offshot is killed
mkdir "$BIN"
# shellcheck disable=SC2016 # for the script
printf '#!/bin/bash\nkill -KILL "$PPID"\n' >"$BIN/qemu-img"
chmod +x "$BIN/qemu-img"

# interrupt COMMAND...
interrupt()
{
    { PATH=$BIN:$PATH run "$OFFSHOT" "$@" --sandbox=off; } 2>/dev/null
    assert_status 137
    assert_exists "$journal"
}

# keep NAME: what is in $WORK now
keep()
{
    mkdir "$SCRATCH/$1"
    cp -a "$WORK/." "$SCRATCH/$1"
}

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
pattern_write a.s1 qcow2 0x11 0 64k
ok "$OFFSHOT" create ./vm.xml s2 --disk-only
keep before
interrupt create ./vm.xml s3 --disk-only
keep preparing
ok "$OFFSHOT" recover ./vm.xml
interrupt delete ./vm.xml s2 --strategy=commit
keep committed

# fresh NAME: what was kept under it
fresh()
{
    find "$WORK" -mindepth 1 -delete
    cp -a "$SCRATCH/$1/." "$WORK"
}

# stays TEXT: neither recover nor a change touches anything
stays()
{
    local before

    before=$(snapshot_state "$WORK")
    run timeout 60 "$OFFSHOT" recover ./vm.xml
    assert_error 3 "$1"
    assert_unchanged "$WORK" "$before"
}

# and neither does anything else
all_stay()
{
    local before

    stays "$1"
    before=$(snapshot_state "$WORK")
    for command in 'create ./vm.xml s9 --disk-only' 'revert ./vm.xml s1' 'delete ./vm.xml s1' 'flatten ./vm.xml'; do
        # shellcheck disable=SC2086 # words
        run timeout 60 "$OFFSHOT" $command
        assert_error 3 "$1"
        assert_unchanged "$WORK" "$before"
    done
    ok timeout 60 "$OFFSHOT" list ./vm.xml --name
    assert_stderr_contains 'offshot: '
    assert_unchanged "$WORK" "$before"
}

for kind in preparing committed; do
    fresh "$kind"
    cp "$journal" "$SCRATCH/journal"
    size=$(stat -c %s "$journal")
    # cut short: at the beginning of everything, within it, and one byte before the end
    for length in 1 16 80 $((size / 4)) $((size / 2)) $((size - 2)) $((size - 1)); do
        head -c "$length" "$SCRATCH/journal" >"$journal"
        stays journal
    done
    # one bit of one byte, spread over all of it
    for ((at = 0; at < size; at += size / 17)); do
        cp "$SCRATCH/journal" "$journal"
        byte=$(od -An -tu1 -j "$at" -N 1 "$journal")
        printf '%b' "\\x$(printf %x $((byte ^ 1 << (at % 8))))" | dd of="$journal" bs=1 seek="$at" conv=notrunc \
            status=none
        stays journal
    done
    # more than there was
    cp "$SCRATCH/journal" "$journal"
    echo >>"$journal"
    all_stay journal
done

# the next version, and what is in order is of another domain
cp "$SCRATCH/journal" "$journal"
version=$(sed -n '1s/^offshot-journal \([0-9]*\) .*/\1/p' "$journal")
sed -i "1s/ $version / $((version + 1)) /" "$journal"
all_stay newer
sed 1d "$SCRATCH/journal" | sed 's/^domain=vm$/domain=other/' >"$SCRATCH/body"
printf 'offshot-journal %s %s\n' "$version" "$(sha256sum <"$SCRATCH/body" | cut -d' ' -f1)" | cat - "$SCRATCH/body" \
    >"$journal"
all_stay "'other'"

# no file, or one that others made
rm "$journal"
mkfifo "$journal"
all_stay journal
rm "$journal"
mkdir "$journal"
all_stay journal
rmdir "$journal"
ln -s "$SCRATCH/journal" "$journal"
all_stay 'regular file'
ln -sf /nowhere/at-all "$journal"
all_stay 'regular file'
rm "$journal"
: >"$journal"
all_stay journal
chmod 600 "$SCRATCH/journal"
for mode in 620 602 666; do
    cp "$SCRATCH/journal" "$journal"
    chmod "$mode" "$journal"
    all_stay journal
done
if [ "$(id -u)" = 0 ]; then
    rm "$journal"
    cp "$SCRATCH/journal" "$journal"
    chown 65534 "$journal"
    all_stay 'belongs to user 65534'
fi
# 1 GiB is not read; nor is it hashed here each time
rm "$journal"
cp "$SCRATCH/journal" "$journal"
truncate -s 1G "$journal"
for command in recover 'create --disk-only'; do
    # shellcheck disable=SC2086 # words
    run timeout 60 "$OFFSHOT" $command ./vm.xml
    assert_error 3 journal
done
assert_equal "$(stat -c %s "$journal")" 1073741824 'size of the journal'

# as it was, it does its work; that everybody may read it is no reason not to. A copy is of other files.
fresh before
interrupt create ./vm.xml s3 --disk-only
ok "$OFFSHOT" recover ./vm.xml
assert_unchanged "$WORK" "$(snapshot_state "$SCRATCH/before")"
interrupt delete ./vm.xml s2 --strategy=commit
chmod 644 "$journal"
ok "$OFFSHOT" recover ./vm.xml
pattern_check "$(domain_source vm.xml vda)" qcow2 0x11 0 64k
ok "$OFFSHOT" list ./vm.xml --name
assert_stdout s1
assert_absent .vm.offshot
