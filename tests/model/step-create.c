/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "model/start.h"
#include "model/step.h"

enum mode { MODE_EXTERNAL, MODE_INTERNAL, MODE_MIXED };

/* What is asked for. */
struct wish {
    char *name;
    enum mode mode;
    bool keep;
    enum held_kind kinds[DISKS_MAX];
};

static bool
is_raw(const struct run *run, guint disk)
{
    return !g_str_equal(run->seen->formats[disk], "qcow2");
}

static enum held_kind
choose_kind(struct run *run, const struct wish *wish, guint disk)
{
    bool internal =
        wish->mode == MODE_INTERNAL || (wish->mode == MODE_MIXED && rng_percent(&run->rng, 50));

    if (rng_percent(&run->rng, 10))
        return HELD_NO;
    if (internal && is_raw(run, disk) && rng_percent(&run->rng, 80))
        return wish->mode == MODE_MIXED ? HELD_EXTERNAL : HELD_NO;
    return internal ? HELD_INTERNAL : HELD_EXTERNAL;
}

static void
choose(struct run *run, enum mode mode, struct wish *wish)
{
    bool any = false, external = false;

    wish->mode = mode;
    wish->name = step_new_name(run);
    while (!any) {
        for (guint i = 0; i < run->model->disk_count; i++) {
            wish->kinds[i] = choose_kind(run, wish, i);
            any = any || wish->kinds[i] != HELD_NO;
            external = external || wish->kinds[i] == HELD_EXTERNAL;
        }
        if (!any && wish->mode == MODE_INTERNAL && rng_percent(&run->rng, 30))
            wish->mode = MODE_EXTERNAL;
    }
    wish->keep =
        external && (run->keep_filename || (run->keep_at_times && rng_percent(&run->rng, 50)));
}

static struct rule
find_rule(const struct run *run, const struct wish *wish)
{
    for (guint i = 0; i < run->model->disk_count; i++) {
        if (wish->kinds[i] == HELD_INTERNAL && is_raw(run, i))
            return (struct rule){"a raw image cannot hold it", true};
        if (wish->kinds[i] == HELD_EXTERNAL && wish->keep && is_raw(run, i))
            return (struct rule){"an overlay cannot have the name of a raw image", true};
    }
    if (step_name_is_taken(run, wish->name))
        return (struct rule){"the name of a file is taken", false};
    return (struct rule){NULL, false};
}

static void
add_modes(struct run *run, GPtrArray *argv, const struct wish *wish)
{
    static const char *const names[] = {"no", "external", "internal"};

    if (wish->mode == MODE_EXTERNAL)
        argv_add(argv, "--disk-only");
    if (wish->mode == MODE_INTERNAL && rng_percent(&run->rng, 50))
        argv_add(argv, "--internal");
    for (guint i = 0; i < run->model->disk_count; i++) {
        if (wish->mode != MODE_MIXED && wish->kinds[i] != HELD_NO)
            continue;
        argv_add(argv, "--diskspec");
        argv_add(argv, "%s,snapshot=%s", run->model->disks[i].target, names[wish->kinds[i]]);
    }
    if (wish->keep)
        argv_add(argv, "--keep-filename");
    if (run->backing_path && wish->mode != MODE_INTERNAL)
        argv_add(argv, "--backing-path=%s", run->backing_path);
}

static bool
create(struct run *run, enum mode mode)
{
    g_autoptr(GPtrArray) argv = step_argv(run, "create");
    struct wish wish = {0};
    g_autofree char *name = NULL;

    if (rng_percent(&run->rng, 60))
        step_write(run);
    choose(run, mode, &wish);
    name = wish.name;
    argv_add(argv, "%s", name);
    add_modes(run, argv, &wish);
    run->tally[TALLY_CREATE]++;
    if (!step_offshot(run, argv, find_rule(run, &wish)))
        return true;
    for (guint i = 0; i < run->model->disk_count; i++)
        run->model->all_kept =
            run->model->all_kept &&
            (wish.kinds[i] == HELD_NO || (wish.kinds[i] == HELD_EXTERNAL && wish.keep));
    model_create(run->model, name, wish.kinds);
    return true;
}

bool
step_create(struct run *run)
{
    static const enum mode modes[] = {MODE_EXTERNAL, MODE_INTERNAL, MODE_INTERNAL, MODE_MIXED};

    return create(run, modes[rng_below(&run->rng, G_N_ELEMENTS(modes))]);
}

bool
step_create_external(struct run *run)
{
    return create(run, MODE_EXTERNAL);
}
