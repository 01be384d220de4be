/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "model/step.h"

#include <string.h>

#include "model/verify.h"

#define EXIT_REFUSED 8

static const struct {
    const char *name;
    guint weight;
    bool (*run)(struct run *run);
} steps[] = {
    {"write", 18, step_write},
    {"create", 20, step_create},
    {"external", 10, step_create_external},
    {"revert", 18, step_revert},
    {"delete", 20, step_delete},
    {"flatten", 4, step_flatten},
    {"extract", 4, step_extract},
    {"resize", 3, step_resize},
    {"define", 2, step_define},
    {"clone", 4, step_clone},
};

GPtrArray *
step_argv(struct run *run, const char *command)
{
    return argv_new(run->offshot, command, run->xml, NULL);
}

/* OFFSHOT said no: by a rule that we know, and without a trace. */
static void
check_refused(struct run *run, const struct seen *before, struct rule rule, const char *said)
{
    if (!rule.why && !run->metadata_was_left)
        run_fault(run, "refused, by no rule that the model knows: %s", said);
    seen_compare_files(run, before, run->seen);
    run->tally[TALLY_REFUSED]++;
}

/* What offshot says that it leaves, since it cannot be shown to be its own, may be there from then
 * on: "'PATH' stays: …", "image 'PATH', which … had, is kept: …".
 */
static void
excuse_kept(struct run *run, const char *warnings)
{
    g_auto(GStrv) lines = g_strsplit(warnings, "\n", -1);

    for (size_t i = 0; lines[i]; i++) {
        const char *start = strchr(lines[i], '\'');
        const char *end = start ? strchr(start + 1, '\'') : NULL;

        if (end && (strstr(end, " stays: ") || strstr(end, " is kept")))
            g_hash_table_add(run->excused, g_strndup(start + 1, (gsize)(end - start - 1)));
    }
}

/* Nobody else puts files there, so whatever is in a snapshot is what was frozen, or offshot's own
 * work, and must not be taken for somebody's.
 */
static void
check_not_replaced(struct run *run, const char *said)
{
    if (strstr(said, "is not the file that snapshot") || strstr(said, "is in another file than"))
        run_fault(run, "an image of its own is not known any more: %s", said);
}

bool
step_offshot(struct run *run, GPtrArray *argv, struct rule rule)
{
    scoped(seen) before = g_steal_pointer(&run->seen);
    struct child child;
    int status = run_noted(run, argv, &child);

    if (status != 0 && status != EXIT_REFUSED)
        run_fault(run, "exit %d: %s", status, child.err->str);
    check_not_replaced(run, child.err->str);
    if (status == 0 && rule.must)
        run_fault(run, "it was done, although %s", rule.why);
    run->seen = observe(run);
    if (status == EXIT_REFUSED)
        check_refused(run, before, rule, child.err->str);
    else
        excuse_kept(run, child.err->str);
    child_clear(&child);
    return status == 0;
}

char *
step_new_name(struct run *run)
{
    bool again = run->names > 0 && !run->forgets && rng_percent(&run->rng, 15);
    guint number = again ? 1 + rng_below(&run->rng, run->names) : run->names + 1;
    g_autofree char *digits = g_strdup_printf("%u", number);
    g_autofree char *name = text_replace(run->name_format, "%u", digits);

    if (again && model_find(run->model, name))
        return step_new_name(run);
    run->names = MAX(run->names, number);
    return g_steal_pointer(&name);
}

bool
step_name_is_taken(const struct run *run, const char *name)
{
    GHashTableIter iter;
    const char *path;

    g_hash_table_iter_init(&iter, run->seen->images);
    while (g_hash_table_iter_next(&iter, (void **)&path, NULL))
        if (strstr(path + strlen(run->directory), name))
            return true;
    return false;
}

const struct model_snapshot *
step_pick_snapshot(struct run *run)
{
    const GPtrArray *snapshots = run->model->snapshots;

    if (snapshots->len == 0)
        return NULL;
    return g_ptr_array_index(snapshots, rng_below(&run->rng, snapshots->len));
}

static bool
is_asked_for(const struct run *run, const char *name)
{
    g_auto(GStrv) names = run->only ? g_strsplit(run->only, ",", -1) : NULL;

    return !names || g_strv_contains((const char *const *)names, name);
}

static guint
pick_step(struct run *run)
{
    guint sum = 0, number;

    for (guint i = 0; i < G_N_ELEMENTS(steps); i++)
        sum += steps[i].weight;
    number = rng_below(&run->rng, sum);
    for (guint i = 0;; i++) {
        if (number < steps[i].weight)
            return i;
        number -= steps[i].weight;
    }
}

void
step_run(struct run *run)
{
    guint i = pick_step(run);

    while (!is_asked_for(run, steps[i].name) || !steps[i].run(run))
        i = pick_step(run);
    verify(run, run->seen);
}
