/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/editor.h"
#include "cli/output.h"
#include "cli/session.h"
#include "ops/edit.h"
#include "txn/prepare.h"
#include "util/error.h"
#include "util/interrupt.h"

static struct session_choice choice;
static int rename_option;
static int clone_option;

static struct poptOption options[] = {
    SESSION_CHOICE_OPTIONS(choice),
    {"rename", '\0', POPT_ARG_NONE, &rename_option, 0, "the name may be changed", NULL},
    {"clone", '\0', POPT_ARG_NONE, &clone_option, 0, "another name makes a second snapshot", NULL},
    CLI_COMMON_OPTIONS,
};

/* One edit. What is shown is not locked while the user works on it. */
struct edit {
    struct session *session;
    struct snapshot_def *shown; /* as it was when it was shown, … */
    char *text;                 /* … what of it was shown, … */
    struct file_identity file;  /* … and its file */
    struct editor *editor;
    struct edit_request request;
};

static void
edit_clear(struct edit *edit)
{
    editor_free(edit->editor);
    g_free(edit->text);
    snapshot_def_free(edit->shown);
    session_free(edit->session);
}

/* Find the snapshot and put its text into a file. */
static bool
edit_begin(struct edit *edit, struct cli *cli, const char *domain, const char *name, GError **error)
{
    const struct snapshot_def *def;
    g_autofree char *file = NULL;

    edit->session = session_open(cli, domain, SESSION_CHANGE, STATE_METADATA, error);
    def = edit->session ? session_find_snapshot(edit->session, name, error) : NULL;
    if (!def)
        return false;
    edit->shown = snapshot_def_copy(def);
    edit->text = snapshot_def_dump(def);
    edit->file = snapshot_store_find_file(edit->session->state->snapshots, def->name)->identity;
    session_pause(edit->session);
    file = g_strconcat(def->name, ".xml", NULL);
    edit->editor = editor_new(file, edit->text, error);
    return edit->editor != NULL;
}

/* What the user made of it; a copy of what was shown when that is nothing. */
static struct snapshot_def *
edit_parse(const struct edit *edit, GError **error)
{
    g_autofree char *file = g_strconcat(edit->shown->name, ".xml", NULL);
    g_autofree char *text = NULL;
    size_t length;

    if (!editor_is_changed(edit->editor))
        return snapshot_def_copy(edit->shown);
    text = editor_read(edit->editor, SNAPSHOT_XML_MAX, &length, error);
    return text ? snapshot_def_parse(text, length, file, SNAPSHOT_DEF_REDEFINE, error) : NULL;
}

/* Go on with the domain as it is by now, in which the snapshot must be as it was shown. */
static bool
edit_resume(struct edit *edit, enum state_parts parts, GError **error)
{
    const char *name = edit->shown->name;
    const struct snapshot_file *file;

    if (!session_resume(edit->session, parts, error))
        return false;
    file = snapshot_store_find_file(edit->session->state->snapshots, name);
    edit->request.target = snapshot_tree_find(edit->session->state->snapshots->tree, name);
    if (file && file_identity_is_unchanged(&file->identity, &edit->file))
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "snapshot '%s' was changed by somebody else meanwhile: edit it again", name);
    return false;
}

static void
report_text(const struct edit *edit, const struct snapshot_def *def, bool changed)
{
    g_autofree char *old = output_escape(edit->shown->name);
    g_autofree char *name = output_escape(def->name);

    if (!changed)
        printf("Snapshot %s XML configuration not changed.\n", old);
    else if (strcmp(edit->shown->name, def->name) == 0)
        printf("Snapshot %s edited.\n", old);
    else
        printf("Snapshot %s %s to %s.\n", old, edit->request.clone ? "cloned" : "renamed", name);
}

static bool
report(struct edit *edit, const struct snapshot_def *def, bool changed, GError **error)
{
    struct session *session = edit->session;
    const struct snapshot_def *stored;

    if (session->cli->dry_run)
        return true;
    if (!session->cli->json) {
        if (!session->cli->quiet)
            report_text(edit, def, changed);
        return true;
    }
    if (changed && !session_reload(session, error))
        return false;
    stored = snapshot_tree_get(session->state->snapshots->tree, def->name, error);
    if (stored)
        output_snapshot(session->state, stored);
    return stored != NULL;
}

/* Nothing was changed, and nothing is to be. */
static bool
leave(struct edit *edit, const struct snapshot_def *def, GError **error)
{
    scoped(plan) plan = plan_new("edit", edit->session->state->domain->name, def->name);

    return session_run(edit->session, plan, error) && report(edit, def, false, error);
}

/* Let the user edit, and record what came of it. *FAULT: it is the text that is wrong. */
static bool
edit_once(struct edit *edit, bool *fault, GError **error)
{
    scoped(snapshot_def) def = NULL;
    scoped(plan) plan = NULL;

    *fault = false;
    if (!plan_check_interrupted(error) || !editor_run(edit->editor, error))
        return false;
    if (!edit->request.current && !editor_is_changed(edit->editor))
        return leave(edit, edit->shown, error);
    def = edit_parse(edit, error);
    *fault = !def;
    if (!def || !edit_resume(edit, edit_state_parts(&edit->request, def), error) ||
        !plan_check_interrupted(error))
        return false;
    plan = edit_plan(edit->session->state, &edit->request, def, error);
    *fault = !plan;
    return plan && session_run(edit->session, plan, error) && report(edit, def, true, error);
}

/* The first letter of what the user answers; 0 when there is no answer. */
static int
read_answer(void)
{
    char line[80];

    fprintf(stderr, "Try again? [y,n,?]: ");
    fflush(stderr);
    return fgets(line, sizeof(line), stdin) ? line[0] : 0;
}

/* After MISTAKE, ask what is to become of the text: 'y' edit it again, 'n' throw it away; 0: no
 * answer, so it is kept.
 */
static int
ask(const GError *mistake)
{
    int answer;

    output_error(false, mistake);
    while ((answer = read_answer()) != 'y' && answer != 'n' && answer != 0)
        fprintf(stderr, "y - yes, start the editor again\nn - no, throw away my changes\n");
    return answer;
}

/* Whether to go on after *ERROR, a fault of the text, which is then gone; otherwise it is final.
 * *KEEP: the user has not thrown the text away.
 */
static bool
edit_again(struct edit *edit, bool *keep, GError **error)
{
    int answer;

    session_pause(edit->session);
    if (!isatty(STDIN_FILENO) || interrupt_pending() != 0)
        return false;
    answer = ask(*error);
    *keep = answer == 0;
    if (answer == 'y')
        g_clear_error(error);
    return answer == 'y';
}

static bool
edit_all(struct edit *edit, GError **error)
{
    bool keep = true;
    bool fault;

    while (!edit_once(edit, &fault, error)) {
        if (fault && edit_again(edit, &keep, error))
            continue;
        if (keep && editor_is_changed(edit->editor))
            editor_keep(edit->editor, error);
        return false;
    }
    return true;
}

/* As virsh has it, --current with a name makes the edited snapshot the current one. */
static bool
take_request(struct edit_request *request, const char *name, GError **error)
{
    const char *wrong = NULL;

    *request = (struct edit_request){
        .rename = rename_option != 0,
        .clone = clone_option != 0,
        .current = choice.current && name,
    };
    if (request->rename && request->clone)
        wrong = "--rename and --clone exclude each other";
    else if (!name && !choice.current)
        wrong = "give the name of a snapshot, or --current";
    if (wrong)
        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, wrong);
    return !wrong;
}

static int
run(struct cli *cli, GError **error)
{
    const char *domain = cli_take_domain(cli, error);
    const char *name = choice.name ? choice.name : (domain ? cli_next(cli) : NULL);
    struct edit edit = {0};
    bool fine = domain && cli_check_no_more(cli, error) &&
                take_request(&edit.request, name, error) &&
                edit_begin(&edit, cli, domain, name, error);

    edit.request.target = edit.shown;
    fine = fine && edit_all(&edit, error);
    edit_clear(&edit);
    return fine ? 0 : -1;
}

const struct command command_edit = {
    .name = "edit",
    .aliases = {"snapshot-edit"},
    .arguments = "DOMAIN SNAP",
    .summary = "Edit a snapshot's XML",
    .details = "Opens $VISUAL, $EDITOR or vi, and records what is saved there. The description,\n"
               "the parent and what does not concern disks in <domain> can be edited; what says\n"
               "where the content of the snapshot is cannot. --current with SNAP makes it the\n"
               "current snapshot.",
    .example = "offshot edit ./vm.xml before-upgrade",
    .options = options,
    .run = run,
};
