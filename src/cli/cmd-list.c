/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>

#include "cli/list-filter.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/snapshot-table.h"
#include "util/error.h"

static struct list_filter filter;
static char *from;
static int from_current;
static int show_parent;
static int show_tree;
static int names_only;

static struct poptOption options[] = {
    {"tree", '\0', POPT_ARG_NONE, &show_tree, 0, "draw the tree", NULL},
    {"parent", '\0', POPT_ARG_NONE, &show_parent, 0, "add a column with the parent", NULL},
    {"name", '\0', POPT_ARG_NONE, &names_only, 0, "print names only", NULL},
    {"roots", '\0', POPT_ARG_NONE, &filter.roots, 0, "only snapshots without a parent", NULL},
    {"leaves", '\0', POPT_ARG_NONE, &filter.leaves, 0, "only snapshots without children", NULL},
    {"no-leaves", '\0', POPT_ARG_NONE, &filter.no_leaves, 0, "only snapshots with children", NULL},
    {"internal", '\0', POPT_ARG_NONE, &filter.internal, 0, "only internal snapshots", NULL},
    {"external", '\0', POPT_ARG_NONE, &filter.external, 0, "only external snapshots", NULL},
    {"inactive", '\0', POPT_ARG_NONE, &filter.inactive, 0, "only those of the shut-off domain",
     NULL},
    {"active", '\0', POPT_ARG_NONE, &filter.active, 0, "only those of the running domain", NULL},
    {"disk-only", '\0', POPT_ARG_NONE, &filter.disk_only, 0,
     "only those of the running domain's disks", NULL},
    {"metadata", '\0', POPT_ARG_NONE, &filter.metadata, 0, "only those with metadata (all)", NULL},
    {"no-metadata", '\0', POPT_ARG_NONE, &filter.no_metadata, 0, "only those without (none)", NULL},
    {"topological", '\0', POPT_ARG_NONE, &filter.topological, 0, "parents before children", NULL},
    {"from", '\0', POPT_ARG_STRING, &from, 0, "only children of this snapshot", "SNAP"},
    {"current", '\0', POPT_ARG_NONE, &from_current, 0, "only children of the current one", NULL},
    {"descendants", '\0', POPT_ARG_NONE, &filter.descendants, 0,
     "with --from or --current: children's children, too", NULL},
    CLI_COMMON_OPTIONS,
};

static bool
check_options(GError **error)
{
    const char *wrong = NULL;

    if (from && from_current)
        wrong = "--from and --current exclude each other";
    else if (show_tree && (show_parent || names_only || filter.roots))
        wrong = "--tree excludes --parent, --name and --roots";
    else if (names_only && show_parent)
        wrong = "--name excludes --parent";
    else if (filter.roots && (from || from_current))
        wrong = "--roots excludes --from and --current";
    else if (filter.descendants && !from && !from_current)
        wrong = "--descendants goes with --from or --current";
    if (wrong)
        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, wrong);
    return !wrong;
}

/* The snapshots to show. A tree is drawn with the snapshot it starts from, and parents first. */
static GPtrArray *
choose(const struct session *session, GError **error)
{
    const struct snapshot_tree *tree = session->state->snapshots->tree;
    const struct snapshot_def *start = NULL;
    GPtrArray *chosen;

    if (from || from_current) {
        start = session_find_snapshot(session, from, error);
        if (!start)
            return NULL;
        filter.from = start->name;
    }
    if (show_tree)
        filter.topological = filter.descendants = 1;
    chosen = list_filter_apply(&filter, tree);
    if (show_tree && start)
        g_ptr_array_insert(chosen, 0, (void *)start);
    return chosen;
}

static int
run(struct cli *cli, GError **error)
{
    const char *domain = cli_take_domain(cli, error);
    scoped(session) session = NULL;
    g_autoptr(GPtrArray) chosen = NULL;

    if (!domain || !cli_check_no_more(cli, error) || !check_options(error))
        return -1;
    session = session_open(cli, domain, SESSION_READ, STATE_METADATA, error);
    chosen = session ? choose(session, error) : NULL;
    if (!chosen)
        return -1;
    if (cli->json) {
        output_json(output_snapshots(session->state, session->state->snapshots->tree, chosen));
    } else if (names_only) {
        for (guint i = 0; i < chosen->len; i++)
            printf("%s\n", ((const struct snapshot_def *)g_ptr_array_index(chosen, i))->name);
    } else {
        snapshot_table_print(cli, session->state->snapshots->tree, chosen,
                             (struct snapshot_table_style){show_tree, show_parent});
    }
    return 0;
}

const struct command command_list = {
    .name = "list",
    .aliases = {"snapshot-list"},
    .arguments = "DOMAIN",
    .summary = "List snapshots",
    .details = "The current snapshot is bold on a terminal. As in virsh, --disk-only means\n"
               "disk-only snapshots of a running domain; those that offshot takes are found\n"
               "by --inactive.",
    .example = "offshot list ./vm.xml --tree",
    .options = options,
    .run = run,
};
