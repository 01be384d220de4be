#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Run a unit test (its path is the first argument), or offshot (OFFSHOT_PROGRAM) when called in its
# place, under valgrind. A memory error or a lost block makes the exit status 99.
set -eu

case "${1-}" in
*unit/test-*) ;;
*) set -- "${OFFSHOT_PROGRAM:?}" "$@" ;;
esac

# GLib before 2.76 has an allocator of its own, in which valgrind sees nothing.
G_SLICE=always-malloc
export G_SLICE
# A shell test compares what offshot writes to stderr; what valgrind says must not be in it.
if [ -n "${OFFSHOT_VALGRIND_LOGS-}" ]; then
    set -- "--log-file=$OFFSHOT_VALGRIND_LOGS/%p" "$@"
fi
exec valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite \
    --errors-for-leak-kinds=definite --trace-children=no --child-silent-after-fork=no "$@"
