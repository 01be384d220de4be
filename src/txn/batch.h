/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/run.h"

/* The programs of steps of one rank, run side by side. */

/* What running them needs beside the steps. */
struct batch_setting {
    const struct txn_options *options; /* how many at a time, and who is told how far they are */
    unsigned others;      /* long programs of the same rank that are not in this batch … */
    unsigned others_done; /* … and how many of them are done */
};

/* Run the programs of STEPS (of struct step *; those without one are passed over), each inheriting
 * the descriptors of its step. Steps that change an image and whose program was started are marked
 * `begun`.
 *
 * Fails with the error of the first that failed in the strict sense (child_check()), or
 * OFFSHOT_ERROR_FAILED when cancelled. FAILED (of struct step *, may be NULL) gets the steps whose
 * program was started and did not succeed.
 */
bool batch_run(const GPtrArray *steps, const struct batch_setting *setting, GPtrArray *failed,
               GError **error);
