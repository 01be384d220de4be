/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/session.h"
#include "load/neighbours.h"
#include "ops/extract.h"
#include "util/error.h"

static struct session_choice choice;
static char *output;
static char **disks;
static char *format;
static int compress;

static struct poptOption options[] = {
    SESSION_CHOICE_OPTIONS(choice),
    {"output", 'o', POPT_ARG_STRING, &output, 0,
     "an existing directory, or a new file for one disk", "DIR|FILE"},
    {"disk", '\0', POPT_ARG_ARGV, &disks, 0, "only this disk, by its target (repeatable)", "DISK"},
    {"format", '\0', POPT_ARG_STRING, &format, 0, "format of the copies (default qcow2)",
     "qcow2|raw"},
    {"compress", '\0', POPT_ARG_NONE, &compress, 0, "compress the copies (qcow2)", NULL},
    CLI_COMMON_OPTIONS,
};

static bool
check_options(GError **error)
{
    static const char *const formats[] = {"qcow2", "raw", NULL};
    const char *wrong = NULL;

    if (!output || output[0] == '\0')
        wrong = "--output says where the copies go: a directory, or a file for one disk";
    else if (format && !g_strv_contains(formats, format))
        wrong = "--format is qcow2 or raw";
    else if (compress && g_strcmp0(format, "raw") == 0)
        wrong = "--compress goes with --format=qcow2";
    if (wrong)
        g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE, wrong);
    return !wrong;
}

/* Where the copies go: absolute, without slashes at the end; whether that is a directory. Free with
 * g_free().
 */
static char *
find_output(bool *is_directory, GError **error)
{
    g_autofree char *path = file_absolute(output, error);
    size_t length = path ? strlen(path) : 0;
    bool slash = length > 1 && path[length - 1] == '/';

    if (!path)
        return NULL;
    *is_directory = g_file_test(path, G_FILE_TEST_IS_DIR);
    if (slash && !*is_directory) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND,
                    "there is no directory '%s': make it first", output);
        return NULL;
    }
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
    return g_steal_pointer(&path);
}

/* Disks to copy, each once; NULL when none is named. */
static GPtrArray *
find_disks(void)
{
    GPtrArray *list = disks ? g_ptr_array_new() : NULL;

    for (size_t i = 0; disks && disks[i]; i++) {
        if (!g_ptr_array_find_with_equal_func(list, disks[i], g_str_equal, NULL))
            g_ptr_array_add(list, disks[i]);
    }
    return list;
}

/* Whether PLAN makes PATH in the end. */
static bool
plan_makes(const struct plan *plan, const char *path)
{
    for (guint i = 0; i < plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(plan->apply, i);

        if (strcmp(step->path, path) == 0)
            return true;
    }
    return false;
}

/* Whether the disk TARGET was asked for. */
static bool
is_wanted(const struct extract_request *request, const char *target)
{
    return !request->disks ||
           g_ptr_array_find_with_equal_func((GPtrArray *)request->disks, target, g_str_equal, NULL);
}

/* Where the copy of the disk TARGET is; NULL when PLAN makes none. Free with g_free(). */
static char *
find_copy(const struct extract_request *request, const struct plan *plan, const char *target)
{
    g_autofree char *name = g_strconcat(target, ".", request->format, NULL);
    g_autofree char *path = request->output_is_directory
                                ? g_build_filename(request->output, name, NULL)
                                : g_strdup(request->output);
    bool held = snapshot_def_frozen_path(request->target, target) != NULL;

    return held && is_wanted(request, target) && plan_makes(plan, path) ? g_steal_pointer(&path)
                                                                        : NULL;
}

static void
report(const struct cli *cli, const struct extract_request *request, const struct plan *plan)
{
    json_t *list = json_array();

    for (guint i = 0; i < request->target->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(request->target->disks, i);
        g_autofree char *path = find_copy(request, plan, disk->name);
        g_autofree char *escaped = path ? output_escape(path) : NULL;

        if (!path)
            continue;
        json_array_append_new(list, output_json_place(disk->name, path));
        if (!cli->json && !cli->quiet)
            printf("%s\n", escaped);
    }
    if (cli->json)
        output_json(json_pack("{s:i, s:O}", "schema", 1, "disks", list));
    json_decref(list);
}

/* Whether the places of all copies are fit for new files. */
static bool
check_places(struct state *state, const struct plan *plan, GError **error)
{
    state_load_neighbours(state);
    for (guint i = 0; i < plan->apply->len; i++) {
        const struct step *step = g_ptr_array_index(plan->apply, i);

        if (!state_check_copy(state, step->path, error))
            return false;
    }
    return true;
}

static bool
extract(struct session *session, struct extract_request *request, GError **error)
{
    scoped(plan) plan = extract_plan(session->state, request, session->plan_notes, error);

    if (!plan || !check_places(session->state, plan, error) || !session_run(session, plan, error))
        return false;
    if (!session->cli->dry_run)
        report(session->cli, request, plan);
    return true;
}

static int
run(struct cli *cli, GError **error)
{
    struct extract_request request = {
        .format = format ? format : "qcow2",
        .compress = compress != 0,
    };
    g_autofree char *path = NULL;
    g_autoptr(GPtrArray) list = find_disks();
    scoped(session) session = NULL;

    path = check_options(error) ? find_output(&request.output_is_directory, error) : NULL;
    if (!path)
        return -1;
    request.output = path;
    request.disks = list;
    session =
        session_open_snapshot(cli, &choice, SESSION_CHANGE, STATE_TREE, &request.target, error);
    return session && extract(session, &request, error) ? 0 : -1;
}

const struct command command_extract = {
    .name = "extract",
    .aliases = {NULL},
    .arguments = "DOMAIN SNAP",
    .summary = "Copy a snapshot's disks out as standalone images",
    .details = "In a directory the copies are called TARGET.FORMAT. Nothing is overwritten.",
    .example = "offshot extract ./vm.xml before-upgrade -o /backup/ --compress",
    .options = options,
    .run = run,
};
