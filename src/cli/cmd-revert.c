/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/session.h"
#include "load/neighbours.h"
#include "load/place.h"
#include "load/unheld.h"
#include "ops/revert.h"
#include "util/error.h"

/* How many seconds ahead a name for new overlays is looked for. */
#define STAMPS_MAX 1000

static struct session_choice choice;
static char *save_as;
static int running;
static int paused;
static int reset_nvram;
static int force;

static struct poptOption options[] = {
    SESSION_CHOICE_OPTIONS(choice),
    {"save-as", '\0', POPT_ARG_STRING, &save_as, 0,
     "snapshot the present state first, under this name", "NAME"},
    {"force", '\0', POPT_ARG_NONE, &force, 0, "accepted: nothing that runs is in the way", NULL},
    {"running", '\0', POPT_ARG_NONE, &running, 0, "refused: offshot starts nothing", NULL},
    {"paused", '\0', POPT_ARG_NONE, &paused, 0, "refused: offshot starts nothing", NULL},
    {"reset-nvram", '\0', POPT_ARG_NONE, &reset_nvram, 0,
     "refused: libvirt makes it anew when the domain starts", NULL},
    CLI_COMMON_OPTIONS,
};

static bool
check_options(GError **error)
{
    const char *refused = NULL;

    if (running)
        refused = "--running would start the domain, which offshot does not do: revert without it, "
                  "then use `virsh start`";
    else if (paused)
        refused = "--paused would start the domain, which offshot does not do: revert without it, "
                  "then use `virsh start --paused`";
    else if (reset_nvram)
        refused =
            "--reset-nvram is done by libvirt when the domain starts: revert without it, then "
            "use `virsh start --reset-nvram`";
    if (refused)
        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, refused);
    return !refused && (!save_as || snapshot_name_check(save_as, error));
}

/* The first second from now on under which no new overlay would meet a file. When there is none the
 * plan's own checks say why.
 */
static int64_t
find_stamp(const struct state *state, struct revert_request request)
{
    for (int64_t ahead = 0; ahead < STAMPS_MAX; ahead++) {
        g_autoptr(GPtrArray) names = NULL;

        request.stamp = state->now + ahead;
        names = revert_overlay_names(state, &request);
        if (state_names_are_free(state, names))
            return request.stamp;
    }
    return state->now;
}

/* The snapshot reverted to and what was given up for it. */
static bool
report_json(struct session *session, const char *name, const struct revert_report *report,
            GError **error)
{
    const struct snapshot_tree *tree;
    g_autoptr(GPtrArray) one = g_ptr_array_new();
    json_t *object;

    if (!session_reload(session, error))
        return false;
    tree = session->state->snapshots->tree;
    g_ptr_array_add(one, (void *)snapshot_tree_get(tree, name, error));
    if (!g_ptr_array_index(one, 0))
        return false;
    object = output_snapshots(session->state, tree, one);
    json_object_set_new(object, "discarded", json_integer((json_int_t)report->discarded));
    output_json(object);
    return true;
}

static void
report_text(const struct cli *cli, const char *name, const struct revert_report *report)
{
    g_autofree char *escaped = output_escape(name);
    g_autofree char *discarded = output_size(report->discarded);

    if (cli->quiet)
        return;
    printf("Domain snapshot %s reverted\n", escaped);
    if (report->discarded > 0)
        printf("%s discarded\n", discarded);
}

/* In a tree of kept names --save-as gives the active images other ones, which all snapshots have to
 * follow.
 */
static void
load_aliases(struct state *state)
{
    for (guint i = 0; save_as && i < state->disks->len; i++)
        state_load_aliases(state, g_array_index(state->disks, struct state_disk, i).def->target);
}

static bool
revert(struct session *session, const struct snapshot_def *target, GError **error)
{
    struct revert_request request = {.target = target, .save_as = save_as};
    struct revert_report report = {0};
    g_autofree char *name = g_strdup(target->name);
    scoped(plan) plan = NULL;

    load_aliases(session->state);
    if (save_as)
        state_load_neighbours(session->state);
    if (!state_load_unheld(session->state, target, error))
        return false;
    request.stamp = find_stamp(session->state, request);
    plan = revert_plan(session->state, &request, &report, session->plan_notes, error);
    if (!plan || !session_run(session, plan, error))
        return false;
    if (session->cli->dry_run) {
        g_autofree char *discarded = output_size(report.discarded);

        if (report.discarded > 0)
            output_note(session->cli, "%s would be discarded", discarded);
        return true;
    }
    if (session->cli->json)
        return report_json(session, name, &report, error);
    report_text(session->cli, name, &report);
    return true;
}

static int
run(struct cli *cli, GError **error)
{
    const struct snapshot_def *target;
    scoped(session) session = NULL;

    if (!check_options(error))
        return -1;
    session = session_open_snapshot(cli, &choice, SESSION_CHANGE, STATE_TREE, &target, error);
    return session && revert(session, target, error) ? 0 : -1;
}

const struct command command_revert = {
    .name = "revert",
    .aliases = {"snapshot-revert"},
    .arguments = "DOMAIN SNAP",
    .summary = "Go back to a snapshot",
    .details = "Disks and domain definition become what they were at the snapshot, all together\n"
               "or not at all. What was written since the last snapshot is given up, unless\n"
               "--save-as keeps it as a snapshot of its own.",
    .example = "offshot revert ./vm.xml before-upgrade --save-as broken-upgrade",
    .options = options,
    .run = run,
};
