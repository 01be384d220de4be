#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each qemu-img that is started runs under limits of memory and of open files; what reads headers has limits of
# time, too, and what only reads cannot make a file grow.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# a qemu-img that says what it may use: it can write to no file itself when it only reads, so it says it by a file
# that it is not allowed to make: an empty one, whose name tells
LIMITS=$SCRATCH/limits
BIN=$SCRATCH/bin
mkdir "$BIN" "$LIMITS"
cat >"$BIN/qemu-img" <<EOF
#!/bin/bash
: >"$LIMITS/\$1 memory=\$(ulimit -d) files=\$(ulimit -n) seconds=\$(ulimit -t) size=\$(ulimit -f) core=\$(ulimit -c)"
exec $(command -v qemu-img) "\$@"
EOF
chmod +x "$BIN/qemu-img"

offshot()
{
    PATH=$BIN:$PATH ok "$OFFSHOT" "$@" --sandbox=off
}

# limited COMMAND WANT...: what ran as that qemu-img command had all of WANT, and memory and files were limited.
limited()
{
    local command=$1 names=0 name want

    shift
    for name in "$LIMITS/$command "*; do
        [ -e "$name" ] || fail "no qemu-img $command has run: $(ls "$LIMITS")"
        names=$((names + 1))
        for want in 'memory=[0-9]* ' 'files=[0-9]* ' 'core=0' "$@"; do
            [[ $name =~ $want ]] || fail "not '$want': $name"
        done
        [[ $name =~ files=([0-9]*) && ${BASH_REMATCH[1]} -lt 200 ]] || fail "many files: $name"
    done
    find "$LIMITS" -name "$command *" -delete
}

offshot --version
limited --version 'seconds=10' 'size=0'

make_image a.qcow2 qcow2 1M
make_image b.vdi vdi 1M
make_domain vm vda:qcow2:a.qcow2 vdb:vdi:b.vdi
for number in 1 2 3 4; do
    pattern_write "$(domain_source vm.xml vda)" qcow2 "$number" 0 64k
    offshot create ./vm.xml "s$number" --disk-only
done
limited info 'seconds=10' 'size=0'
limited create 'seconds=unlimited' 'size=unlimited'
offshot delete ./vm.xml s3 --strategy=commit
limited commit 'seconds=unlimited' 'size=unlimited'
offshot delete ./vm.xml s2 --strategy=rebase
offshot flatten ./vm.xml
limited rebase 'seconds=unlimited' 'size=unlimited'
mkdir out
offshot extract ./vm.xml s4 -o "$WORK/out/"
limited convert 'seconds=unlimited' 'size=unlimited'

# a merge that has nothing to write is compared
make_image c.qcow2 qcow2 1M
make_domain empty vda:qcow2:c.qcow2
offshot create ./empty.xml s1 --disk-only
offshot delete ./empty.xml s1 --strategy=commit
limited compare 'seconds=unlimited' 'size=0'

make_image i.qcow2 qcow2 1M
make_domain internal vda:qcow2:i.qcow2
offshot create ./internal.xml t1
offshot revert ./internal.xml t1
offshot delete ./internal.xml t1
limited snapshot 'seconds=unlimited' 'size=unlimited'

# an operation that is taken back repairs first
offshot create ./internal.xml t1
cat >"$SCRATCH/failing" <<EOF
#!/bin/bash
[ "\$1 \$3" != 'snapshot -d' ] || { $(command -v qemu-img) "\$@"; exit 1; }
exec "$BIN/qemu-img" "\$@"
EOF
mkdir "$SCRATCH/failing.d"
mv "$SCRATCH/failing" "$SCRATCH/failing.d/qemu-img"
chmod +x "$SCRATCH/failing.d/qemu-img"
PATH=$SCRATCH/failing.d:$PATH run "$OFFSHOT" delete ./internal.xml t1 --sandbox=off
[ "$STATUS" != 0 ] || offshot recover ./internal.xml
offshot recover ./internal.xml
limited check 'seconds=unlimited' 'size=unlimited'
