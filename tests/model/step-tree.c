/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "model/step.h"
#include "model/verify.h"

/* --- revert
 * --------------------------------------------------------------------------------------- */

static struct rule
find_revert_rule(const struct run *run, const char *name, const char *save_as)
{
    const struct seen_snapshot *target = seen_find(run->seen, name);
    struct rule rule = {NULL, false};

    if (save_as && step_name_is_taken(run, save_as))
        rule.why = "the name of a file is taken";
    for (guint i = 0; i < run->model->disk_count; i++) {
        const char *image = target->disks[i].frozen;
        g_autoptr(GPtrArray) overlays = seen_overlays(run->seen, image);

        if (target->disks[i].kind != HELD_INTERNAL)
            continue;
        if (seen_find_freezing(run->seen, image, HELD_EXTERNAL))
            return (struct rule){"an external snapshot froze the image", true};
        if (overlays->len > 0)
            rule.why = "other images stand on it";
    }
    return rule;
}

/* The state that --save-as kept, as far as the target changes it. */
static void
note_saved(struct run *run, const char *name, const struct model_snapshot *target)
{
    const struct seen_snapshot *saved = seen_find(run->seen, name);
    enum held_kind kinds[DISKS_MAX] = {HELD_NO};

    if (!saved)
        run_fault(run, "the present state was not saved as '%s'", name);
    for (guint i = 0; i < run->model->disk_count; i++) {
        kinds[i] = saved->disks[i].kind;
        if (kinds[i] == HELD_NO && target->held[i].kind != HELD_NO)
            run_fault(run, "'%s' does not hold '%s'", name, run->model->disks[i].target);
    }
    model_create(run->model, name, kinds);
}

bool
step_revert(struct run *run)
{
    const struct model_snapshot *target = step_pick_snapshot(run);
    g_autoptr(GPtrArray) argv = step_argv(run, "revert");
    g_autofree char *save_as = NULL;
    g_autofree char *name = NULL;

    if (!target)
        return false;
    if (run->model->current && rng_percent(&run->rng, 30))
        target = model_find(run->model, run->model->current);
    name = g_strdup(target->name);
    if (g_strcmp0(name, run->model->current) == 0 && rng_percent(&run->rng, 50))
        argv_add(argv, "--current");
    else
        argv_add(argv, "%s", name);
    if (rng_percent(&run->rng, 25)) {
        save_as = step_new_name(run);
        argv_add(argv, "--save-as=%s", save_as);
    }
    run->tally[TALLY_REVERT]++;
    if (!step_offshot(run, argv, find_revert_rule(run, name, save_as)))
        return true;
    if (save_as)
        note_saved(run, save_as, target);
    model_revert(run->model, name);
    return true;
}

/* --- delete
 * --------------------------------------------------------------------------------------- */

/* From now on there are images and tags that no snapshot tells of. */
static void
leave_files(struct run *run)
{
    GHashTableIter iter;
    const char *path;

    g_hash_table_iter_init(&iter, run->seen->images);
    while (g_hash_table_iter_next(&iter, (void **)&path, NULL))
        g_hash_table_add(run->excused, g_strdup(path));
    run->metadata_was_left = true;
    run->model->all_kept = false;
}

static struct rule
add_strategy(struct run *run, GPtrArray *argv)
{
    bool commit = rng_percent(&run->rng, 50);

    if (!rng_percent(&run->rng, 40))
        return (struct rule){NULL, false};
    argv_add(argv, "--strategy=%s", commit ? "commit" : "rebase");
    return (struct rule){"a strategy was forced", false};
}

bool
step_delete(struct run *run)
{
    const struct model_snapshot *target = step_pick_snapshot(run);
    g_autoptr(GPtrArray) argv = step_argv(run, "delete");
    bool descendants = rng_percent(&run->rng, 20);
    bool self = !descendants || rng_percent(&run->rng, 50);
    bool metadata = run->forgets && rng_percent(&run->rng, 20);
    g_autofree char *name = NULL;
    struct rule rule = {NULL, false};

    /* A small tree is no test. */
    if (!target || (run->model->snapshots->len < 4 && rng_percent(&run->rng, 50)) ||
        (!self && !model_has_children(run->model, target->name)))
        return false;
    name = g_strdup(target->name);
    if (g_strcmp0(name, run->model->current) == 0 && rng_percent(&run->rng, 30))
        argv_add(argv, "--current");
    else
        argv_add(argv, "%s", name);
    if (descendants)
        argv_add(argv, self ? "--children" : "--children-only");
    if (metadata)
        argv_add(argv, "--metadata");
    else
        rule = add_strategy(run, argv);
    run->tally[TALLY_DELETE]++;
    if (!step_offshot(run, argv, rule))
        return true;
    model_delete(run->model, name, self, descendants);
    if (metadata)
        leave_files(run);
    if (!rule.why && !run->metadata_was_left)
        verify_nothing_mergeable(run, run->seen);
    return true;
}
