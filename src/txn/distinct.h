/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/plan.h"

/* See that no two steps of PLAN get in each other's way: within a phase a name is made, moved or
 * removed by one step only, and within a rank, whose steps run in parallel, an image is written by
 * one only (QEMU's own locks, which would notice, are off). Changing an image under its name and
 * then moving that name is fine: image steps come first in their rank.
 *
 * Planners see to all of that; should one ever fail to, nothing has happened yet. Fails with
 * OFFSHOT_ERROR_REFUSED.
 */
bool plan_check_distinct(const struct plan *plan, GError **error);
