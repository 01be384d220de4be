#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a qemu-img that somebody has taken over can do: use the images of its task. It sees no other file, no
# descriptor but the locks and its own image, and nothing of the environment.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

have_landlock()
{
    "$OFFSHOT" --version | grep -q '^sandbox: landlock ABI [0-9]'
}

BIN=$SCRATCH/bin
mkdir "$BIN" "$WORK/other"
make_image a.qcow2 qcow2 1M
make_image b.qcow2 qcow2 1M
make_domain vm vda:qcow2:a.qcow2 vdb:qcow2:b.qcow2
echo secret >"$WORK/secret"
real=$(command -v qemu-img)

# wrap SCRIPT: offshot finds this instead of qemu-img.
wrap()
{
    printf '#!/bin/bash\nREAL=%q\ncd %q\n%s\n' "$real" "$WORK" "$1" >"$BIN/qemu-img"
    chmod +x "$BIN/qemu-img"
}

create=(env "PATH=$BIN:$PATH" SECRET=1 HOME=/root "$OFFSHOT" create ./vm.xml s1 --disk-only)

# --- descriptors and environment ---------------------------------------------------------------------

# shellcheck disable=SC2016 # for the wrapper
wrap 'out='"$SCRATCH"'/seen.$$
tr "\0" "\n" </proc/$$/environ | sort >"$out.environment"
for fd in /proc/$$/fd/*; do readlink "$fd"; done | sort >"$out.descriptors"
exec "$REAL" "$@"'
exec 8<"$WORK/secret"
ok "${create[@]}" --sandbox=off
exec 8<&-
count=0
for seen in "$SCRATCH"/seen.*.environment; do
    assert_equal "$(cat "$seen")" "LC_ALL=C
PATH=$BIN:$PATH" environment
    # standard files, the script itself, the locks, its own overlay and not the other one
    others=$(grep -vE "^(/dev/null|pipe:.*|$BIN/qemu-img|/proc/.*|$WORK/[ab].qcow2|$WORK/\.[ab]\.s1\..*)$" \
        "${seen%.environment}.descriptors")
    assert_equal "$others" '' 'other descriptors'
    assert_equal "$(grep -c "^$WORK/\.[ab]\.s1\." "${seen%.environment}.descriptors")" 1 'overlays in reach'
    count=$((count + 1))
done
assert_equal "$count" 2 'programs that ran'
ok "$OFFSHOT" delete ./vm.xml s1 --metadata
rm -rf vm.snapshots .vm.offshot a.s1 b.s1
make_domain vm vda:qcow2:a.qcow2

# --- files -------------------------------------------------------------------------------------------

# The program says on stderr what it could do.
# shellcheck disable=SC2016 # for the wrapper
wrap '[ "$1" = create ] || exec "$REAL" "$@"
for target; do case $target in /proc/self/fd/*) break ;; esac; done
could=
try() { if (eval "$2") >/dev/null 2>&1; then could="$could $1"; fi; }
try read "read -r word <secret"
try write ": >>secret"
try list "exec 9<other"
try make ": >other/new"
try remove "rm other/old"
try base "exec 9<a.qcow2"
try parent "kill -0 $PPID"
try target ": >>$target"
echo "could:$could." >&2
exit 1'
: >other/old
run "${create[@]}" --sandbox=off
assert_error 1 'could: read write list make remove base parent target.'
: >other/old
rm other/new
if ! have_landlock; then
    assert_refuses 8 "the kernel ($(uname -sr)) offers no sandbox" "${create[@]}" --sandbox=require
    skip 'the kernel has no Landlock'
fi
# signals are kept inside from version 6 on
signals=
[ "$("$OFFSHOT" --version | sed -n 's/^sandbox: landlock ABI //p')" -ge 6 ] || signals=' parent'
for option in '' --sandbox=auto --sandbox=require; do
    assert_refuses 1 "could:$signals target." "${create[@]}" ${option:+"$option"}
done

# --- a kernel without ---------------------------------------------------------------------------------

assert_refuses 2 "'maybe' is none of" "${create[@]}" --sandbox=maybe
[ "${OFFSHOT_SANITIZERS-no}" = no ] && [ "${OFFSHOT##*/}" != valgrind.sh ] && command -v strace >/dev/null || exit 0
without=(strace -f -qq -o /dev/null -e trace=landlock_create_ruleset
    -e inject=landlock_create_ruleset:error=EOPNOTSUPP)
rm "$BIN/qemu-img"
ok "${without[@]}" "$OFFSHOT" --version
assert_stdout_line 'sandbox: none'
assert_refuses 8 "the kernel ($(uname -sr)) offers no sandbox" "${without[@]}" "${create[@]}" --sandbox=require
ok "${without[@]}" "${create[@]}"
assert_chain "$WORK/a.s1" qcow2 "$WORK/a.qcow2"

# --- no more of them around each other ------------------------------------------------------------------

nested=(strace -f -qq -o /dev/null -e trace=landlock_restrict_self
    -e inject=landlock_restrict_self:error=E2BIG)
assert_refuses 8 'cannot enter a sandbox: offshot runs inside too many' "${nested[@]}" \
    "$OFFSHOT" delete ./vm.xml s1 --sandbox=require
ok "${nested[@]}" "$OFFSHOT" delete ./vm.xml s1
assert_absent vm.snapshots/s1.xml
assert_clean "$(domain_source vm.xml vda)" qcow2
