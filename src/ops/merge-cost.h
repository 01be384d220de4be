/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ops/merge.h"

/* What a merge costs, going by what its images hold. Pure; in bytes, and at most. */

/* Data that moves by a commit, and by a rebase. */
uint64_t merge_cost_down(const struct merge *merge);
uint64_t merge_cost_up(const struct merge *merge);

/* Space that MERGE, which is decided, takes on the file system that it writes to: none in a block
 * device.
 */
uint64_t merge_cost_space(const struct merge *merge);

/* The level of MERGE after those of MERGES (of struct merge): qemu-img must not read an image while
 * another one writes it.
 */
unsigned merge_cost_level(const GArray *merges, const struct merge *merge);
