#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# install-deps.sh build|tests...: install what the build, or the tests, need and this machine lacks.
# Looks first, and starts no package manager when nothing is missing. Needs root, or sudo.
set -eu

# set|probe|apt|dnf|zypper|pacman|apk
# Probes: "cmd NAME", "pkg MODULE VERSION", "file GLOB", "lib NAME" (one that the compiler finds).
# Sets: build and tests; what is in "optional" is for the tests, which skip what it would have served.
table()
{
    cat <<'EOF'
build|cmd cc|gcc libc6-dev|gcc|gcc|gcc|gcc musl-dev
build|cmd make|make|make|make|make|make
build|cmd autoconf|autoconf|autoconf|autoconf|autoconf|autoconf
build|cmd automake|automake|automake|automake|automake|automake
build|cmd pkg-config|pkg-config|pkgconf-pkg-config|pkg-config|pkgconf|pkgconf
build|pkg glib-2.0 2.66|libglib2.0-dev|glib2-devel|glib2-devel|glib2|glib-dev
build|pkg libxml-2.0 2.9.10|libxml2-dev|libxml2-devel|libxml2-devel|libxml2|libxml2-dev
build|pkg jansson 2.13|libjansson-dev|jansson-devel|libjansson-devel|jansson|jansson-dev
build|pkg popt 1.16|libpopt-dev|popt-devel|popt-devel|popt|popt-dev
build|pkg smartcols 2.36|libsmartcols-dev|libsmartcols-devel|libsmartcols-devel|util-linux-libs|util-linux-dev
build|cmd qemu-img|qemu-utils|qemu-img|qemu-tools|qemu-img|qemu-img
tests|cmd bash|bash|bash|bash|bash|bash
tests|cmd qemu-io|qemu-utils|qemu-img|qemu-tools|qemu-img|qemu-img
tests|pkg check 0.15|check|check-devel|check-devel|check|check-dev
optional|cmd qemu-storage-daemon|qemu-system-common|qemu-img|qemu-tools|qemu-system-x86|qemu-storage-daemon
optional|cmd qemu-system-x86_64|qemu-system-x86|qemu-system-x86-core|qemu-x86|qemu-system-x86|qemu-system-x86_64
optional|cmd xmllint|libxml2-utils|libxml2|libxml2-tools|libxml2|libxml2-utils
optional|cmd virsh|libvirt-clients|libvirt-client|libvirt-client|libvirt|libvirt-client
optional|file /usr/share/libvirt/schemas/domainsnapshot.rng|libvirt0|libvirt-libs|libvirt-libs|libvirt|libvirt
optional|file /usr/lib*/libvirt/connection-driver/libvirt_driver_qemu.so|libvirt-daemon-driver-qemu|libvirt-daemon-driver-qemu|libvirt-daemon-driver-qemu|libvirt|libvirt-qemu
optional|file /usr/lib*/libvirt/storage-file/libvirt_storage_file_fs.so|libvirt-daemon|libvirt-daemon-driver-storage-core|libvirt-daemon-driver-storage-core|libvirt|libvirt-daemon
optional|file /usr/sbin/libvirtd|libvirt-daemon|libvirt-daemon|libvirt-daemon|libvirt|libvirt-daemon
optional|cmd valgrind|valgrind|valgrind|valgrind|valgrind|valgrind
optional|cmd strace|strace|strace|strace|strace|strace
optional|cmd getfattr|attr|attr|attr|attr|attr
optional|cmd setfacl|acl|acl|acl|acl|acl
optional|cmd jq|jq|jq|jq|jq|jq
optional|cmd flock|util-linux|util-linux-core|util-linux|util-linux|flock
optional|cmd clang-format|clang-format|clang-tools-extra|clang-tools|clang|clang-extra-tools
optional|cmd shellcheck|shellcheck|ShellCheck|ShellCheck|shellcheck|shellcheck
optional|lib libasan.so|gcc|libasan|gcc|gcc|gcc
optional|lib libubsan.so|gcc|libubsan|gcc|gcc|gcc
EOF
}

say()
{
    echo "install-deps: $*" >&2
}

die()
{
    say "$@"
    exit 1
}

# A GLOB for /usr/lib* also looks one folder deeper, where Debian keeps libraries.
any_file()
{
    for path in "$@"; do
        [ ! -e "$path" ] || return 0
    done
    return 1
}

is_there()
{
    kind=${1%% *}
    what=${1#* }
    case $kind in
    cmd) command -v "$what" >/dev/null ;;
    pkg) pkg-config --exists "${what% *} >= ${what#* }" 2>/dev/null ;;
    lib)
        case $(cc -print-file-name="$what" 2>/dev/null) in
        */*) ;;
        *) return 1 ;;
        esac
        ;;
    file)
        # shellcheck disable=SC2086 # the pattern is to be expanded
        any_file $what || any_file ${what%%/libvirt/*}/*/libvirt/${what#*/libvirt/}
        ;;
    esac
}

find_manager()
{
    for name in apt-get dnf zypper pacman apk; do
        if command -v "$name" >/dev/null; then
            echo "$name"
            return
        fi
    done
}

# missing SET COLUMN: the packages (or, with column 2, the probes) of what SET lacks here, by line.
missing()
{
    table | while IFS= read -r row; do
        probe=$(echo "$row" | cut -d'|' -f2)
        case $row in
        "$1|"*) is_there "$probe" || echo "$row" | cut -d'|' -f"$2" ;;
        esac
    done | sort -u
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

# Where optional packages that were tried are noted, so that one that a system lacks is tried once.
tried=$(cd "$(dirname "$0")/.." && pwd)/build/optional-packages-tried

# The packages of the optional rows that are missing and were not tried before.
missing_optional()
{
    [ -z "$column" ] || missing optional "$column" | while IFS= read -r package; do
        grep -qxF "$package" "$tried" 2>/dev/null || echo "$package"
    done
}

update_lists()
{
    [ "$manager" = apt-get ] || return 0
    as_root apt-get -q -o DPkg::Lock::Timeout=300 update </dev/null >&2 \
        || say 'cannot refresh the package lists; going on with those that are here'
}

install_packages()
{
    case $manager in
    apt-get)
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 \
            install -y --no-install-recommends "$@"
        ;;
    dnf) as_root dnf install -y --setopt=install_weak_deps=False "$@" ;;
    zypper) as_root zypper --non-interactive install --no-recommends "$@" ;;
    pacman) as_root pacman -Sy --needed --noconfirm "$@" ;;
    apk) as_root apk add "$@" ;;
    esac </dev/null >&2
}

# All at once, or else one by one: a package that cannot be had must not keep the others away.
install_optional()
{
    # shellcheck disable=SC2086 # a list of package names
    install_packages $1 || for package in $1; do
        install_packages "$package" || say "no package '$package' here: some tests will be skipped"
    done
    mkdir -p "${tried%/*}"
    printf '%s\n' "$1" >>"$tried"
}

install_set()
{
    packages=$(missing "$1" "$column")
    # shellcheck disable=SC2086 # a list of package names
    [ -z "$packages" ] || install_packages $packages || die "cannot install: $packages"
}

# Debian's QEMU driver does not start as root without this user. The package that makes it would start
# daemons as well.
make_qemu_user()
{
    [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] || return 0
    is_there 'file /usr/lib*/libvirt/connection-driver/libvirt_driver_qemu.so' || return 0
    ! id libvirt-qemu >/dev/null 2>&1 || return 0
    say "making the system user 'libvirt-qemu' for libvirt's QEMU driver"
    getent group libvirt-qemu >/dev/null || groupadd --system libvirt-qemu
    useradd --system --gid libvirt-qemu --no-create-home --home-dir /var/lib/libvirt \
        --shell /usr/sbin/nologin libvirt-qemu
}

can_be_root()
{
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null
}

# missing_required SET...: the probes that fail, on one line.
missing_required()
{
    for set in "$@"; do
        missing "$set" 2
    done | sed 's/^[a-z]* //' | paste -s -d, - | sed 's/,/, /g'
}

tests=
case "$*" in
build) ;;
tests | 'build tests') tests=yes ;;
*) die 'usage: install-deps.sh build|tests|build tests' ;;
esac

manager=$(find_manager)
case $manager in
apt-get) column=3 ;;
dnf) column=4 ;;
zypper) column=5 ;;
pacman) column=6 ;;
apk) column=7 ;;
*) column= ;;
esac

required=$(missing_required "$@")
optional=
[ -z "$tests" ] || optional=$(missing_optional)

if [ -n "$required" ]; then
    [ -n "$manager" ] || die "missing: $required; found none of apt-get, dnf, zypper, pacman, apk"
    can_be_root || die "missing: $required; run this as root, or install sudo"
fi
if [ -n "$required$optional" ] && can_be_root; then
    say "installing what is missing: $required $(echo "$optional" | paste -s -d" " -)"
    update_lists
    for set in "$@"; do
        install_set "$set"
    done
    [ -z "$optional" ] || install_optional "$optional"
fi
[ -z "$tests" ] || make_qemu_user || say 'no such user made: tests that ask libvirt are skipped'

required=$(missing_required "$@")
[ -z "$required" ] || die "still missing after the installation: $required"
