/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "cli/publish-ask.h"

#include <stdio.h>
#include <string.h>

#include "cli/virsh.h"
#include "util/error.h"

/* The daemon, and what it is asked about. */
struct question {
    const struct state *state;
    const char *uri;
    unsigned jobs;
};

#define ASK(question, error, ...) ask(question, (const char *const[]){__VA_ARGS__, NULL}, error)

static char *
ask(const struct question *question, const char *const *words, GError **error)
{
    g_auto(GStrv) argv = publish_argv(question->uri, words);

    return virsh_run(argv, error);
}

static bool
has_line(const char *text, const char *line)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    return g_strv_contains((const char *const *)lines, line);
}

static bool
uses_revert_disks(const struct state *state)
{
    g_autoptr(GPtrArray) defs = snapshot_tree_all(state->snapshots->tree);

    for (guint i = 0; i < defs->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(defs, i);

        if (def->revert_disks->len > 0)
            return true;
    }
    return false;
}

/* libvirt reads and writes <revertDisks> since 9.9.0. The answer may take seconds, since the daemon
 * asks QEMU for its version as well.
 */
static bool
ask_version(const struct question *question, struct publish_known *known, GError **error)
{
    static const char label[] = "Running against daemon: ";
    g_autofree char *text = NULL;
    const char *version;
    int major = 0;
    int minor = 0;

    if (!uses_revert_disks(question->state))
        return true;
    text = ASK(question, error, "version", "--daemon");
    if (!text)
        return false;
    version = strstr(text, label);
    known->keeps_revert_disks = !version ||
                                sscanf(version + strlen(label), "%d.%d", &major, &minor) != 2 ||
                                major > 9 || (major == 9 && minor >= 9);
    return true;
}

/* What the domain does there. */
static bool
ask_condition(const struct question *question, GError **error)
{
    const char *name = question->state->domain->name;
    g_autofree char *text = ASK(question, error, "dominfo", question->state->domain->uuid);

    if (!text)
        return false;
    if (!g_regex_match_simple("^State: +shut off$", text, G_REGEX_MULTILINE, 0))
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_BUSY,
                    "domain '%s' runs at '%s', on images that may be frozen here: shut it down "
                    "there first",
                    name, question->uri);
    else if (!g_regex_match_simple("^Managed save: +no$", text, G_REGEX_MULTILINE, 0))
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "domain '%s' has a managed-save image at '%s', whose memory must meet the "
                    "disks as they were: start the domain there and shut it down, or drop it with "
                    "`virsh managedsave-remove`",
                    name, question->uri);
    else
        return true;
    return false;
}

/* A definition that cannot be read is none: the daemon is told ours. */
static bool
ask_domain(const struct question *question, struct publish_known *known, GError **error)
{
    g_autofree char *text = ASK(question, error, "dumpxml", question->state->domain->uuid,
                                "--inactive", "--security-info");

    if (!text)
        return false;
    known->domain = domain_def_parse(text, strlen(text), "dumpxml", NULL);
    return true;
}

/* The names of ours that the daemon knows go to NAMES (borrowed from KNOWN), all into KNOWN. */
static bool
ask_names(const struct question *question, struct publish_known *known, GPtrArray *names,
          GError **error)
{
    const struct state *state = question->state;
    g_autofree char *list = ASK(question, error, "snapshot-list", state->domain->uuid, "--name");
    g_auto(GStrv) lines = list ? g_strsplit(list, "\n", -1) : NULL;

    for (size_t i = 0; lines && lines[i]; i++) {
        char *name;

        if (lines[i][0] == '\0')
            continue;
        name = g_strdup(lines[i]);
        g_hash_table_insert(known->snapshots, name, NULL);
        if (snapshot_tree_find(state->snapshots->tree, name))
            g_ptr_array_add(names, name);
    }
    return lines != NULL;
}

static void
free_command(gpointer argv)
{
    g_strfreev(argv);
}

static bool
ask_snapshots(const struct question *question, struct publish_known *known, const GPtrArray *names,
              GError **error)
{
    g_autoptr(GPtrArray) argvs = g_ptr_array_new_with_free_func(free_command);
    g_autoptr(GPtrArray) answers = NULL;

    for (guint i = 0; i < names->len; i++) {
        const char *const words[] = {"snapshot-dumpxml", question->state->domain->uuid,
                                     "--snapshotname",   g_ptr_array_index(names, i),
                                     "--security-info",  NULL};

        g_ptr_array_add(argvs, publish_argv(question->uri, words));
    }
    answers = virsh_run_all(argvs, question->jobs, error);
    for (guint i = 0; answers && i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        const char *text = g_ptr_array_index(answers, i);

        g_hash_table_insert(known->snapshots, g_strdup(name),
                            snapshot_def_parse(text, strlen(text), name, SNAPSHOT_DEF_REDEFINE,
                                               NULL));
    }
    return answers != NULL;
}

static bool
ask_current(const struct question *question, struct publish_known *known, GError **error)
{
    const struct snapshot_def *ours = snapshot_tree_current(question->state->snapshots->tree);
    g_autofree char *text = NULL;
    g_autoptr(GRegex) yes = g_regex_new("^Current: +yes$", G_REGEX_MULTILINE, 0, NULL);

    if (!ours || !g_hash_table_contains(known->snapshots, ours->name))
        return true;
    text = ASK(question, error, "snapshot-info", question->state->domain->uuid, "--snapshotname",
               ours->name);
    known->same_current = text && g_regex_match(yes, text, 0, NULL);
    return text != NULL;
}

struct publish_known *
publish_ask(const struct session *session, const char *uri, GError **error)
{
    const struct question question = {session->state, uri, (unsigned)session->cli->jobs};
    scoped(publish_known) known = publish_known_new();
    g_autoptr(GPtrArray) names = g_ptr_array_new();
    g_autofree char *domains = ASK(&question, error, "list", "--all", "--uuid");

    if (!domains)
        return NULL;
    if (!has_line(domains, session->state->domain->uuid))
        return g_steal_pointer(&known);
    if (!ask_version(&question, known, error) || !ask_condition(&question, error) ||
        !ask_domain(&question, known, error) || !ask_names(&question, known, names, error) ||
        !ask_snapshots(&question, known, names, error) || !ask_current(&question, known, error))
        return NULL;
    return g_steal_pointer(&known);
}
