/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/plan.h"

/* Runs plans: check, journal, prepare, commit record, apply, done (DESIGN.md, "The plan"). */

struct txn_options {
    const char *state_directory; /* where the journal goes; exists, and its lock is held */
    unsigned jobs;               /* programs at a time; at least 1 */
    bool asked;                  /* recovery is what the user wants (txn/journal.h) */
    GPtrArray *notes;            /* of char *: remarks for the user, appended to */
    /* Told how much of the long programs of a rank is done (0 to 1); NULL: nobody is. */
    void (*progress)(double fraction, void *data);
    void *progress_data;
};

/* Run PLAN. The caller holds the lock of the state directory and has seen that no journal is there.
 *
 * Fails with the error of the check or step that failed, everything undone and the journal removed;
 * or with OFFSHOT_ERROR_INTERRUPTED when it could neither be undone nor finished: the journal stays
 * for recovery.
 */
bool txn_run(struct plan *plan, const struct txn_options *options, GError **error);

/* Only the checks, for a dry run. */
bool txn_check(const struct plan *plan, GError **error);

enum txn_recovery {
    TXN_NOTHING,  /* there was no journal */
    TXN_UNDONE,   /* the operation had not happened and was taken back */
    TXN_FINISHED, /* the operation had happened and was completed */
};

/* What recovery found and did; the strings are the caller's to free. */
struct txn_recovered {
    enum txn_recovery what;
    char *operation;
    char *snapshot; /* or NULL */
};

void txn_recovered_clear(struct txn_recovered *recovered);

/* Finish or undo what the journal of DOMAIN in OPTIONS' directory tells of. With DRY_RUN only say
 * which.
 *
 * Fails with OFFSHOT_ERROR_INTERRUPTED when the journal cannot be trusted or what it names cannot
 * be explained (nothing of that is touched), OFFSHOT_ERROR_BUSY when an image is in use.
 */
bool txn_recover(const struct txn_options *options, const char *domain, bool dry_run,
                 struct txn_recovered *recovered, GError **error);

/* Whether recovering from the journal in DIRECTORY only takes renames and removals: no image is
 * repaired, merged or reverted, which can take long and needs the images for itself. Also when
 * there is no journal, or none that can be read.
 */
bool txn_recovery_is_quick(const char *directory);
