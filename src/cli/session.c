/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "cli/session.h"

#include <stdio.h>

#include "cli/output.h"
#include "store/stores.h"
#include "store/trust.h"
#include "txn/journal.h"
#include "util/child.h"
#include "util/error.h"

static void
trace_program(char *const *argv)
{
    fprintf(stderr, "offshot: run");
    for (size_t i = 0; argv[i]; i++) {
        g_autofree char *word = output_quote(argv[i]);

        fprintf(stderr, " %s", word);
    }
    fprintf(stderr, "\n");
}

static struct txn_options
transaction_options(struct session *session)
{
    bool told = session->progress.style != PROGRESS_NONE;

    return (struct txn_options){
        .state_directory = session->location->state,
        .jobs = (unsigned)session->cli->jobs,
        .notes = session->notes,
        .progress = told ? progress_show : NULL,
        .progress_data = &session->progress,
    };
}

bool
session_recover(struct session *session, bool asked, struct txn_recovered *recovered,
                GError **error)
{
    struct txn_options options = transaction_options(session);
    const char *domain = session->state ? session->state->domain->name : NULL;
    bool done;

    options.asked = asked;
    done = txn_recover(&options, domain, session->cli->dry_run, recovered, error);
    progress_end(&session->progress);
    return done;
}

/* Recover, say so, and load what is there now. */
static bool
recover_and_reload(struct session *session, enum state_parts parts, GError **error)
{
    struct txn_recovered recovered;

    if (!session_recover(session, false, &recovered, error))
        return false;
    output_note(session->cli, "an interrupted '%s' of this domain was %s", recovered.operation,
                recovered.what == TXN_UNDONE ? "undone" : "finished");
    txn_recovered_clear(&recovered);
    state_free(g_steal_pointer(&session->state));
    session->state = state_load(session->location, parts, error);
    return session->state != NULL;
}

/* Whether an earlier run left anything behind that a reader may want to clear up. */
static bool
has_leftovers(const struct domain_location *location)
{
    return g_file_test(location->state, G_FILE_TEST_IS_DIR);
}

/* Take the lock for a reader, at once or not at all. */
static bool
lock_for_reading(struct session *session, GError **error)
{
    if (!domain_location_check_daemon(session->location, error) ||
        !domain_location_check_stopped(session->location, error))
        return false;
    session->lock = store_lock_take(session->location->state, 0, error);
    return session->lock != NULL;
}

/* A reader completes what was interrupted when that is possible at once, and else only says so: it
 * neither waits for long work on images nor keeps others from them.
 */
static bool
recover_before_reading(struct session *session, enum state_parts parts, GError **error)
{
    const char *directory = session->location->state;
    g_autoptr(GError) local = NULL;

    if (lock_for_reading(session, &local)) {
        journal_sweep(directory);
        if (journal_exists(directory) && txn_recovery_is_quick(directory))
            recover_and_reload(session, parts, &local);
        store_lock_free(g_steal_pointer(&session->lock));
    }
    if (journal_exists(directory))
        output_note(session->cli, "an operation on this domain is under way or was interrupted: %s",
                    local ? local->message : "run `offshot recover`");
    if (!session->state)
        g_propagate_error(error, g_steal_pointer(&local));
    return session->state != NULL;
}

static bool
set_interrupted(GError **error)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INTERRUPTED,
                "an operation on this domain was interrupted: run `offshot recover` first");
    return false;
}

static bool
recover_before_changing(struct session *session, enum state_parts parts, GError **error)
{
    return session->cli->dry_run ? set_interrupted(error)
                                 : recover_and_reload(session, parts, error);
}

/* Take the lock, unless this is a dry run. */
static bool
take_lock(struct session *session, GError **error)
{
    struct cli *cli = session->cli;

    if (cli->dry_run)
        return true;
    session->lock = store_lock_take(session->location->state, (unsigned)cli->lock_timeout, error);
    if (session->lock)
        journal_sweep(session->location->state);
    return session->lock != NULL;
}

bool
session_lock(struct session *session, GError **error)
{
    return session->cli->dry_run ||
           (domain_location_check_daemon(session->location, error) && take_lock(session, error));
}

/* What SESSION's mode asks for before anything is loaded. */
static bool
prepare(struct session *session, enum session_mode mode, GError **error)
{
    switch (mode) {
    case SESSION_READ:
        return true;
    case SESSION_SETTLED:
        return domain_location_check_keeper(session->location, error);
    case SESSION_HOLD:
        return domain_location_check_keeper(session->location, error) && take_lock(session, error);
    case SESSION_CHANGE:
        return session_lock(session, error);
    }
    g_assert_not_reached();
}

static bool
session_load(struct session *session, enum session_mode mode, enum state_parts parts,
             GError **error)
{
    const struct domain_location *location = session->location;

    session->state = state_load(session->location, parts, error);
    if (!session->state)
        return false;
    if (mode == SESSION_READ)
        return session->cli->dry_run || !has_leftovers(location) ||
               recover_before_reading(session, parts, error);
    if (mode != SESSION_CHANGE)
        return !journal_exists(location->state) || set_interrupted(error);
    if (!store_check_trust(location, session->state->snapshots, error) ||
        !domain_location_check_stopped(location, error) ||
        !domain_location_check_not_saved(location, error))
        return false;
    return !journal_exists(location->state) || recover_before_changing(session, parts, error);
}

struct session *
session_new(struct cli *cli, const char *domain, GError **error)
{
    scoped(session) session = g_new0(struct session, 1);

    session->cli = cli;
    session->notes = g_ptr_array_new_with_free_func(g_free);
    session->plan_notes = g_ptr_array_new_with_free_func(g_free);
    progress_init(&session->progress, cli);
    child_set_trace(cli->verbose > 1 ? trace_program : NULL);
    session->location = domain_location_find(domain, cli->connect, cli->store, error);
    return session->location ? g_steal_pointer(&session) : NULL;
}

struct session *
session_open(struct cli *cli, const char *domain, enum session_mode mode, enum state_parts parts,
             GError **error)
{
    scoped(session) session = session_new(cli, domain, error);

    if (!session || !prepare(session, mode, error) || !session_load(session, mode, parts, error))
        return NULL;
    output_warnings(cli, session->state->snapshots->problems);
    return g_steal_pointer(&session);
}

void
session_free(struct session *session)
{
    if (!session)
        return;
    output_warnings(session->cli, session->notes);
    g_ptr_array_unref(session->notes);
    g_ptr_array_unref(session->plan_notes);
    state_free(session->state);
    store_lock_free(session->lock);
    domain_location_free(session->location);
    g_free(session);
}

void
session_pause(struct session *session)
{
    store_lock_free(g_steal_pointer(&session->lock));
}

bool
session_resume(struct session *session, enum state_parts parts, GError **error)
{
    state_free(g_steal_pointer(&session->state));
    return session_lock(session, error) && session_load(session, SESSION_CHANGE, parts, error);
}

/* A daemon that was started in the middle may have read what was there before. */
static void
note_late_daemon(const struct session *session)
{
    const struct domain_location *location = session->location;
    g_autofree char *domain = NULL;
    g_autofree char *uri = NULL;

    if (domain_location_check_daemon(location, NULL))
        return;
    domain = output_quote(session->state->domain->name);
    uri = output_quote(location->uri);
    output_note(session->cli,
                "warning: a libvirt daemon was started meanwhile and may not know of this: run "
                "`offshot publish %s -c %s --run` before the domain is started",
                domain, uri);
}

static bool
carry_out(struct session *session, struct plan *plan, GError **error)
{
    struct txn_options options = transaction_options(session);

    if (session->cli->dry_run) {
        if (!txn_check(plan, error))
            return false;
        output_plan(session->cli, plan);
        return true;
    }
    if (session->cli->verbose > 0)
        output_plan(session->cli, plan);
    if (plan->prepare->len + plan->apply->len == 0)
        return txn_check(plan, error);
    if (!stores_note(session->location, error))
        return false;
    session->cli->changed = txn_run(plan, &options, error);
    progress_end(&session->progress);
    if (session->cli->changed)
        note_late_daemon(session);
    return session->cli->changed;
}

/* The planner's remarks hold from now on. They come before those of the run, of which the first is
 * at FIRST.
 */
static void
keep_plan_notes(struct session *session, guint first)
{
    while (session->plan_notes->len > 0)
        g_ptr_array_insert(session->notes, (gint)first++,
                           g_ptr_array_steal_index(session->plan_notes, 0));
}

bool
session_run(struct session *session, struct plan *plan, GError **error)
{
    guint first = session->notes->len;
    g_autoptr(GError) local = NULL;
    bool done = carry_out(session, plan, &local);

    /* what is half done will be finished, and does not say it again */
    if (done || local->code == OFFSHOT_ERROR_INTERRUPTED)
        keep_plan_notes(session, first);
    if (!done)
        g_propagate_error(error, g_steal_pointer(&local));
    return done;
}

bool
session_reload(struct session *session, GError **error)
{
    state_free(g_steal_pointer(&session->state));
    session->state = state_load(session->location, STATE_METADATA, error);
    return session->state != NULL;
}

const struct snapshot_def *
session_find_snapshot(const struct session *session, const char *name, GError **error)
{
    const struct snapshot_tree *tree = session->state->snapshots->tree;
    const struct snapshot_def *current = snapshot_tree_current(tree);

    if (name)
        return snapshot_tree_get(tree, name, error);
    if (!current)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND,
                    "domain '%s' has no current snapshot", session->state->domain->name);
    return current;
}

struct session *
session_open_snapshot(struct cli *cli, const struct session_choice *choice, enum session_mode mode,
                      enum state_parts parts, const struct snapshot_def **def, GError **error)
{
    const char *domain = cli_take_domain(cli, error);
    const char *name = choice->name ? choice->name : (domain ? cli_next(cli) : NULL);
    scoped(session) session = NULL;

    if (!domain || !cli_check_no_more(cli, error))
        return NULL;
    if (choice->current == (name != NULL)) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "give the name of a snapshot, or --current");
        return NULL;
    }
    session = session_open(cli, domain, mode, parts, error);
    *def = session ? session_find_snapshot(session, name, error) : NULL;
    return *def ? g_steal_pointer(&session) : NULL;
}
