# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the shell tests share; source it first:
#
#     . "${srcdir:?}/lib/lib.sh"
#
# A test starts in an empty directory of its own, $WORK, which is removed at the end (or kept, with
# OFFSHOT_TEST_KEEP=1). Images are named to qemu tools by absolute path, format always given.

set -u -o pipefail

: "${srcdir:?}" "${top_srcdir:?}" "${OFFSHOT:?}" "${OFFSHOT_DATADIR:?}"

SCRATCH=$(mktemp -d "${TMPDIR:-/tmp}/offshot-test.XXXXXX") || exit 99
WORK=$SCRATCH/work
STDOUT=$SCRATCH/stdout
STDERR=$SCRATCH/stderr
STATUS=
LAST=
AT_EXIT=()
HELD=()

export HOME=$SCRATCH/home LC_ALL=C.UTF-8 TZ=UTC
unset LIBVIRT_DEFAULT_URI NO_COLOR XDG_CACHE_HOME XDG_CONFIG_HOME XDG_RUNTIME_DIR XDG_STATE_HOME
umask 022
export OFFSHOT_VALGRIND_LOGS=$SCRATCH/valgrind
mkdir "$HOME" "$WORK" "$OFFSHOT_VALGRIND_LOGS"
cd "$WORK" || exit 99

finish()
{
    local command

    for command in ${AT_EXIT+"${AT_EXIT[@]}"}; do
        eval "$command"
    done
    release_images
    cd / || exit 99
    if [ "${OFFSHOT_TEST_KEEP-}" = 1 ]; then
        echo "kept: $SCRATCH"
    else
        rm -rf "$SCRATCH"
    fi
}
trap finish EXIT
trap 'exit 99' HUP INT TERM

# --- how a test ends ---------------------------------------------------------------------------------

# at_exit COMMAND: evaluated when the test ends, however it ends.
at_exit()
{
    AT_EXIT+=("$1")
}

# fail MESSAGE: end the test, with what the last run said.
fail()
{
    echo "FAIL: line ${BASH_LINENO[-2]}: $*"
    if [ -n "$LAST" ]; then
        echo "last run: $LAST"
        echo "status: $STATUS"
        sed 's/^/stdout: /' "$STDOUT"
        sed 's/^/stderr: /' "$STDERR"
        find "$OFFSHOT_VALGRIND_LOGS" -type f -exec cat {} +
    fi
    exit 1
}

skip()
{
    echo "SKIP: $*"
    exit 77
}

# need COMMAND...: skip the test where one is missing.
need()
{
    local command

    for command; do
        command -v "$command" >/dev/null || skip "$command is missing"
    done
}

# Skip where offshot cannot be traced or preloaded: under valgrind and in sanitizer builds.
need_plain_program()
{
    [ "${OFFSHOT_SANITIZERS-no}" = no ] || skip 'not with sanitizers'
    [ "${OFFSHOT##*/}" != valgrind.sh ] || skip 'not under valgrind'
}

need_root()
{
    [ "$(id -u)" = 0 ] || skip 'needs root'
}

# True for the long sets (make check-long).
is_long()
{
    [ "${OFFSHOT_TEST_LONG-}" = 1 ]
}

# --- running -----------------------------------------------------------------------------------------

# run COMMAND...: into $STATUS and the files $STDOUT and $STDERR; stdin is /dev/null.
run()
{
    run_with_input /dev/null "$@"
}

# run_with_input FILE COMMAND...
run_with_input()
{
    local input=$1

    shift
    LAST=$*
    STATUS=0
    "$@" <"$input" >"$STDOUT" 2>"$STDERR" || STATUS=$?
}

# ok COMMAND...: run, and it must succeed.
ok()
{
    run "$@"
    assert_status 0
}

assert_status()
{
    [ "$STATUS" = "$1" ] || fail "status $STATUS instead of $1"
}

assert_stdout_empty()
{
    [ ! -s "$STDOUT" ] || fail 'stdout is not empty'
}

assert_stderr_empty()
{
    [ ! -s "$STDERR" ] || fail 'stderr is not empty'
}

assert_stdout_contains()
{
    grep -qF -e "$1" "$STDOUT" || fail "stdout does not contain: $1"
}

assert_stderr_contains()
{
    grep -qF -e "$1" "$STDERR" || fail "stderr does not contain: $1"
}

# assert_stdout_line TEXT: one whole line.
assert_stdout_line()
{
    grep -qxF -e "$1" "$STDOUT" || fail "stdout has no line: $1"
}

# assert_stdout TEXT: all of it.
assert_stdout()
{
    [ "$(cat "$STDOUT")" = "$1" ] || fail "stdout is not: $1"
}

# An error as INTERFACE has it: this status, and one line "offshot: ..." on stderr that has TEXT in it.
assert_error()
{
    assert_status "$1"
    [ "$(wc -l <"$STDERR")" = 1 ] || fail 'stderr is not one line'
    grep -q '^offshot: ' "$STDERR" || fail "stderr does not begin with 'offshot: '"
    assert_stderr_contains "$2"
}

# json FILTER: jq over what the last run wrote to stdout.
json()
{
    jq -r "$1" "$STDOUT"
}

# --- comparing ---------------------------------------------------------------------------------------

# assert_equal HAVE WANT [WHAT]
assert_equal()
{
    [ "$1" = "$2" ] || fail "${3-value}: '$1' instead of '$2'"
}

assert_exists()
{
    [ -e "$1" ] || fail "'$1' does not exist"
}

assert_absent()
{
    if [ -e "$1" ] || [ -L "$1" ]; then
        fail "'$1' exists"
    fi
}

assert_same_file()
{
    cmp -- "$1" "$2" || fail "'$1' and '$2' differ"
}

assert_mode()
{
    assert_equal "$(stat -c %a -- "$1")" "$2" "mode of '$1'"
}

# snapshot_state DIRECTORY: what is in it, by line: type, mode, owner, links, size, target of a link, name;
# then the content of each file. Times and inodes are left out. Name order.
snapshot_state()
{
    (
        cd "$1" || exit
        find . -mindepth 1 '(' -type d -printf 'd %m %U:%G %p\0' ')' \
            -o -printf '%y %m %U:%G links=%n size=%s %l %p\0' | LC_ALL=C sort -z -k 4
        find . -mindepth 1 -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum -z --
    ) | tr '\0\n' '\n\001'
}

# assert_unchanged DIRECTORY STATE: STATE is what snapshot_state had printed.
assert_unchanged()
{
    local now

    now=$(snapshot_state "$1")
    [ "$now" = "$2" ] && return
    diff <(echo "$2") <(echo "$now")
    fail "'$1' has changed"
}

# assert_refuses STATUS TEXT COMMAND...: it fails as assert_error wants it, prints no result, and nothing
# in $WORK is another than before.
assert_refuses()
{
    local status=$1 text=$2 before

    shift 2
    before=$(snapshot_state "$WORK")
    run "$@"
    assert_error "$status" "$text"
    assert_stdout_empty
    assert_unchanged "$WORK" "$before"
}

# wait_until COMMAND...: try it for 20 seconds at most.
wait_until()
{
    local tries

    for ((tries = 0; tries < 400; tries++)); do
        "$@" && return
        sleep 0.05
    done
    fail "waited in vain for: $*"
}

# --- images ------------------------------------------------------------------------------------------

# absolute PATH: "x" is "$PWD/x".
absolute()
{
    case $1 in
    /*) printf '%s\n' "$1" ;;
    *) printf '%s\n' "$PWD/$1" ;;
    esac
}

# make_image PATH FORMAT SIZE [qemu-img create options...]
make_image()
{
    local path format=$2 size=$3

    path=$(absolute "$1")
    shift 3
    qemu-img create -q -f "$format" "$@" -- "$path" "$size" || fail "cannot make '$path'"
}

# pattern_write IMAGE FORMAT PATTERN OFFSET LENGTH, as qemu-io takes them (0x11 0 64k).
pattern_write()
{
    local said

    said=$(qemu-io -f "$2" -c "write -P $3 $4 $5" "$(absolute "$1")" 2>&1) || fail "$said"
    case $said in
    wrote*) ;;
    *) fail "pattern_write: $said" ;;
    esac
}

# pattern_check IMAGE FORMAT PATTERN OFFSET LENGTH
pattern_check()
{
    local said

    said=$(qemu-io -r -f "$2" -c "read -P $3 $4 $5" "$(absolute "$1")" 2>&1) || fail "$1: $said"
    case $said in
    *'verification failed'*) fail "$1: $said" ;;
    read*) ;;
    *) fail "pattern_check: $said" ;;
    esac
}

# content_hash IMAGE FORMAT: of what a guest sees.
content_hash()
{
    local raw=$SCRATCH/content.raw

    qemu-img convert -f "$2" -O raw -- "$(absolute "$1")" "$raw" || fail "cannot read '$1'"
    sha256sum <"$raw" | cut -d' ' -f1
    rm -f "$raw"
}

# image_chain IMAGE FORMAT: the images of its chain, top first, by line.
image_chain()
{
    qemu-img info --backing-chain -f "$2" -- "$(absolute "$1")" | sed -n 's/^image: //p'
}

assert_clean()
{
    local said

    said=$(qemu-img check -f "$2" -- "$(absolute "$1")" 2>&1) || fail "'$1': $said"
}

# assert_same_content IMAGE FORMAT IMAGE FORMAT
assert_same_content()
{
    local said

    said=$(qemu-img compare -f "$2" -F "$4" -- "$(absolute "$1")" "$(absolute "$3")" 2>&1) \
        || fail "'$1' and '$3': $said"
}

# assert_chain IMAGE FORMAT...: of the format IMAGE, the chain is exactly IMAGE and the images after FORMAT.
assert_chain()
{
    local top=$1 format=$2 want=$1

    shift 2
    [ $# = 0 ] || want+=$(printf '\n%s' "$@")
    assert_equal "$(image_chain "$top" "$format")" "$want" "chain of '$top'"
}

# image_info IMAGE FORMAT FILTER: jq over what qemu-img tells of this one image.
image_info()
{
    qemu-img info --output=json -f "$2" -- "$(absolute "$1")" | jq -r "$3"
}

# hold_image PATH FORMAT [read-only]: a daemon of QEMU has it open, for writing unless told otherwise, until
# the test ends or release_images.
hold_image()
{
    local path writable=on read_only=off

    [ "${3-}" != read-only ] || writable=off read_only=on
    path=$(absolute "$1")
    qemu-storage-daemon --pidfile "$SCRATCH/held.${#HELD[@]}" \
        --blockdev "driver=$2,node-name=held,read-only=$read_only,file.driver=file,file.filename=${path//,/,,}" \
        --nbd-server "addr.type=unix,addr.path=$SCRATCH/held-socket.${#HELD[@]}" \
        --export "type=nbd,id=held,node-name=held,writable=$writable" &
    wait_until [ -s "$SCRATCH/held.${#HELD[@]}" ]
    HELD+=($!)
}

release_images()
{
    local pid

    for pid in ${HELD+"${HELD[@]}"}; do
        kill "$pid"
        wait "$pid"
    done
    rm -f "$SCRATCH"/held*
    HELD=()
}

# --- domains -----------------------------------------------------------------------------------------

xml_escape()
{
    local text=$1

    text=${text//'&'/'&amp;'}
    text=${text//'<'/'&lt;'}
    text=${text//'>'/'&gt;'}
    text=${text//"'"/'&apos;'}
    text=${text//'"'/'&quot;'}
    text=${text//$'\n'/'&#10;'}
    text=${text//$'\t'/'&#9;'}
    printf '%s' "$text"
}

# disk_xml TARGET:FORMAT:PATH. FORMAT "-" leaves the driver's type out; the path may hold anything.
disk_xml()
{
    local target=${1%%:*} rest=${1#*:} format path type=file attribute=file

    format=${rest%%:*}
    path=$(absolute "${rest#*:}")
    if [ -b "$path" ]; then
        type=block attribute=dev
    fi
    printf "    <disk type='%s' device='disk'>\n" "$type"
    if [ "$format" = - ]; then
        printf "      <driver name='qemu'/>\n"
    else
        printf "      <driver name='qemu' type='%s'/>\n" "$format"
    fi
    printf "      <source %s='%s'/>\n" "$attribute" "$(xml_escape "$path")"
    printf "      <target dev='%s' bus='virtio'/>\n    </disk>\n" "$target"
}

# domain_xml NAME TARGET:FORMAT:PATH...: to stdout; libvirt accepts it.
domain_xml()
{
    local name=$1 disk

    shift
    cat <<EOF
<domain type='qemu'>
  <name>$(xml_escape "$name")</name>
  <uuid>$(domain_uuid "$name")</uuid>
  <memory unit='KiB'>65536</memory>
  <vcpu placement='static'>1</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
  </os>
  <devices>
EOF
    for disk; do
        disk_xml "$disk"
    done
    cat <<'EOF'
  </devices>
</domain>
EOF
}

# domain_uuid NAME: always the same for a name.
domain_uuid()
{
    printf '%s' "$1" | sha256sum \
        | sed -E 's/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/\1-\2-4\3-8\4-\5/'
}

# make_domain NAME TARGET:FORMAT:PATH...: writes ./NAME.xml.
make_domain()
{
    domain_xml "$@" >"$1.xml" || fail "cannot write '$1.xml'"
}

# make_embed_domain ROOT NAME TARGET:FORMAT:PATH...: for qemu:///embed?root=ROOT.
make_embed_domain()
{
    local root=$1

    shift
    mkdir -p "$root/etc/qemu"
    domain_xml "$@" >"$root/etc/qemu/$1.xml" || fail "cannot write domain '$1'"
}

# domain_source XML TARGET: what the domain XML file names as the source of a disk.
domain_source()
{
    xmllint --xpath "string(/domain/devices/disk[target/@dev='$2']/source/@*[name()='file' or name()='dev'])" \
        "$1"
}

# domain_format XML TARGET: the type of its driver.
domain_format()
{
    xmllint --xpath "string(/domain/devices/disk[target/@dev='$2']/driver/@type)" "$1"
}

# domain_targets XML: the targets of its disks, by line.
domain_targets()
{
    xmllint --xpath '/domain/devices/disk/target/@dev' "$1" | sed -E 's/^ *dev="(.*)"$/\1/'
}

# assert_snapshot_valid FILE...: by our schema and, where it is installed and not older than what is in the file,
# by libvirt's.
assert_snapshot_valid()
{
    local theirs=/usr/share/libvirt/schemas/domainsnapshot.rng file known=()

    run xmllint --noout --relaxng "$OFFSHOT_DATADIR/schemas/domainsnapshot.rng" "$@"
    assert_status 0
    [ -e "$theirs" ] || return 0
    for file; do
        ! grep -q '<revertDisks>' "$file" || grep -q revertDisks "$theirs" || continue
        known+=("$file")
    done
    [ ${#known[@]} != 0 ] || return 0
    run xmllint --noout --relaxng "$theirs" "${known[@]}"
    assert_status 0
}

# --- libvirt, without a daemon -----------------------------------------------------------------------

# embed_prepare ROOT: make ROOT fit for virsh_embed.
embed_prepare()
{
    mkdir -p "$1/etc/qemu"
    [ -e "$1/etc/qemu.conf" ] || embed_conf >"$1/etc/qemu.conf"
    [ -d "$1/cache" ] || cp -R "$(embed_template)/cache" "$1/cache"
}

# QEMU runs as we do, and needs no virtlogd.
embed_conf()
{
    printf 'user = "+%d"\ngroup = "+%d"\nstdio_handler = "file"\n' "$(id -u)" "$(id -g)"
}

embed_virsh()
{
    local root=$1

    shift
    virsh -q -c "qemu:///embed?root=$root" "$@" </dev/null 2> >(grep -v ' info : ' >&2)
}

# The first start of libvirt in a new root asks QEMU for its abilities, which takes seconds. Once is
# enough: what it learned is kept for later tests, and this prints where.
embed_template()
{
    local template=${OFFSHOT_TEST_CACHE:-$SCRATCH}/embed new=$SCRATCH/embed-new

    mkdir -p "${template%/*}"
    (
        flock 9 || exit
        if [ ! -d "$template/cache" ]; then
            mkdir -p "$new/etc/qemu" "$new/cache"
            embed_conf >"$new/etc/qemu.conf"
            domain_xml probe >"$new/probe.xml"
            embed_virsh "$new" define "$new/probe.xml" >/dev/null 2>&1
            mkdir -p "$template"
            cp -R "$new/cache" "$template/cache.new" && mv "$template/cache.new" "$template/cache"
        fi
    ) 9>"$template.lock"
    printf '%s\n' "$template"
}

# Skip where libvirt's QEMU driver cannot run inside virsh.
need_virsh_embed()
{
    need virsh flock qemu-system-x86_64
    embed_prepare "$SCRATCH/embed-probe"
    embed_virsh "$SCRATCH/embed-probe" list --all >/dev/null 2>"$STDERR" \
        || skip "virsh cannot open qemu:///embed: $(tail -n 1 "$STDERR")"
}

# virsh_embed ROOT ARGUMENT...: virsh on qemu:///embed?root=ROOT, without libvirt's log lines.
virsh_embed()
{
    embed_prepare "$1"
    embed_virsh "$@"
}
