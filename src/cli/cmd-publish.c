/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/publish-ask.h"
#include "cli/session.h"
#include "cli/virsh.h"
#include "store/uri.h"
#include "util/error.h"

static char *to;
static int run_them;
static int prune;

static struct poptOption options[] = {
    {"run", '\0', POPT_ARG_NONE, &run_them, 0, "run what the daemon does not know yet", NULL},
    {"to", '\0', POPT_ARG_STRING, &to, 0, "the daemon to tell (default: that of --connect)", "URI"},
    {"prune", '\0', POPT_ARG_NONE, &prune, 0,
     "with --run: let the daemon forget the snapshots that are not here", NULL},
    CLI_COMMON_OPTIONS,
};

static bool
check_options(GError **error)
{
    if (to && to[0] == '\0')
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, "--to takes a URI");
    else if (prune && !run_them)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "--prune goes with --run: which snapshots are to be forgotten, only the daemon "
                    "can tell");
    else
        return true;
    return false;
}

static const char *
daemon_uri(const struct session *session)
{
    const char *uri = session->location->uri ? session->location->uri : session->cli->connect;

    if (to)
        return to;
    return uri && uri[0] != '\0' ? uri : uri_get_default();
}

/* ARGV as a shell takes it. Free with g_free(). */
static char *
shell_line(char *const *argv)
{
    GString *line = g_string_new(NULL);

    for (size_t i = 0; argv[i]; i++) {
        g_autofree char *word = output_quote(argv[i]);

        g_string_append_printf(line, "%s%s", i ? " " : "", word);
    }
    return g_string_free(line, FALSE);
}

/* Such words are printed escaped, and the line would name something else. */
static bool
check_printable(const GPtrArray *commands, GError **error)
{
    for (guint i = 0; i < commands->len; i++) {
        char *const *argv = g_ptr_array_index(commands, i);

        for (size_t k = 0; argv[k]; k++) {
            g_autofree char *shown = output_escape(argv[k]);

            if (strcmp(shown, argv[k]) == 0)
                continue;
            g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                        "'%s' cannot be printed as part of a command: use --run or --json",
                        argv[k]);
            return false;
        }
    }
    return true;
}

static void
print_lines(const GPtrArray *commands)
{
    for (guint i = 0; i < commands->len; i++) {
        g_autofree char *line = shell_line(g_ptr_array_index(commands, i));

        printf("%s\n", line);
    }
}

static void
print_json(const GPtrArray *commands, bool run)
{
    json_t *list = json_array();

    for (guint i = 0; i < commands->len; i++) {
        char *const *argv = g_ptr_array_index(commands, i);
        json_t *words = json_array();

        for (size_t k = 0; argv[k]; k++)
            json_array_append_new(words, output_json_string(argv[k]));
        json_array_append_new(list, words);
    }
    output_json(json_pack("{s:i, s:o, s:b}", "schema", 1, "commands", list, "run", (int)run));
}

/* One after the other: each builds on what those before it have told. */
static bool
run_commands(struct cli *cli, const GPtrArray *commands, GError **error)
{
    for (guint i = 0; i < commands->len; i++) {
        g_autofree char *answer = virsh_run(g_ptr_array_index(commands, i), error);

        if (!answer) {
            g_prefix_error(error, "command %u of %u: ", i + 1, commands->len);
            return false;
        }
        cli->changed = true;
    }
    return true;
}

static bool
print_commands(const struct session *session, GError **error)
{
    const struct publish_request request = {.uri = daemon_uri(session)};
    g_autoptr(GPtrArray) commands = publish_commands(session->state, &request, error);

    if (!commands || (!session->cli->json && !check_printable(commands, error)))
        return false;
    if (session->cli->json)
        print_json(commands, false);
    else
        print_lines(commands);
    return true;
}

static bool
tell(struct session *session, GError **error)
{
    struct cli *cli = session->cli;
    const char *uri = daemon_uri(session);
    scoped(publish_known) known = publish_ask(session, uri, error);
    const struct publish_request request = {.uri = uri, .known = known, .prune = prune};
    g_autoptr(GPtrArray) commands =
        known ? publish_commands(session->state, &request, error) : NULL;

    if (!commands || (!cli->dry_run && !run_commands(cli, commands, error)))
        return false;
    if (cli->json)
        print_json(commands, !cli->dry_run);
    else
        print_lines(commands);
    if (commands->len == 0)
        output_note(cli, "nothing to tell: the daemon at '%s' knows domain '%s' as it is", uri,
                    session->state->domain->name);
    return true;
}

static int
run(struct cli *cli, GError **error)
{
    const char *domain = cli_take_domain(cli, error);
    scoped(session) session = NULL;
    bool done;

    if (!domain || !cli_check_no_more(cli, error) || !check_options(error))
        return -1;
    session =
        session_open(cli, domain, run_them ? SESSION_HOLD : SESSION_SETTLED, STATE_METADATA, error);
    if (!session)
        return -1;
    done = run_them ? tell(session, error) : print_commands(session, error);
    return done ? 0 : -1;
}

const struct command command_publish = {
    .name = "publish",
    .aliases = {NULL},
    .arguments = "DOMAIN",
    .summary = "Tell a running libvirt daemon what was done offline",
    .details = "Prints the virsh commands that make the daemon know the domain and its snapshots\n"
               "as they are here; running them twice does no harm. With --run the daemon is asked\n"
               "first, and only what it does not know is run. No image is touched.",
    .example = "offshot publish ./vm.xml --to qemu:///system --run",
    .options = options,
    .run = run,
};
