/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/session.h"

static struct session_choice choice;

static struct poptOption options[] = {
    SESSION_CHOICE_OPTIONS(choice),
    CLI_COMMON_OPTIONS,
};

static void
print_field(const char *name, const char *value)
{
    g_autofree char *escaped = output_escape(value);
    g_autofree char *label = g_strconcat(name, ":", NULL);

    printf("%-15s %s\n", label, escaped);
}

static void
print_info(const struct state *state, const struct snapshot_def *def)
{
    const struct snapshot_tree *tree = state->snapshots->tree;
    const struct snapshot_def *is = snapshot_tree_current(tree);
    g_autoptr(GPtrArray) children = snapshot_tree_children(tree, def->name);
    g_autoptr(GPtrArray) descendants = snapshot_tree_descendants(tree, def->name);
    g_autofree char *child_count = g_strdup_printf("%u", children->len);
    g_autofree char *descendant_count = g_strdup_printf("%u", descendants->len);
    bool external = snapshot_def_location(def) == SNAPSHOT_LOCATION_EXTERNAL;

    print_field("Name", def->name);
    print_field("Domain", state->domain->name);
    print_field("Current", is && strcmp(is->name, def->name) == 0 ? "yes" : "no");
    print_field("State", def->state);
    print_field("Location", external ? "external" : "internal");
    print_field("Parent", def->parent ? def->parent : "-");
    print_field("Children", child_count);
    print_field("Descendants", descendant_count);
    print_field("Metadata", "yes");
}

static int
run(struct cli *cli, GError **error)
{
    const struct snapshot_def *def;
    scoped(session) session =
        session_open_snapshot(cli, &choice, SESSION_READ, STATE_METADATA, &def, error);

    if (!session)
        return -1;
    if (cli->json)
        output_snapshot(session->state, def);
    else
        print_info(session->state, def);
    return 0;
}

const struct command command_info = {
    .name = "info",
    .aliases = {"snapshot-info"},
    .arguments = "DOMAIN SNAP",
    .summary = "Show one snapshot",
    .example = "offshot info ./vm.xml before-upgrade",
    .options = options,
    .run = run,
};
