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

/* The backing string that STEP writes into an image; NULL: none, or it writes no string. */
static const char *
step_backing(const struct step *step)
{
    return step->kind == STEP_CREATE_OVERLAY ? step->overlay.backing : step->link.backing;
}

static json_t *
json_step(const char *phase, const struct step *step)
{
    bool links = step->kind == STEP_REBASE || step->kind == STEP_RELINK;
    const char *backing = step_backing(step);
    json_t *object = json_pack("{s:s, s:s, s:i, s:o, s:o, s:o}", "phase", phase, "kind",
                               step_kind_name(step->kind), "rank", (int)step->rank, "argv",
                               json_argv(step->argv), "path", output_json_string(step->path),
                               "source", output_json_string(step->source));

    if (step->tag)
        json_object_set_new(object, "tag", output_json_string(step->tag));
    if (step->undo)
        json_object_set_new(object, "undo", output_json_string(step->undo));
    if (backing || links) /* null: an image that stands on nothing from then on */
        json_object_set_new(object, "backing", output_json_string(backing));
    return object;
}

static void
append_steps(json_t *list, const char *phase, const GPtrArray *steps)
{
    for (guint i = 0; i < steps->len; i++)
        json_array_append_new(list, json_step(phase, g_ptr_array_index(steps, i)));
}

static bool
changes_image(const struct step *step)
{
    return step->tag || step->kind == STEP_COMMIT || step->kind == STEP_REBASE ||
           step->kind == STEP_RELINK;
}

static void
append_word(GString *text, const char *before, const char *word)
{
    g_autofree char *quoted = output_quote(word);

    g_string_append_printf(text, " %s%s", before, quoted);
}

/* What happens to an image, in words: the programs name it in a way that is for qemu-img alone. */
static void
append_change(GString *text, const struct step *step)
{
    append_word(text, "", step->path);
    if (step->tag)
        append_word(text, "tag ", step->tag);
    else if (step->kind == STEP_COMMIT)
        append_word(text, "-> ", step->source);
    else if (step->link.backing)
        append_word(text, "onto ", step->link.backing);
    else
        g_string_append(text, " standalone");
    if (step->undo)
        append_word(text, "undo ", step->undo);
}

/* One line for a step: its program as a shell would take it, or its kind and paths. */
static char *
describe_step(const struct step *step)
{
    GString *text = g_string_new(NULL);

    g_string_printf(text, "%-15s", step_kind_name(step->kind));
    if (changes_image(step)) {
        append_change(text, step);
    } else if (step->argv) {
        for (size_t i = 0; step->argv[i]; i++)
            append_word(text, "", step->argv[i]);
    } else {
        if (step->source)
            append_word(text, "", step->source);
        append_word(text, step->source ? "-> " : "", step->path);
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

json_t *
output_plan_json(const struct plan *plan)
{
    json_t *steps = json_array();

    append_steps(steps, "prepare", plan->prepare);
    append_steps(steps, "apply", plan->apply);
    return json_pack("{s:i, s:s, s:o}", "schema", 1, "operation", plan->operation, "steps", steps);
}

void
output_plan(const struct cli *cli, const struct plan *plan)
{
    FILE *to = cli->dry_run ? stdout : stderr;

    if (cli->dry_run && cli->json) {
        output_json(output_plan_json(plan));
        return;
    }
    print_steps(to, "prepare", plan->prepare);
    print_steps(to, "apply", plan->apply);
}
