#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Make ./configure from configure.ac; only needed in a checkout, never in a release.
set -eu

cd "$(dirname "$0")"
exec autoreconf --install --warnings=all
