#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Nothing that any operation makes may be read or written by more than the image that it stands in for, nor
# does it belong to another, whatever the umask is; snapshots are 0600 always. So it is at the end, and so it
# is with all that lies there while qemu-img runs.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq
need_plain_program

BIN=$SCRATCH/bin
SEEN=$SCRATCH/seen
mkdir "$BIN"
cat >"$BIN/qemu-img" <<EOF
#!/bin/bash
find "$WORK" -mindepth 1 -printf '%m %y %U:%G %P\n' >>"$SEEN"
exec "$(command -v qemu-img)" "\$@"
EOF
chmod +x "$BIN/qemu-img"

owner=$(id -u):$(id -g)
[ "$(id -u)" != 0 ] || owner=65534:65534

# wider MODE THAN: whether it allows anything more
wider()
{
    [ $((8#$1 & ~8#$2)) != 0 ]
}

# check_line WHEN MODE TYPE OWNER NAME
check_line()
{
    local allowed

    case $5 in
    vm.snapshots | internal.snapshots | .vm.offshot | .internal.offshot) allowed=700 ;;
    *.snapshots/* | .*.snapshots.* | .*.offshot/*) allowed=600 ;;
    *.xml | .*.xml.offshot-*) allowed=$XML_MODE ;;
    out) return ;;
    *)
        allowed=$IMAGE_MODE
        # empty yet, and ours until it is what it is to be
        case ${5##*/} in .*.offshot-*) [ "$2" != 600 ] || return ;; esac
        [ "$4" = "$owner" ] || fail "$1: '$5' belongs to $4"
        ;;
    esac
    ! wider "$2" "$allowed" || fail "$1: '$5' has mode $2, and no more than $allowed is allowed"
}

# check_all WHEN <LIST
check_all()
{
    local mode type ids name count=0

    while read -r mode type ids name; do
        check_line "$1" "$mode" "$type" "$ids" "$name"
        count=$((count + 1))
    done
    [ "$count" -gt 0 ] || fail "$1: nothing was there"
}

# does STATUSES COMMAND...: under $MASK; one of the statuses, and modes and owners as they should be
does()
{
    local statuses=$1 when

    shift
    : >"$SEEN"
    when="umask $MASK, image $IMAGE_MODE, $*"
    PATH=$BIN:$PATH run bash -c "umask $MASK; exec \"\$@\"" - "$OFFSHOT" "$@" --sandbox=off
    case " $statuses " in
    *" $STATUS "*) ;;
    *) fail "$when: status $STATUS" ;;
    esac
    [ ! -s "$SEEN" ] || LC_ALL=C sort -u "$SEEN" >"$SCRATCH/list"
    [ ! -s "$SEEN" ] || check_all "$when, meanwhile" <"$SCRATCH/list"
    find "$WORK" -mindepth 1 -printf '%m %y %U:%G %P\n' >"$SCRATCH/list"
    check_all "$when" <"$SCRATCH/list"
    ! grep -q 'offshot-' "$SCRATCH/list" || fail "$when: something is left"
}

# exactly PATH MODE
exactly()
{
    assert_equal "$(stat -c '%a %u:%g' "$1")" "$2 $owner" "mode and owner of '$1'"
}

all_operations()
{
    find "$WORK" -mindepth 1 -delete
    make_image a.qcow2 qcow2 1M
    make_image i.qcow2 qcow2 1M
    chmod "$IMAGE_MODE" a.qcow2 i.qcow2
    chown "$owner" a.qcow2 i.qcow2
    make_domain vm vda:qcow2:a.qcow2
    make_domain internal vda:qcow2:i.qcow2
    chmod "$XML_MODE" vm.xml internal.xml
    does 0 create ./vm.xml s1 --disk-only
    exactly a.s1 "$IMAGE_MODE"
    does 0 create ./vm.xml s2 --disk-only --keep-filename
    exactly a.s1 "$IMAGE_MODE"
    does 0 revert ./vm.xml s1
    does 0 revert ./vm.xml s1 --save-as s3
    exactly "$(domain_source vm.xml vda)" "$IMAGE_MODE"
    does '0 8' delete ./vm.xml s3 --strategy=commit
    does '0 8' delete ./vm.xml s1 --strategy=rebase
    does '0 8' flatten ./vm.xml
    exactly "$(domain_source vm.xml vda)" "$IMAGE_MODE"
    mkdir "$WORK/out"
    does 0 extract ./vm.xml s2 -o out/
    ok "$OFFSHOT" dumpxml ./vm.xml s2
    cp "$STDOUT" "$SCRATCH/s2.xml"
    does 0 create ./vm.xml --redefine --xml "$SCRATCH/s2.xml"
    assert_mode vm.snapshots/s2.xml 600
    does '0 8' create ./internal.xml t1 --internal
    does '0 8' create ./internal.xml t2 --internal
    does '0 4 8' revert ./internal.xml t1
    does '0 4 8' delete ./internal.xml t1
    exactly i.qcow2 "$IMAGE_MODE"
    assert_mode vm.xml "$XML_MODE"
}

combinations='0:600 0:640 0:444 022:640 077:640 0177:640'
! is_long || combinations=$(printf '%s ' {0,022,077,0177}:{600,640,444})
for combination in $combinations; do
    MASK=${combination%:*} IMAGE_MODE=${combination#*:} XML_MODE=640
    all_operations
done
