/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "util/child.h"
#include "util/sandbox.h"

/* What a qemu-img may use up. It runs on images of strangers, and somebody may change them after
 * they were looked at: a chain that has become a loop, or a header that asks for much, shall end
 * with an error before it takes all that the host has. How much is needed was measured with
 * tests/bench/memory.sh, QEMU 7.2; time goes by the amount of data and is limited only where
 * headers alone are read.
 */

/* For what reads a header, or nothing. */
extern const struct child_limits qemu_img_header_limits;

/* For what works on the images that SANDBOX allows, which have to be there. */
struct child_limits qemu_img_limits(const struct sandbox *sandbox);
