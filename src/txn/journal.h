/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "txn/plan.h"

/* The plan as written to disk while it runs: "DIR/journal".
 *
 * First line: "offshot-journal VERSION SHA256", the hash being that of all that follows; then a
 * GLib key file, every value percent-encoded where it is no plain text. It holds the steps with the
 * identities that recovery compares and what their recipes need, how far they are, the images to
 * lock, the boot during which it was written (device numbers mean nothing after another boot), and
 * the directory it was written to (its paths are absolute: a copy of it is about the same files).
 */

/* This version of the format. A higher one is refused; version 1 knew no steps that change images,
 * and is read as the part of version 2 that it is.
 */
#define JOURNAL_VERSION 2

/* The longest journal that is read, in bytes: far more than 200 layers on every disk of a domain
 * need. */
#define JOURNAL_MAX (64 * 1024 * 1024)

struct journal {
    enum plan_phase phase; /* PLAN_PREPARE: to be undone; PLAN_APPLY: committed, to be finished */
    struct plan *plan; /* steps without argv, content and expectations; of checks only the locks */
    bool same_boot;    /* the journal is from this boot: device numbers count */
};

/* Write the journal of PLAN to directory DIRECTORY, durably, replacing the one that is there. */
bool journal_save(const char *directory, const struct plan *plan, enum plan_phase phase,
                  GError **error);

/* Remove the journal. */
bool journal_remove(const char *directory, GError **error);

bool journal_exists(const char *directory);

/* Remove half-written journals ("journal.XXXXXX") that a killed process left. The lock must be
 * held. */
void journal_sweep(const char *directory);

/* Read the journal of DIRECTORY. Returns NULL without an error when there is none. Fails with
 * OFFSHOT_ERROR_INTERRUPTED when it is damaged, from a newer version, of a domain other than DOMAIN
 * (NULL: any), or was written to another directory; one that was only renamed is no other, going by
 * inode and birth. A directory that has nothing but the name of that one, put back from a backup or
 * made by somebody else, passes only when the user has ASKED for its journal. Free with
 * journal_free().
 */
struct journal *journal_load(const char *directory, const char *domain, bool asked, GError **error);
void journal_free(struct journal *journal);
SCOPED_DEFINE(journal)

/* The text of a journal and back; pure. BOOT is the boot's identifier. */
char *journal_format(const struct plan *plan, enum plan_phase phase, const char *boot);
struct journal *journal_parse(const char *text, size_t length, const char *boot, GError **error);
