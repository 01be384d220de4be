/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>

#include "cli/output.h"
#include "cli/session.h"
#include "util/error.h"

static struct session_choice choice;

static struct poptOption options[] = {
    SESSION_CHOICE_OPTIONS(choice),
    CLI_COMMON_OPTIONS,
};

static int
run(struct cli *cli, GError **error)
{
    const struct snapshot_def *def;
    scoped(session) session =
        session_open_snapshot(cli, &choice, SESSION_READ, STATE_METADATA, &def, error);

    if (!session)
        return -1;
    if (cli->json) {
        output_json(json_pack("{s:i, s:o, s:o}", "schema", 1, "name", output_json_string(def->name),
                              "parent", output_json_string(def->parent)));
        return 0;
    }
    if (!def->parent) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND, "snapshot '%s' has no parent",
                    def->name);
        return -1;
    }
    printf("%s\n", def->parent);
    return 0;
}

const struct command command_parent = {
    .name = "parent",
    .aliases = {"snapshot-parent"},
    .arguments = "DOMAIN SNAP",
    .summary = "Print the name of a snapshot's parent",
    .example = "offshot parent ./vm.xml after-upgrade",
    .options = options,
    .run = run,
};
