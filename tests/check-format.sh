#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hold every C file to .clang-format.
set -eu

if ! command -v clang-format >/dev/null; then
    echo 'SKIP: clang-format is missing'
    exit 77
fi
# Releases differ in what they make of one configuration.
if ! clang-format --version | grep -q 'version 14\.'; then
    echo "SKIP: $(clang-format --version), but .clang-format is for version 14"
    exit 77
fi

cd "${top_srcdir:-$(dirname "$0")/..}"
find src tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} +
