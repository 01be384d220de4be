/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>

#include "cli/output.h"
#include "cli/session.h"

static int name_only;
static int security_info;

static struct poptOption options[] = {
    {"name", '\0', POPT_ARG_NONE, &name_only, 0, "print its name instead of its XML", NULL},
    {"security-info", '\0', POPT_ARG_NONE, &security_info, 0,
     "accepted for virsh: secrets are always shown to who may read the file", NULL},
    CLI_COMMON_OPTIONS,
};

static int
run(struct cli *cli, GError **error)
{
    static const struct session_choice choice = {.current = 1};
    const struct snapshot_def *def;
    scoped(session) session =
        session_open_snapshot(cli, &choice, SESSION_READ, STATE_METADATA, &def, error);
    g_autofree char *text = NULL;

    if (!session)
        return -1;
    if (cli->json) {
        output_snapshot(session->state, def);
        return 0;
    }
    text = name_only ? g_strdup(def->name) : snapshot_def_dump(def);
    printf("%s\n", text);
    return 0;
}

const struct command command_current = {
    .name = "current",
    .aliases = {"snapshot-current"},
    .arguments = "DOMAIN",
    .summary = "Print the current snapshot's XML, or its name",
    .example = "offshot current ./vm.xml --name",
    .options = options,
    .run = run,
};
