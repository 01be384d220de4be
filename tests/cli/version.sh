#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# --version names this version and, since much depends on it, that of qemu-img.
. "${srcdir:?}/lib/lib.sh"

need qemu-img

run "$OFFSHOT" --version
assert_status 0
assert_stdout_line "offshot ${OFFSHOT_VERSION:?}"
assert_stdout_line "$(qemu-img --version | head -n 1)"
assert_stderr_empty
