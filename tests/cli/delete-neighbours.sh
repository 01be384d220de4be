#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Domains beside this one whose images lie elsewhere and stand on what is to be deleted here, known only by something
# that is easily passed over: another store, a list of what was kept, a journal, a name without suffix, a
# <backingStore>, an encoding that we do not read, the 1001st file. The image below them stays as it is, a dry run
# says the same, and the clone keeps its content.
. "${srcdir:?}/lib/lib.sh"

need qemu-img qemu-io xmllint

# fresh: vm with snapshots s1 and s2, and clones/y.qcow2 on the image that s2 froze
fresh()
{
    cd "$WORK" || exit 99
    rm -rf case
    mkdir -p case/clones
    cd case || exit 99
    make_image a.qcow2 qcow2 1M
    pattern_write a.qcow2 qcow2 0x10 0 256k
    make_domain vm "vda:qcow2:$PWD/a.qcow2"
    ok "$OFFSHOT" create ./vm.xml s1 --disk-only
    pattern_write a.s1 qcow2 0x11 0 64k
    ok "$OFFSHOT" create ./vm.xml s2 --disk-only
    pattern_write a.s2 qcow2 0x22 0 128k
    make_image clones/y.qcow2 qcow2 1M -b "$PWD/a.s1" -F qcow2
    pattern_write clones/y.qcow2 qcow2 0x33 512k 64k
}

# keeps WHAT [REMARK]: s2 goes and the clone stays whole; what is printed tells of the clone, or of REMARK
keeps()
{
    local clone base

    clone=$(content_hash clones/y.qcow2 qcow2)
    base=$(sha256sum <a.s1)
    ok "$OFFSHOT" delete ./vm.xml s2 --dry-run
    assert_stderr_contains "${2-y.qcow2}"
    ok "$OFFSHOT" delete ./vm.xml s2
    assert_stderr_contains "${2-y.qcow2}"
    assert_equal "$(content_hash clones/y.qcow2 qcow2)" "$clone" "clone that is known by $1"
    assert_equal "$(sha256sum <a.s1)" "$base" "image below a clone that is known by $1"
    pattern_check "$(domain_source vm.xml vda)" qcow2 0x22 0 128k
    pattern_check "$(domain_source vm.xml vda)" qcow2 0x10 128k 128k
}

# other: the domain o with the clone as its disk
other()
{
    make_domain o "vda:qcow2:$PWD/clones/y.qcow2"
}

fresh
other
mkdir -m 700 store
ok "$OFFSHOT" --store "$PWD/store" create ./o.xml q --disk-only --diskspec "vda,file=$PWD/o.q"
ok "$OFFSHOT" --store "$PWD/store" flatten ./o.xml
keeps 'a snapshot in another store'
echo nonsense >.o.offshot/stores
ok "$OFFSHOT" create ./vm.xml s3 --disk-only
assert_refuses 8 'cannot be read' "$OFFSHOT" delete ./vm.xml s3 --strategy=commit

fresh
other
ok "$OFFSHOT" create ./o.xml q --disk-only --diskspec "vda,file=$PWD/o.q"
ok "$OFFSHOT" flatten ./o.xml
ok "$OFFSHOT" delete ./o.xml q --metadata
keeps 'the list of what was kept'

fresh
make_domain other "vda:qcow2:$PWD/clones/y.qcow2"
mv other.xml other
ok "$OFFSHOT" create ./other o1 --internal
keeps 'a domain without suffix'

# its disk was made beside ours, and moved since: the machine runs by its XML
fresh
make_image clones/y.qcow2 qcow2 1M -u -b a.s1 -F qcow2
other
sed -i "s#<target#<backingStore type='file'><format type='qcow2'/><source file='$PWD/a.s1'/><backingStore/></backingStore>&#" \
    o.xml
base=$(sha256sum <a.s1)
ok "$OFFSHOT" delete ./vm.xml s2
assert_stderr_contains "of domain 'o'"
assert_equal "$(sha256sum <a.s1)" "$base" 'image that a <backingStore> names'

for name in 'cl&ones' 'clönes'; do
    fresh
    mv clones "$name"
    ln -s "$name" clones
    make_domain o "vda:qcow2:$PWD/$name/y.qcow2"
    iconv -f UTF-8 -t ISO-8859-1 o.xml | sed '/^<?xml/d' >converted
    { echo "<?xml version='1.0' encoding='ISO-8859-1'?>"; cat converted; } >o.xml
    rm converted clones
    xmllint --noout o.xml || fail "no XML with '$name'"
    clone=$(content_hash "$name/y.qcow2" qcow2)
    ok "$OFFSHOT" delete ./vm.xml s2
    assert_equal "$(content_hash "$name/y.qcow2" qcow2)" "$clone" "clone in '$name'"
done

# the last of very many
fresh
for i in {0001..1000}; do
    cat <<EOF >"a$i.xml"
<domain type='qemu'><name>a$i</name><uuid>00000000-0000-4000-8000-00000000$i</uuid></domain>
EOF
done
other
keeps 'the 1001st domain'

# a long chain
fresh
below=$PWD/clones/y.qcow2
for i in {1..230}; do
    make_image "clones/$i" qcow2 1M -u -b "$below" -F qcow2
    below=$PWD/clones/$i
done
mkdir top
make_image top/t qcow2 1M -u -b "$below" -F qcow2
make_domain o "vda:qcow2:$PWD/top/t"
keeps 'its 230th layer'

# something else stands on ours beside a neighbour's disk: seen beforehand, or not at all
fresh
mkdir far
make_image far/x.qcow2 qcow2 1M -u -b gone.qcow2 -F qcow2
mv clones/y.qcow2 far
rmdir clones
ln -s far clones
make_domain o "vda:qcow2:$PWD/far/x.qcow2"
keeps 'what lies beside it'

# The flatten of o dies when the header of the clone does not name it any more, and the data are not in it yet.
fresh
other
clone=$(content_hash clones/y.qcow2 qcow2)
mkdir bin
real=$(command -v qemu-img)
cat >bin/qemu-img <<EOF
#!/bin/bash
[ "\$1" = rebase ] || exec "$real" "\$@"
while [ "\$1" != -b ]; do shift; done
"$real" rebase -u -F raw -b "\$2" --image-opts \
    "driver=qcow2,file.driver=file,file.locking=off,file.filename=$PWD/clones/y.qcow2"
kill -KILL \$PPID
EOF
chmod +x bin/qemu-img
PATH=$PWD/bin:$PATH run "$OFFSHOT" --sandbox=off flatten ./o.xml
assert_status 137
! "$real" info -U clones/y.qcow2 | grep -q '^backing file:.*a.s1' || fail 'the clone still has its link'
base=$(sha256sum <a.s1)
ok "$OFFSHOT" delete ./vm.xml s2
assert_stderr_contains "interrupted operation of domain 'o'"
assert_equal "$(sha256sum <a.s1)" "$base" 'image that a journal names'
ok "$OFFSHOT" recover ./o.xml
assert_equal "$(content_hash clones/y.qcow2 qcow2)" "$clone" 'clone that was recovered'
mkdir -pm 700 .o.offshot
echo nonsense >.o.offshot/journal
ok "$OFFSHOT" create ./vm.xml s3 --disk-only
assert_refuses 8 'cannot be read' "$OFFSHOT" delete ./vm.xml s3 --strategy=commit

# what may not be read may stand on anything
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    user=(setpriv --reuid=65534 --regid=65534 --clear-groups env "PATH=$PATH")
    cp "$OFFSHOT" "$SCRATCH/offshot"
    chmod 755 "$SCRATCH" "$SCRATCH/offshot" "$WORK"
    for what in o.snapshots clones clones/y.qcow2 o.xml .o.offshot; do
        fresh
        other
        ok "$OFFSHOT" create ./o.xml q --disk-only --diskspec "vda,file=$PWD/o.q"
        [ "$what" = clones ] || ok "$OFFSHOT" flatten ./o.xml
        [ "$what" = clones/y.qcow2 ] || [ "$what" = o.snapshots ] || rm -r o.snapshots
        [ "$what" != .o.offshot ] || mkdir -p .o.offshot
        [ "$what" != o.xml ] || other
        chown 65534:65534 . vm.xml vm.snapshots vm.snapshots/* a.*
        chmod go-rwx "$what"
        clone=$(content_hash clones/y.qcow2 qcow2)
        ok "${user[@]}" "$SCRATCH/offshot" delete ./vm.xml s2
        [ "$what" = .o.offshot ] || assert_stderr_contains 'cannot be read'
        [ "$what" = .o.offshot ] || assert_equal "$(content_hash clones/y.qcow2 qcow2)" "$clone" "clone, $what unreadable"
    done
fi
