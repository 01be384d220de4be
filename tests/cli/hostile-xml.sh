#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hostile XML, as the domain, as a stored snapshot and as a request: refused with one line, in 100 MiB and a
# bounded time, and nothing that it points to is read.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

SECRET=$SCRATCH/secret
echo '<secret>hunter2</secret>' >"$SECRET"
# generous, for a machine that is slow; a bomb takes minutes
CPU_SECONDS=20
MEMORY=102400
[ "${OFFSHOT_SANITIZERS-no}" = no ] && [ "${OFFSHOT##*/}" != valgrind.sh ] || MEMORY=unlimited

make_image a.qcow2 qcow2 1M
make_domain good vda:qcow2:a.qcow2
cp good.xml vm.xml
ok "$OFFSHOT" create ./vm.xml s1 --disk-only
mv vm.snapshots "$SCRATCH/snapshots"
cp vm.xml "$SCRATCH/vm.xml"

# repeat COUNT TEXT: a line in TEXT is the number
repeat()
{
    seq "$1" | sed "s/.*/$2/"
}

bomb()
{
    local level

    echo "<!DOCTYPE $1 [<!ENTITY e0 'lol'>"
    for level in 1 2 3 4 5 6 7 8 9; do
        echo "<!ENTITY e$level '$(printf "&e$((level - 1));%.0s" 1 2 3 4 5 6 7 8 9 10)'>"
    done
    echo "]>"
}

THINGS='bomb quadratic external parameter dtd attributes endless-attribute deep deeper not-utf8 overlong nul
    many-disks utf16 comment'

# write THING ROOT BODY: a document of that root, with BODY where that is possible
write()
{
    local root=$2 body=$3

    case $1 in
    bomb) bomb "$root" && echo "<$root><name>&e9;</name>$body</$root>" ;;
    quadratic)
        printf '<!DOCTYPE %s [<!ENTITY e "%s">]><%s><name>' "$root" "$(printf '%050000d' 0)" "$root"
        repeat 50000 '\&e;' && echo "</name>$body</$root>"
        ;;
    external) echo "<!DOCTYPE $root [<!ENTITY e SYSTEM 'file://$SECRET'>]><$root><name>&e;</name>$body</$root>" ;;
    parameter) echo "<!DOCTYPE $root [<!ENTITY % e SYSTEM 'file://$SECRET'> %e;]><$root>$body</$root>" ;;
    dtd) echo "<!DOCTYPE $root SYSTEM 'http://127.0.0.1:1/x.dtd'><$root>$body</$root>" ;;
    attributes) echo "<$root" && repeat 90000 "a&='1'" && echo ">$body</$root>" ;;
    endless-attribute) printf '<%s a="' "$root" && yes aaaaaaaaaaaaaaa | head -c 2097152 ;;
    deep) echo "<$root>" && repeat 10000 '<a>' && repeat 10000 '<\/a>' && echo "$body</$root>" ;;
    deeper) echo "<$root>" && repeat 250000 '<a>' ;;
    not-utf8) printf '<%s><name>\xff\xfe</name>%s</%s>' "$root" "$body" "$root" ;;
    overlong) printf '<%s><name>\xc0\xaf</name>%s</%s>' "$root" "$body" "$root" ;;
    nul) printf '<%s><name>a\0b</name>%s</%s>' "$root" "$body" "$root" ;;
    many-disks)
        echo "<$root><name>vm</name><devices><disks>"
        repeat 100000 "<disk name='vd&'><target dev='vd&'\/><\/disk>"
        echo "</disks></devices></$root>"
        ;;
    utf16) echo "<?xml version='1.0' encoding='UTF-16'?><$root>$body</$root>" | iconv -t UTF-16 ;;
    comment) printf '<!-- ' && yes -- '- ' | head -c 1000000 ;;
    esac
}

# bounded COMMAND...: within the limits
bounded()
{
    # shellcheck disable=SC2016 # for the inner shell
    run bash -c 'ulimit -t "$1" && { [ "$2" = unlimited ] || ulimit -v "$2"; } && shift 2 && exec "$@"' - \
        "$CPU_SECONDS" "$MEMORY" "$@"
    [ "$STATUS" -lt 128 ] || fail "status $STATUS: too much time or memory, or a crash"
    ! grep -q hunter2 "$STDOUT" "$STDERR" || fail 'it has read what the document points to'
}

fresh()
{
    rm -rf vm.snapshots .vm.offshot vm.xml
    cp -r "$SCRATCH/snapshots" vm.snapshots
    cp "$SCRATCH/vm.xml" vm.xml
}

# the document FILE as the domain, as a stored snapshot, and as a request
as_domain()
{
    local before

    fresh
    cp --sparse=always "$1" vm.xml
    before=$(snapshot_state "$WORK")
    for command in 'list ./vm.xml' 'create ./vm.xml s2 --disk-only' 'revert ./vm.xml s1'; do
        # shellcheck disable=SC2086 # words
        bounded "$OFFSHOT" $command
        assert_error 2 vm.xml
        assert_stdout_empty
    done
    assert_unchanged "$WORK" "$before"
}

as_snapshot()
{
    local before

    fresh
    cp --sparse=always "$1" vm.snapshots/s2.xml
    before=$(snapshot_state "$WORK")
    bounded "$OFFSHOT" list ./vm.xml --name
    assert_status 0
    assert_stdout s1
    assert_equal "$(grep -c '^offshot: warning: .*s2\.xml' "$STDERR")" 1 'warnings'
    assert_equal "$(wc -l <"$STDERR")" 1 'lines on stderr'
    # the error is a line of its own
    bounded "$OFFSHOT" info ./vm.xml s2
    assert_status 4
    assert_unchanged "$WORK" "$before"
}

as_request()
{
    local before

    fresh
    before=$(snapshot_state "$WORK")
    for options in --disk-only '--disk-only --validate' '--print-xml --disk-only' --redefine; do
        # shellcheck disable=SC2086 # words
        bounded "$OFFSHOT" create ./vm.xml --xml "$1" $options
        assert_error 2 "${1##*/}"
        assert_stdout_empty
    done
    assert_unchanged "$WORK" "$before"
}

for thing in $THINGS; do
    write "$thing" domain '<name>vm</name>' >"$SCRATCH/thing.xml"
    as_domain "$SCRATCH/thing.xml"
    write "$thing" domainsnapshot '<name>s2</name>' >"$SCRATCH/thing.xml"
    as_snapshot "$SCRATCH/thing.xml"
    as_request "$SCRATCH/thing.xml"
done

# 1 GiB, of which no more than the beginning is looked at
write endless-attribute domain '' >"$SCRATCH/thing.xml"
truncate -s 1G "$SCRATCH/thing.xml"
fresh
cp --sparse=always "$SCRATCH/thing.xml" vm.snapshots/s2.xml
bounded "$OFFSHOT" list ./vm.xml --name
assert_status 0
assert_stdout s1
assert_stderr_contains 's2.xml'
fresh
mv "$SCRATCH/thing.xml" vm.xml
bounded "$OFFSHOT" list ./vm.xml
assert_error 2 vm.xml
fresh
bounded "$OFFSHOT" create ./vm.xml --xml <(yes aaaaaaaaaaaaaaa) --disk-only
assert_error 2 'longer than'

# what is not read at all cannot be refused: XInclude is an element like any other
include="<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='file://$SECRET' parse='text'/>"
fresh
sed "s#</domain>#$include</domain>#" "$SCRATCH/vm.xml" >vm.xml
echo "<domainsnapshot><name>s2</name><description>$include</description></domainsnapshot>" >request.xml
bounded "$OFFSHOT" create ./vm.xml --xml request.xml --disk-only
! grep -rqF hunter2 "$WORK" || fail 'XInclude was followed'

# as many disks as are allowed
fresh
{
    echo '<domain><name>vm</name><devices>'
    repeat 9000 "<disk><target dev='vd&'\/><\/disk>"
    echo '</devices></domain>'
} >vm.xml
bounded "$OFFSHOT" list ./vm.xml
assert_status 0
bounded "$OFFSHOT" create ./vm.xml s2 --disk-only
[ "$STATUS" -gt 0 ] || fail 'disks without a source were snapshotted'
{
    echo '<domainsnapshot><name>s2</name><disks>'
    repeat 9000 "<disk name='vd&'\/>"
    echo '</disks></domainsnapshot>'
} >request.xml
bounded "$OFFSHOT" create ./vm.xml --xml request.xml --disk-only
[ "$STATUS" -gt 0 ] || fail 'disks without a source were snapshotted'
