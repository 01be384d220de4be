/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/session.h"
#include "ops/flatten.h"
#include "util/error.h"

static char **disks;
static char *base;
static int accepted; /* options that say what is so anyway */

static struct poptOption options[] = {
    {"disk", '\0', POPT_ARG_ARGV, &disks, 0,
     "only this disk, by target or source path (repeatable)", "DISK"},
    {"path", '\0', POPT_ARG_ARGV, &disks, 0, "the same", "DISK"},
    {"wait", '\0', POPT_ARG_NONE, &accepted, 0, "accepted: it is always so", NULL},
    {"base", '\0', POPT_ARG_STRING, &base, 0, "refused: a chain is flattened as a whole", "PATH"},
    CLI_COMMON_OPTIONS,
};

/* blockpull takes the disk as an argument. */
static bool
take_arguments(struct cli *cli, GPtrArray *wanted, GError **error)
{
    for (size_t i = 0; disks && disks[i]; i++)
        g_ptr_array_add(wanted, disks[i]);
    if (strcmp(cli->name, "blockpull") == 0 && cli->arguments->len > 0)
        g_ptr_array_add(wanted, (void *)cli_next(cli));
    if (!cli_check_no_more(cli, error))
        return false;
    if (base) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "--base would leave a part of the chain: flatten takes all of it, `offshot "
                    "delete` takes single layers out");
        return false;
    }
    return true;
}

/* The target of the disk that WORD names by target or source; WORD when there is none. */
static const char *
find_target(const struct state *state, const char *word)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct domain_disk *disk = g_array_index(state->disks, struct state_disk, i).def;

        if (strcmp(disk->target, word) == 0 || g_strcmp0(disk->source, word) == 0)
            return disk->target;
    }
    return word;
}

/* The targets of the disks WANTED, each once; NULL when none is named. */
static GPtrArray *
find_targets(const struct state *state, const GPtrArray *wanted)
{
    GPtrArray *targets = wanted->len > 0 ? g_ptr_array_new() : NULL;

    for (guint i = 0; i < wanted->len; i++) {
        const char *target = find_target(state, g_ptr_array_index(wanted, i));

        if (!g_ptr_array_find_with_equal_func(targets, target, g_str_equal, NULL))
            g_ptr_array_add(targets, (void *)target);
    }
    return targets;
}

/* Whether PLAN takes IMAGE off its chain. */
static bool
plan_flattens(const struct plan *plan, const struct image *image)
{
    for (guint i = 0; image && i < plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(plan->apply, i);

        if (step->kind == STEP_REBASE && strcmp(step->path, image->path) == 0)
            return true;
    }
    return false;
}

static void
report_json(const struct state *state, const struct plan *plan)
{
    json_t *list = json_array();

    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (plan_flattens(plan, disk->image))
            json_array_append_new(list, output_json_place(disk->def->target, disk->image->path));
    }
    output_json(json_pack("{s:i, s:o}", "schema", 1, "disks", list));
}

static void
report(const struct session *session, const struct plan *plan)
{
    const struct cli *cli = session->cli;
    g_autofree char *name = output_escape(session->state->domain->name);

    if (cli->dry_run)
        return;
    if (cli->json)
        report_json(session->state, plan);
    else if (!cli->quiet)
        printf("Domain %s %s\n", name,
               plan->apply->len > 0 ? "flattened" : "has nothing to flatten");
}

static bool
flatten(struct session *session, const GPtrArray *wanted, GError **error)
{
    g_autoptr(GPtrArray) targets = find_targets(session->state, wanted);
    scoped(plan) plan = flatten_plan(session->state, targets, session->plan_notes, error);

    if (!plan || !session_run(session, plan, error))
        return false;
    report(session, plan);
    return true;
}

static int
run(struct cli *cli, GError **error)
{
    const char *domain = cli_take_domain(cli, error);
    g_autoptr(GPtrArray) wanted = g_ptr_array_new();
    scoped(session) session = NULL;

    if (!domain || !take_arguments(cli, wanted, error))
        return -1;
    session = session_open(cli, domain, SESSION_CHANGE, STATE_TREE, error);
    return session && flatten(session, wanted, error) ? 0 : -1;
}

const struct command command_flatten = {
    .name = "flatten",
    .aliases = {"blockpull"},
    .arguments = "DOMAIN",
    .summary = "Make active images independent of their chains",
    .details = "The active image of each disk takes over what it has from the images below it.\n"
               "Snapshots keep those; to drop them as well, delete the snapshots.",
    .example = "offshot flatten ./vm.xml --disk vda",
    .options = options,
    .run = run,
};
