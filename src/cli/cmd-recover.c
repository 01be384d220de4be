/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>

#include "cli/output.h"
#include "cli/session.h"

static struct poptOption options[] = {CLI_COMMON_OPTIONS};

static const char *const outcomes[] = {
    [TXN_NOTHING] = "nothing",
    [TXN_UNDONE] = "undone",
    [TXN_FINISHED] = "finished",
};

static void
print_recovered(const struct cli *cli, const struct txn_recovered *recovered)
{
    if (cli->json) {
        output_json(json_pack("{s:i, s:s, s:o, s:o}", "schema", 1, "recovered",
                              outcomes[recovered->what], "operation",
                              output_json_string(recovered->operation), "snapshot",
                              output_json_string(recovered->snapshot)));
        return;
    }
    if (cli->quiet)
        return;
    if (recovered->what == TXN_NOTHING) {
        printf("Nothing to recover\n");
        return;
    }
    printf("Interrupted operation '%s' %s%s\n", recovered->operation,
           cli->dry_run ? "would be " : "", outcomes[recovered->what]);
}

static bool
open_and_recover(struct session *session, struct txn_recovered *recovered, GError **error)
{
    if (!session_lock(session, error))
        return false;
    session->state = state_load(session->location, STATE_METADATA, error);
    return session->state && domain_location_check_stopped(session->location, error) &&
           session_recover(session, true, recovered, error);
}

static int
run(struct cli *cli, GError **error)
{
    const char *domain = cli_take_domain(cli, error);
    scoped(session) session = NULL;
    struct txn_recovered recovered = {.what = TXN_NOTHING};

    if (!domain || !cli_check_no_more(cli, error))
        return -1;
    session = session_new(cli, domain, error);
    if (!session || !open_and_recover(session, &recovered, error))
        return -1;
    print_recovered(cli, &recovered);
    txn_recovered_clear(&recovered);
    return 0;
}

const struct command command_recover = {
    .name = "recover",
    .aliases = {NULL},
    .arguments = "DOMAIN",
    .summary = "Finish or undo an interrupted operation",
    .details = "An operation that was killed before it had happened is undone; one that had\n"
               "happened is finished. Every other command does the same before its own work.",
    .example = "offshot recover ./vm.xml",
    .options = options,
    .run = run,
};
