/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli/cli.h"
#include "cli/progress.h"
#include "load/state.h"
#include "store/lock.h"
#include "txn/run.h"
#include "util/scope.h"

/* What every command on a domain does first: find it, lock it when something is to change, finish
 * or undo what an earlier run left, load its state.
 */
struct session {
    struct cli *cli;
    struct domain_location *location;
    struct store_lock *lock; /* NULL when only reading, and in a dry run */
    struct state *state;
    GPtrArray *notes;      /* of char *: remarks that become warnings */
    GPtrArray *plan_notes; /* those of the planner: only when its plan is carried out */
    struct progress progress;
};

enum session_mode {
    SESSION_READ,    /* changes nothing, but completes an interrupted operation where it may */
    SESSION_SETTLED, /* reads what others are to rely on: refused when libvirt keeps the file by a
                      * name, or an operation is under way or was interrupted */
    SESSION_HOLD,    /* the same, and keeps every other offshot from the domain; not in a dry run */
    SESSION_CHANGE,  /* refused while a libvirt daemon serves the URI, or the domain runs or is
                      * saved */
};

/* A session whose domain is found and nothing more. Fails as domain_location_find() does. */
struct session *session_new(struct cli *cli, const char *domain, GError **error);

/* Take the lock for a change, unless this is a dry run. Fails with OFFSHOT_ERROR_BUSY while a
 * libvirt daemon serves the URI or the lock is held.
 */
bool session_lock(struct session *session, GError **error);

/* Open a session on DOMAIN. Fails with the errors of domain_location_find(), the
 * domain_location_check_…() functions, store_lock_take(), txn_recover() and state_load(). Close
 * with session_free(), which prints the remarks.
 */
struct session *session_open(struct cli *cli, const char *domain, enum session_mode mode,
                             enum state_parts parts, GError **error);
void session_free(struct session *session);
SCOPED_DEFINE(session)

/* Check and print PLAN in a dry run; run it otherwise. What the planner noted becomes warnings,
 * unless nothing comes of the plan.
 */
bool session_run(struct session *session, struct plan *plan, GError **error);

/* For a change that waits for the user: let others work on the domain meanwhile, and later go on
 * with the lock and PARTS of the state as they are then. Fails as session_open() does.
 */
void session_pause(struct session *session);
bool session_resume(struct session *session, enum state_parts parts, GError **error);

/* Load the metadata again, after a plan has run. */
bool session_reload(struct session *session, GError **error);

/* Recover what the journal of the session's domain tells of (which may be nothing). ASKED: that is
 * what the user wants, so that a journal that was put back from a backup counts as well.
 */
bool session_recover(struct session *session, bool asked, struct txn_recovered *recovered,
                     GError **error);

/* The snapshot called NAME. With a NULL name, the current one. Fails with OFFSHOT_ERROR_NOT_FOUND.
 */
const struct snapshot_def *session_find_snapshot(const struct session *session, const char *name,
                                                 GError **error);

/* Which snapshot is meant, as virsh's options say it; popt writes here. */
struct session_choice {
    char *name;  /* --snapshotname, or NULL: the next argument */
    int current; /* --current */
};

/* The rows of an option table that fill the session_choice CHOICE. */
#define SESSION_CHOICE_OPTIONS(choice)                                                             \
    {"current", '\0', POPT_ARG_NONE, &(choice).current, 0, "the current snapshot", NULL},          \
    {                                                                                              \
        "snapshotname", '\0', POPT_ARG_STRING, &(choice).name, 0, "name of the snapshot", "SNAP"   \
    }

/* "DOMAIN [SNAP]" as most commands take it: domain, snapshot from --snapshotname or the next
 * argument or --current, and nothing more. Opens the session and finds the snapshot. Fails as
 * session_open() and session_find_snapshot() do, and with OFFSHOT_ERROR_USAGE.
 */
struct session *session_open_snapshot(struct cli *cli, const struct session_choice *choice,
                                      enum session_mode mode, enum state_parts parts,
                                      const struct snapshot_def **def, GError **error);
