#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots of virsh whose metadata was deleted are adopted so that virsh has them again: it lists them, shows their
# parents, reverts and deletes.
. "${srcdir:?}/lib/lib.sh"
. "${srcdir:?}/lib/virsh.sh"

need qemu-img qemu-io xmllint jq
need_virsh_embed

adopt()
{
    ours adopt
    assert_stdout "$1"
    assert_stderr_empty
}

# virsh_times: the name and time of each snapshot, in seconds since the epoch
virsh_times()
{
    local name

    virsh_embed "$ROOT" snapshot-list vm --name | while read -r name; do
        [ -z "$name" ] || echo "$name $(virsh_embed "$ROOT" snapshot-dumpxml vm "$name" \
            | xmllint --xpath 'string(/domainsnapshot/creationTime)' -)"
    done
}

# internal ones, all of them
virsh_domain qcow2
write_history 1
theirs snapshot-create-as t1
write_history 2
theirs snapshot-create-as t2
write_history 3
times=$(virsh_times)
theirs snapshot-delete t2 --metadata
theirs snapshot-delete t1 --metadata
agree_on ''
adopt 'Domain vm: 2 snapshots adopted'
agree_on 't1 - false;t2 t1 true;'
# the time of a snapshot is that of its tag, which may be made in the second after
paste -d ' ' <(echo "$times") <(virsh_times) \
    | awk '$1 != $3 || $4 < $2 || $4 > $2 + 2 { bad = 1 } END { exit bad || NR != 2 }' \
    || fail "virsh's table: $(virsh_times) instead of $times"
theirs snapshot-revert t1
check_history 1
theirs snapshot-revert t2
check_history 2
agree_on 't1 - false;t2 t1 true;'
theirs snapshot-delete t1
agree_on 't2 - true;'
assert_equal "$(image_info a.img qcow2 '[.snapshots[].name] | join(" ")')" t2 tags
ours delete t2
agree_on ''

# external ones beside them; of two disks, the second raw
rm -rf "$ROOT" ./*.img
virsh_domain raw
write_history 1
theirs snapshot-create-as e1 --disk-only
write_history 2
theirs snapshot-create-as e2 --disk-only
write_history 3
theirs snapshot-create-as i3
write_history 4
theirs snapshot-create-as e4 --disk-only --no-metadata
write_history 5
theirs snapshot-delete e2 --metadata
agree_on 'e1 - false;i3 e1 true;'
adopt 'Domain vm: 2 snapshots adopted'
# virsh made i3 a child of e1; the links say that it came of e2
agree_on 'e1 - false;e2 e1 false;e4 i3 false;i3 e2 true;'
adopt 'Domain vm has nothing to adopt'
theirs snapshot-dumpxml e2
assert_equal "$(xmllint --xpath "string(/domainsnapshot/domain/devices/disk[2]/source/@file)" "$STDOUT")" "$WORK/b.e1"
ours revert e2
check_history 2
ours revert e4
check_history 4
ours delete e2
check_history 4
agree_on 'e1 - false;e4 i3 true;i3 e1 false;'
theirs snapshot-delete e4 --metadata
theirs snapshot-delete e1 --children --metadata
agree_on ''
