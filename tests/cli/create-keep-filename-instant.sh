#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With --keep-filename the path of the active image can be opened at every instant, and is a whole
# image whenever it is.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io perl

for disk in a b c; do
    make_image "$disk.qcow2" qcow2 1M
done
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2 vdc:qcow2:c.qcow2

# opens the images all the time; says how often; each failure and each header that is none is a line
perl -e '
    $| = 1;
    my $opened = 0;
    my $end = 0;
    $SIG{TERM} = sub { $end = 1 };
    print "ready\n";
    until ($end) {
        for my $path (@ARGV) {
            my $head = "";
            if (!open(my $image, "<:raw", $path)) { print "cannot open $path: $!\n"; }
            else { sysread($image, $head, 4); print "no header in $path\n" if $head ne "QFI\xfb"; }
            $opened++;
        }
    }
    print "opened $opened\n";
' "$WORK"/{a,b,c}.qcow2 >"$SCRATCH/watched" &
watcher=$!
at_exit "kill $watcher 2>/dev/null"
wait_until grep -q ready "$SCRATCH/watched"

for n in 1 2 3 4 5 6; do
    ok "$OFFSHOT" create ./vm.xml "s$n" --disk-only --keep-filename
done
kill -TERM "$watcher"
wait "$watcher"
assert_equal "$(grep -cvE '^(ready|opened [0-9]+)$' "$SCRATCH/watched")" 0 'failures of the watcher'
opened=$(sed -n 's/^opened //p' "$SCRATCH/watched")
[ "$opened" -gt 100 ] || fail "the watcher opened an image only $opened times"
assert_chain "$WORK/b.qcow2" qcow2 "$WORK"/b.s{6,5,4,3,2,1}.qcow2
