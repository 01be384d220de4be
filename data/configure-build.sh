#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# configure-build.sh [OPTION...]: make ./build ready for make. A build that is configured is taken as it
# is, unless OPTIONs are given and it has others; make itself notices a changed configure.ac.
set -eu

cd "$(dirname "$0")/.."

if [ -e config.status ]; then
    echo "this tree is configured in place: run 'make distclean' first" >&2
    exit 1
fi
[ -x configure ] || ./autogen.sh
mkdir -p build
cd build
if [ ! -e config.status ] || { [ $# != 0 ] && [ "$(cat configured-with)" != "$*" ]; }; then
    ../configure --quiet "$@"
    printf '%s\n' "$*" >configured-with
fi
