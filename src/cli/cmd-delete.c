/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/session.h"
#include "ops/delete.h"
#include "util/error.h"

static struct session_choice choice;
static int children;
static int children_only;
static int metadata;
static char *strategy;

static struct poptOption options[] = {
    SESSION_CHOICE_OPTIONS(choice),
    {"children", '\0', POPT_ARG_NONE, &children, 0, "its children and theirs, too", NULL},
    {"children-only", '\0', POPT_ARG_NONE, &children_only, 0, "only its children and theirs", NULL},
    {"metadata", '\0', POPT_ARG_NONE, &metadata, 0,
     "forget the snapshot, leave every image as it is", NULL},
    {"strategy", '\0', POPT_ARG_STRING, &strategy, 0,
     "which way data is moved (default auto: whatever is less)", "auto|commit|rebase"},
    CLI_COMMON_OPTIONS,
};

static bool
parse_strategy(enum merge_strategy *parsed, GError **error)
{
    static const char *const names[] = {
        [MERGE_AUTO] = "auto",
        [MERGE_COMMIT] = "commit",
        [MERGE_REBASE] = "rebase",
    };

    *parsed = MERGE_AUTO;
    for (size_t i = 0; strategy && i < G_N_ELEMENTS(names); i++) {
        if (strcmp(strategy, names[i]) == 0) {
            *parsed = (enum merge_strategy)i;
            return true;
        }
    }
    if (!strategy)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                "--strategy is auto, commit or rebase, not '%s'", strategy);
    return false;
}

static bool
check_options(GError **error)
{
    const char *wrong = NULL;

    if (children && children_only)
        wrong = "--children and --children-only exclude each other";
    else if (metadata && strategy)
        wrong = "--metadata touches no image and excludes --strategy";
    if (wrong)
        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, wrong);
    return !wrong;
}

static void
report(const struct cli *cli, const char *name, json_t *deleted)
{
    g_autofree char *escaped = output_escape(name);

    if (cli->json && !cli->dry_run)
        output_json(json_incref(deleted));
    else if (!cli->dry_run && !cli->quiet)
        printf("Domain snapshot %s %s\n", escaped, children_only ? "children deleted" : "deleted");
}

/* How data is moved is told to who asks for the plan; everybody is told what stays. */
static void
sort_notes(struct session *session, GPtrArray *notes, GPtrArray *strategies)
{
    while (notes->len > 0) {
        char *note = g_ptr_array_steal_index(notes, 0);
        bool moves = g_str_has_prefix(note, MERGE_NOTE_STRATEGY);

        g_ptr_array_add(moves ? strategies : session->plan_notes, note);
    }
}

/* Along with the plan: before it is run, or in a dry run after its checks. */
static bool
run_plan(struct session *session, struct plan *plan, const GPtrArray *strategies, GError **error)
{
    const struct cli *cli = session->cli;

    if (cli->dry_run && !session_run(session, plan, error))
        return false;
    for (guint i = 0; (cli->dry_run || cli->verbose > 0) && i < strategies->len; i++)
        output_note(cli, "%s", (const char *)g_ptr_array_index(strategies, i));
    return cli->dry_run || session_run(session, plan, error);
}

static bool
delete_snapshots(struct session *session, const struct delete_request *request, GError **error)
{
    const struct state *state = session->state;
    g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) strategies = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) selection = delete_selection(state, request);
    /* afterwards they are gone from the tree */
    json_t *deleted = output_snapshots(state, state->snapshots->tree, selection);
    scoped(plan) plan = delete_plan(state, request, notes, error);
    bool done;

    sort_notes(session, notes, strategies);
    done = plan && run_plan(session, plan, strategies, error);
    if (done)
        report(session->cli, request->target->name, deleted);
    json_decref(deleted);
    return done;
}

static int
run(struct cli *cli, GError **error)
{
    struct delete_request request = {
        .children = children != 0,
        .children_only = children_only != 0,
        .metadata = metadata != 0,
    };
    scoped(session) session = NULL;

    if (!check_options(error) || !parse_strategy(&request.strategy, error))
        return -1;
    session =
        session_open_snapshot(cli, &choice, SESSION_CHANGE, STATE_TREE, &request.target, error);
    return session && delete_snapshots(session, &request, error) ? 0 : -1;
}

const struct command command_delete = {
    .name = "delete",
    .aliases = {"snapshot-delete"},
    .arguments = "DOMAIN SNAP",
    .summary = "Delete a snapshot",
    .details = "Every other snapshot, and the active state, keep their content. What only the\n"
               "deleted snapshot held is given back. --dry-run says which way data would be\n"
               "moved, and how much: down into the image below (commit) or up into the image\n"
               "above (rebase).",
    .example = "offshot delete ./vm.xml before-upgrade",
    .options = options,
    .run = run,
};
