/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "cli/snapshot-table.h"

#include <libsmartcols.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"

static bool
use_color(const struct cli *cli)
{
    const char *no_color = g_getenv("NO_COLOR");

    if (cli->color && strcmp(cli->color, "auto") != 0)
        return strcmp(cli->color, "always") == 0;
    return isatty(STDOUT_FILENO) && !(no_color && no_color[0] != '\0');
}

static struct libscols_table *
table_new(const struct cli *cli, struct snapshot_table_style style)
{
    struct libscols_table *table = scols_new_table();

    scols_table_enable_noheadings(table, cli->quiet);
    scols_table_enable_colors(table, use_color(cli));
    scols_table_new_column(table, "Name", 0, style.tree ? SCOLS_FL_TREE : 0);
    scols_table_new_column(table, "Creation Time", 0, 0);
    scols_table_new_column(table, "State", 0, 0);
    if (style.parent)
        scols_table_new_column(table, "Parent", 0, 0);
    return table;
}

/* Add one snapshot; below the line of its parent when that is in the tree that is drawn. */
static void
table_add(struct libscols_table *table, GHashTable *lines, const struct snapshot_tree *tree,
          const struct snapshot_def *def, struct snapshot_table_style style)
{
    const struct snapshot_def *parent = snapshot_tree_parent(tree, def->name);
    const struct snapshot_def *current = snapshot_tree_current(tree);
    g_autofree char *time = output_time(def->creation_time);
    struct libscols_line *above =
        style.tree && parent ? g_hash_table_lookup(lines, parent->name) : NULL;
    struct libscols_line *line = scols_table_new_line(table, above);

    scols_line_set_data(line, 0, def->name);
    scols_line_set_data(line, 1, time);
    scols_line_set_data(line, 2, def->state);
    if (style.parent)
        scols_line_set_data(line, 3, def->parent ? def->parent : "");
    if (current && strcmp(current->name, def->name) == 0)
        scols_line_set_color(line, "bold");
    g_hash_table_insert(lines, def->name, line);
}

void
snapshot_table_print(const struct cli *cli, const struct snapshot_tree *tree, const GPtrArray *defs,
                     struct snapshot_table_style style)
{
    g_autoptr(GHashTable) lines = g_hash_table_new(g_str_hash, g_str_equal);
    struct libscols_table *table = table_new(cli, style);

    for (guint i = 0; i < defs->len; i++)
        table_add(table, lines, tree, g_ptr_array_index(defs, i), style);
    scols_print_table(table);
    scols_unref_table(table);
}
