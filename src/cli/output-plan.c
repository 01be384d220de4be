/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <stdio.h>

#include "cli/output.h"

static json_t *
json_argv(char **argv)
{
    json_t *array;

    if (!argv)
        return json_null();
    array = json_array();
    for (size_t i = 0; argv[i]; i++)
        json_array_append_new(array, output_json_string(argv[i]));
    return array;
}

static void
append_steps(json_t *list, const char *phase, const GPtrArray *steps)
{
    for (guint i = 0; i < steps->len; i++) {
        const struct step *step = g_ptr_array_index(steps, i);

        json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:o, s:o, s:o}", "phase", phase,
                                              "kind", step_kind_name(step->kind), "rank",
                                              (int)step->rank, "argv", json_argv(step->argv),
                                              "path", output_json_string(step->path), "source",
                                              output_json_string(step->source)));
    }
}

/* One line for a step: its program as a shell would take it, or its kind and paths. */
static char *
describe_step(const struct step *step)
{
    GString *text = g_string_new(NULL);
    g_autofree char *path = output_quote(step->path);

    g_string_printf(text, "%-15s", step_kind_name(step->kind));
    for (size_t i = 0; step->argv && step->argv[i]; i++) {
        g_autofree char *word = output_quote(step->argv[i]);

        g_string_append_printf(text, " %s", word);
    }
    if (step->source) {
        g_autofree char *source = output_quote(step->source);

        g_string_append_printf(text, " %s -> %s", source, path);
    } else if (!step->argv) {
        g_string_append_printf(text, " %s", path);
    }
    return g_string_free(text, FALSE);
}

static void
print_steps(FILE *to, const char *phase, const GPtrArray *steps)
{
    for (guint i = 0; i < steps->len; i++) {
        g_autofree char *line = describe_step(g_ptr_array_index(steps, i));

        fprintf(to, "%-8s %s\n", phase, line);
    }
}

void
output_plan(const struct cli *cli, const struct plan *plan)
{
    FILE *to = cli->dry_run ? stdout : stderr;
    json_t *steps;

    if (!cli->dry_run || !cli->json) {
        print_steps(to, "prepare", plan->prepare);
        print_steps(to, "apply", plan->apply);
        return;
    }
    steps = json_array();
    append_steps(steps, "prepare", plan->prepare);
    append_steps(steps, "apply", plan->apply);
    output_json(
        json_pack("{s:i, s:s, s:o}", "schema", 1, "operation", plan->operation, "steps", steps));
}
