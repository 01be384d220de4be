/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>

#include "cli/output.h"
#include "cli/session.h"

static struct session_choice choice;
static int security_info;

static struct poptOption options[] = {
    SESSION_CHOICE_OPTIONS(choice),
    {"security-info", '\0', POPT_ARG_NONE, &security_info, 0,
     "accepted for virsh: secrets are always shown to who may read the file", NULL},
    CLI_COMMON_OPTIONS,
};

static int
run(struct cli *cli, GError **error)
{
    const struct snapshot_def *def;
    scoped(session) session =
        session_open_snapshot(cli, &choice, SESSION_READ, STATE_METADATA, &def, error);
    g_autofree char *text = NULL;

    if (!session)
        return -1;
    text = snapshot_def_dump(def);
    if (cli->json)
        output_json(json_pack("{s:i, s:o, s:o}", "schema", 1, "name", output_json_string(def->name),
                              "xml", output_json_string(text)));
    else
        printf("%s\n", text);
    return 0;
}

const struct command command_dumpxml = {
    .name = "dumpxml",
    .aliases = {"snapshot-dumpxml"},
    .arguments = "DOMAIN SNAP",
    .summary = "Print a snapshot's XML",
    .example = "offshot dumpxml ./vm.xml before-upgrade",
    .options = options,
    .run = run,
};
