/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>

#include "cli/output.h"
#include "cli/session.h"
#include "cli/snapshot-table.h"
#include "ops/adopt.h"

static struct poptOption options[] = {
    CLI_COMMON_OPTIONS,
};

static char *
describe_left(const struct adopt_left *left)
{
    g_autoptr(GString) text = g_string_new(NULL);

    g_string_append_printf(text, "disk '%s'", left->disk);
    if (left->path)
        g_string_append_printf(text, ", '%s'", left->path);
    if (left->tag)
        g_string_append_printf(text, ", internal snapshot '%s'", left->tag);
    g_string_append_printf(text, " is left as it is: %s", left->message);
    return output_escape(text->str);
}

static json_t *
json_left(const struct adoption *adoption)
{
    json_t *list = json_array();

    for (guint i = 0; i < adoption->left->len; i++) {
        const struct adopt_left *left = g_ptr_array_index(adoption->left, i);

        json_array_append_new(
            list, json_pack("{s:o, s:o, s:o, s:o}", "disk", output_json_string(left->disk), "path",
                            output_json_string(left->path), "tag", output_json_string(left->tag),
                            "message", output_json_string(left->message)));
    }
    return list;
}

/* The snapshots of ADOPTION as they are in TREE. */
static GPtrArray *
find_adopted(const struct snapshot_tree *tree, const struct adoption *adoption)
{
    GPtrArray *defs = g_ptr_array_new();

    for (guint i = 0; i < adoption->snapshots->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(adoption->snapshots, i);

        g_ptr_array_add(defs, (void *)snapshot_tree_find(tree, def->name));
    }
    return defs;
}

/* What was adopted; in a dry run the plan as well. */
static void
report_json(const struct session *session, const struct adoption *adoption,
            const struct snapshot_tree *tree, const struct plan *plan)
{
    g_autoptr(GPtrArray) adopted = find_adopted(tree, adoption);
    json_t *object = session->cli->dry_run ? output_plan_json(plan) : json_object();

    json_object_update_new(object, output_snapshots(session->state, tree, adopted));
    json_object_set_new(object, "left", json_left(adoption));
    output_json(object);
}

static void
print_left(const struct cli *cli, const struct adoption *adoption, GPtrArray *notes)
{
    for (guint i = 0; i < adoption->left->len; i++) {
        char *line = describe_left(g_ptr_array_index(adoption->left, i));

        if (cli->dry_run)
            printf("%s\n", line);
        else
            g_ptr_array_add(notes, g_steal_pointer(&line));
        g_free(line);
    }
}

static void
report(const struct session *session, const struct adoption *adoption,
       const struct snapshot_tree *tree)
{
    const struct cli *cli = session->cli;
    g_autoptr(GPtrArray) adopted = find_adopted(tree, adoption);
    g_autofree char *name = output_escape(session->state->domain->name);

    if (cli->dry_run && adopted->len > 0)
        snapshot_table_print(cli, tree, adopted, (struct snapshot_table_style){true, true});
    else if (!cli->quiet && adopted->len == 0)
        printf("Domain %s has nothing to adopt\n", name);
    else if (!cli->quiet)
        printf("Domain %s: %u snapshot%s adopted\n", name, adopted->len,
               adopted->len == 1 ? "" : "s");
    print_left(cli, adoption, session->notes);
}

/* Run PLAN; in a dry run only its checks, since what it would write is shown in another way. */
static bool
carry_out(struct session *session, struct plan *plan, GError **error)
{
    return session->cli->dry_run ? txn_check(plan, error) : session_run(session, plan, error);
}

static bool
adopt(struct session *session, GError **error)
{
    scoped(adoption) adoption = adopt_find(session->state, error);
    scoped(snapshot_tree) tree = adoption ? adopt_tree(session->state, adoption, error) : NULL;
    scoped(plan) plan = tree ? adopt_plan(session->state, adoption, error) : NULL;

    if (!plan || !carry_out(session, plan, error))
        return false;
    if (session->cli->json)
        report_json(session, adoption, tree, plan);
    else
        report(session, adoption, tree);
    return true;
}

static int
run(struct cli *cli, GError **error)
{
    const char *domain = cli_take_domain(cli, error);
    scoped(session) session = NULL;

    if (!domain || !cli_check_no_more(cli, error))
        return -1;
    session = session_open(cli, domain, SESSION_CHANGE, STATE_TREE, error);
    return session && adopt(session, error) ? 0 : -1;
}

const struct command command_adopt = {
    .name = "adopt",
    .arguments = "DOMAIN",
    .summary = "Describe chains and internal snapshots that other tools made",
    .details =
        "Snapshot files are written, no image is changed. What cannot be told for certain is\n"
        "listed and left as it is; --dry-run shows the tree that would come of the rest.",
    .example = "offshot adopt ./vm.xml --dry-run",
    .options = options,
    .run = run,
};
