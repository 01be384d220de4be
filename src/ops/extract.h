/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "load/tree.h"
#include "txn/plan.h"

/* What `extract` is asked for. Nothing in it is owned. */
struct extract_request {
    const struct snapshot_def *target;
    const char *output; /* absolute: a directory, or a file when one disk is copied */
    bool output_is_directory;
    const GPtrArray *disks; /* targets, of char *; NULL: every disk that the snapshot covers */
    const char *format;     /* qemu's name: "qcow2" or "raw" */
    bool compress;
};

/* Plan to copy the disks of a snapshot out as standalone images: OUTPUT itself, or
 * OUTPUT/TARGET.FORMAT for each disk. Pure.
 *
 * Fails with OFFSHOT_ERROR_NOT_FOUND (a disk that the snapshot does not cover),
 * OFFSHOT_ERROR_INCONSISTENT (its image or tag is not there), OFFSHOT_ERROR_USAGE (several disks
 * and one file). That nothing is overwritten is a check of the plan. Free with plan_free().
 */
struct plan *extract_plan(const struct state *state, const struct extract_request *request,
                          GPtrArray *notes, GError **error);
