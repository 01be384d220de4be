#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --version names this version and, since much depends on it, that of qemu-img, and what the kernel has for a sandbox.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

run "$OFFSHOT" --version
assert_status 0
assert_stdout_line "offshot ${OFFSHOT_VERSION:?}"
assert_stdout_line "$(qemu-img --version | head -n 1)"
grep -qE "^sandbox: (none|landlock ABI [1-9][0-9]*)$" "$STDOUT" || fail "nothing about the sandbox"
assert_stderr_empty
