#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A domain is found by its name or its UUID wherever a URI says that libvirt keeps it; what is no domain, or means
# two, is said to be so.
. "${srcdir:?}/lib/lib.sh"

need qemu-img jq

export XDG_CONFIG_HOME=$WORK/config XDG_STATE_HOME=$WORK/state XDG_RUNTIME_DIR=$WORK/run
embed=$WORK/root
make_image a.qcow2 qcow2 1M

# the places of each URI: where the domains are, where those that run are
config=("$embed/etc/qemu" "$XDG_CONFIG_HOME/libvirt/qemu")
run=("$embed/run/qemu" "$XDG_RUNTIME_DIR/libvirt/qemu/run")
uris=("qemu:///embed?root=$embed" qemu:///session)

for n in 0 1; do
    uri=${uris[n]}
    mkdir -p "${config[n]}" "${run[n]}"
    for name in vm 'with blank' "quo'te\"" 'ünï€' '<x>&' 17 .hidden x.xml -lead 'per%20%s'; do
        domain_xml "$name" vda:qcow2:a.qcow2 >"${config[n]}/$name.xml"
        uuid=$(domain_uuid "$name")
        # a name that ends in .xml is a path, one with a dash in front an option
        case $name in
        *.xml) names=("$uuid" "${uuid^^}") ;;
        -*) names=("$uuid" "--domain=$name") ;;
        *) names=("$name" "$uuid" "${uuid^^}" "--domain=$name") ;;
        esac
        for word in "${names[@]}"; do
            ok "$OFFSHOT" -c "$uri" list "$word" --json
            assert_equal "$(json '.domain.name + " " + .domain.xml')" "$name ${config[n]}/$name.xml" "domain '$word'"
        done
        ok "$OFFSHOT" -c "$uri" list --json -- "${names[0]#--domain=}"
    done
    run "$OFFSHOT" -c "$uri" list x.xml
    assert_error 4 'found by its UUID'

    # none
    for word in none "$(domain_uuid none)" 'vm ' VM vm.XML; do
        run "$OFFSHOT" -c "$uri" list "$word"
        assert_error 4 "there is no domain '$word'"
    done
    # virsh takes no other spelling of a UUID either
    uuid=$(domain_uuid vm)
    for word in "${uuid//-/}" "{$uuid}"; do
        run "$OFFSHOT" -c "$uri" list "$word"
        assert_error 4 'there is no domain'
    done
    # a network is no domain
    mkdir -p "${config[n]}/networks"
    domain_xml net >"${config[n]}/networks/net.xml"
    run "$OFFSHOT" -c "$uri" list net
    assert_error 4 "there is no domain 'net'"

    # two with one UUID; by name there is no doubt
    cp "${config[n]}/vm.xml" "${config[n]}/twin.xml"
    sed -i 's|<name>vm</name>|<name>twin</name>|' "${config[n]}/twin.xml"
    assert_refuses 2 "means domain '" "$OFFSHOT" -c "$uri" list "$uuid"
    ok "$OFFSHOT" -c "$uri" list twin
    rm "${config[n]}/twin.xml"
    # one whose name is the UUID of another
    domain_xml "$uuid" >"${config[n]}/$uuid.xml"
    assert_refuses 2 "means domain 'vm' as well as domain '$uuid'" "$OFFSHOT" -c "$uri" list "$uuid"
    ok "$OFFSHOT" -c "$uri" list "$(domain_uuid "$uuid")" --json
    assert_equal "$(json .domain.name)" "$uuid" name
    rm "${config[n]}/$uuid.xml"
    # libvirt goes by the name inside, and keeps the snapshots under that
    domain_xml inside >"${config[n]}/outside.xml"
    assert_refuses 7 "holds domain 'inside', the name that libvirt goes by: call the file 'inside.xml'" \
        "$OFFSHOT" -c "$uri" list outside

    # one that only runs
    { echo "<domstatus state='running' pid='$$'>"; domain_xml gone; echo '</domstatus>'; } >"${run[n]}/gone.xml"
    echo $$ >"${run[n]}/gone.pid"
    for word in gone "$(domain_uuid gone)"; do
        for command in list 'create --disk-only' publish; do
            # shellcheck disable=SC2086 # words
            assert_refuses 5 "domain '$word' runs and is transient" "$OFFSHOT" -c "$uri" $command "$word"
        done
    done
    # and one that did, before the machine crashed
    echo 99999999 >"${run[n]}/gone.pid"
    run "$OFFSHOT" -c "$uri" list gone
    assert_error 4 "there is no domain 'gone'"
done

# a directory that may not be read is not an empty one
chmod 0 "${config[1]}"
at_exit "chmod 700 '${config[1]}'"
user=()
[ "$(id -u)" != 0 ] || user=(unshare --user --map-user=1000 --map-group=1000)
if "${user[@]}" true 2>/dev/null; then
    run "${user[@]}" "$OFFSHOT" -c qemu:///session list vm
    assert_error 1 'Permission denied'
fi
