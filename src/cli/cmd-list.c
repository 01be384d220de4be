/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/list-filter.h"
#include "cli/output.h"
#include "cli/session.h"
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

static bool
use_color(const struct cli *cli)
{
    const char *no_color = g_getenv("NO_COLOR");

    if (cli->color && strcmp(cli->color, "auto") != 0)
        return strcmp(cli->color, "always") == 0;
    return isatty(STDOUT_FILENO) && !(no_color && no_color[0] != '\0');
}

static struct libscols_table *
table_new(const struct cli *cli)
{
    struct libscols_table *table = scols_new_table();

    scols_table_enable_noheadings(table, cli->quiet);
    scols_table_enable_colors(table, use_color(cli));
    scols_table_new_column(table, "Name", 0, show_tree ? SCOLS_FL_TREE : 0);
    scols_table_new_column(table, "Creation Time", 0, 0);
    scols_table_new_column(table, "State", 0, 0);
    if (show_parent)
        scols_table_new_column(table, "Parent", 0, 0);
    return table;
}

/* Add one snapshot; below the line of its parent when that is in the tree that is drawn. */
static void
table_add(struct libscols_table *table, GHashTable *lines, const struct state *state,
          const struct snapshot_def *def)
{
    const struct snapshot_tree *tree = state->snapshots->tree;
    const struct snapshot_def *parent = snapshot_tree_parent(tree, def->name);
    const struct snapshot_def *current = snapshot_tree_current(tree);
    g_autofree char *time = output_time(def->creation_time);
    struct libscols_line *above =
        show_tree && parent ? g_hash_table_lookup(lines, parent->name) : NULL;
    struct libscols_line *line = scols_table_new_line(table, above);

    scols_line_set_data(line, 0, def->name);
    scols_line_set_data(line, 1, time);
    scols_line_set_data(line, 2, def->state);
    if (show_parent)
        scols_line_set_data(line, 3, def->parent ? def->parent : "");
    if (current && strcmp(current->name, def->name) == 0)
        scols_line_set_color(line, "bold");
    g_hash_table_insert(lines, def->name, line);
}

static void
print_table(const struct cli *cli, const struct state *state, const GPtrArray *chosen)
{
    g_autoptr(GHashTable) lines = g_hash_table_new(g_str_hash, g_str_equal);
    struct libscols_table *table = table_new(cli);

    for (guint i = 0; i < chosen->len; i++)
        table_add(table, lines, state, g_ptr_array_index(chosen, i));
    scols_print_table(table);
    scols_unref_table(table);
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
        print_table(cli, session->state, chosen);
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
