# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tests share that have memory of a VM in a file; source it behind lib.sh. cli/virsh-running.sh does the
# same with libvirt's own.

# number32 NUMBER...: each in four bytes, the lowest first.
number32()
{
    local number shift

    for number; do
        for shift in 0 8 16 24; do
            # shellcheck disable=SC2059 # an octal escape
            printf "\\$(printf '%03o' $((number >> shift & 255)))"
        done
    done
}

# save_image XML [MAGIC [VERSION [LENGTH]]]: to stdout, a file as libvirt saves memory in.
save_image()
{
    local length=${4:-$(($(wc -c <"$1") + 65))}

    printf '%s' "${2:-LibvirtQemudSave}"
    number32 "${3:-2}" "$length" 1 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
    cat "$1"
    head -c 65 /dev/zero
    printf 'QEVM and what was in memory'
}

# give_memory NAME FILE: the stored snapshot ./vm.snapshots/NAME.xml says that it was taken while the VM ran, and
# that its memory is in FILE.
give_memory()
{
    sed -i -e "s,<memory snapshot=.*,<memory snapshot='external' file='$(xml_escape "$(absolute "$2")")'/>," \
        -e 's,<state>.*,<state>running</state>,' "vm.snapshots/$1.xml"
}
