#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# One offshot at a time changes a domain: another waits as long as --lock-timeout says, then gives up
# with exit 5.
. "${srcdir:?}/lib/lib.sh"

need qemu-img perl

make_image a.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2
ln -s . same

# hold_lock: take the lock as offshot does, until the fifo is closed
mkfifo "$SCRATCH/hold"
mkdir -m 700 .vm.offshot
perl -e '
    use Fcntl;
    my ($path, $fifo) = @ARGV;
    sysopen(my $lock, $path, O_RDWR | O_CREAT, 0600) or die "$path: $!";
    # struct flock of Linux on 64 bits; 37 is F_OFD_SETLK
    my $whole = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
    fcntl($lock, 37, $whole) or die "lock: $!";
    print STDERR "locked\n";
    open(my $wait, "<", $fifo) or die;
    readline($wait);
' "$WORK/.vm.offshot/lock" "$SCRATCH/hold" 2>"$SCRATCH/said" &
exec 9<>"$SCRATCH/hold"
wait_until grep -q . "$SCRATCH/said"
grep -qx locked "$SCRATCH/said" || skip "cannot take the lock: $(cat "$SCRATCH/said")"

SECONDS=0
assert_refuses 5 'lock' "$OFFSHOT" create ./vm.xml s1 --disk-only --lock-timeout=0
assert_refuses 5 'lock' "$OFFSHOT" --lock-timeout=0 create "$WORK/same/vm.xml" s1 --disk-only
[ "$SECONDS" -lt 9 ] || fail 'a timeout of 0 waits'
SECONDS=0
assert_refuses 5 'lock' "$OFFSHOT" create ./vm.xml s1 --disk-only --lock-timeout=2
[ "$SECONDS" -ge 2 ] || fail 'a timeout of 2 does not wait'
assert_refuses 2 'lock-timeout' "$OFFSHOT" create ./vm.xml s1 --disk-only --lock-timeout=-1
# nothing is written where the plan is only shown, so nothing has to be locked
ok "$OFFSHOT" create ./vm.xml s1 --disk-only --dry-run
ok "$OFFSHOT" list ./vm.xml
ok "$OFFSHOT" publish ./vm.xml
# what a daemon is told must hold still
assert_refuses 5 'lock' "$OFFSHOT" publish ./vm.xml --run --lock-timeout=0

# who waits gets it
"$OFFSHOT" create ./vm.xml s1 --disk-only --lock-timeout=20 >"$SCRATCH/waiter" 2>&1 &
waiter=$!
echo 'that is all' >&9
wait "$waiter" || fail "the one that waited failed: $(cat "$SCRATCH/waiter")"
assert_chain "$WORK/a.s1" qcow2 "$WORK/a.qcow2"
wait_until [ ! -e .vm.offshot ]
