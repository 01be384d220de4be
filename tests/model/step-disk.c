/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <glib/gstdio.h>
#include <string.h>

#include "model/start.h"
#include "model/step.h"

#define GRAINS_MAX 512
#define SNAPSHOTS_FOR_CLONE 2

/* --- what a user and a VM do
 * ---------------------------------------------------------------------- */

static void
look_again(struct run *run)
{
    seen_free(run->seen);
    run->seen = observe(run);
}

bool
step_write(struct run *run)
{
    guint disk = rng_below(&run->rng, run->model->disk_count);

    run_write(run, disk, run->seen->active[disk], run->seen->formats[disk]);
    run->tally[TALLY_WRITE]++;
    look_again(run);
    return true;
}

bool
step_resize(struct run *run)
{
    guint disk = rng_below(&run->rng, run->model->disk_count);
    GByteArray *content = run->model->disks[disk].content;
    guint old = content->len, size = old + 1 + rng_below(&run->rng, 64);
    g_autoptr(GPtrArray) argv =
        argv_new("qemu-img", "resize", "-q", "-f", run->seen->formats[disk], NULL);

    if (!run->resizes || size > GRAINS_MAX)
        return false;
    argv_add(argv, "%s", run->seen->active[disk]);
    argv_add(argv, "%u", size * GRAIN);
    run_tool(run, argv);
    g_byte_array_set_size(content, size);
    memset(content->data + old, 0, size - old);
    run->tally[TALLY_OTHER]++;
    look_again(run);
    return true;
}

bool
step_define(struct run *run)
{
    g_autofree char *text = NULL;
    g_autofree char *changed = NULL;
    g_autofree char *old = g_strdup_printf("<title>%s</title>", run->model->title);
    g_autofree char *new = g_strdup_printf("<title>as in step %u</title>", run->step);
    g_autoptr(GError) error = NULL;

    if (!g_file_get_contents(run->xml, &text, NULL, &error))
        run_fault(run, "%s", error->message);
    changed = text_replace(text, old, new);
    if (g_str_equal(changed, text))
        run_fault(run, "the domain XML does not have '%s'", old);
    if (!g_file_set_contents(run->xml, changed, -1, &error))
        run_fault(run, "%s", error->message);
    g_string_append_printf(run->log, "%3u: sed -i 's#%s#%s#' %s\n", run->step, old, new, run->xml);
    g_free(run->model->title);
    run->model->title = g_strdup_printf("as in step %u", run->step);
    run->tally[TALLY_OTHER]++;
    look_again(run);
    return true;
}

bool
step_clone(struct run *run)
{
    const struct model_snapshot *snapshot = step_pick_snapshot(run);
    guint disk = rng_below(&run->rng, run->model->disk_count);
    g_autoptr(GPtrArray) argv = argv_new("qemu-img", "create", "-q", "-f", "qcow2", "-b", NULL);
    g_autofree char *directory = NULL;
    g_autofree char *path = NULL;
    const char *frozen;

    if (!run->has_clones || !snapshot || snapshot->held[disk].kind != HELD_EXTERNAL ||
        run->model->foreign->len >= DISKS_MAX + 2)
        return false;
    frozen = seen_find(run->seen, snapshot->name)->disks[disk].frozen;
    directory = g_path_get_dirname(frozen);
    path = g_strdup_printf("%s/clone%u", directory, run->step);
    argv_add(argv, "%s", frozen);
    argv_add(argv, "-F");
    argv_add(argv, "%s", content_format(run, frozen));
    argv_add(argv, "%s", path);
    run_tool(run, argv);
    model_add_foreign(run->model, path, content_copy(snapshot->held[disk].content));
    run->tally[TALLY_OTHER]++;
    look_again(run);
    return true;
}

/* --- flatten
 * -------------------------------------------------------------------------------------- */

bool
step_flatten(struct run *run)
{
    guint only = rng_below(&run->rng, 2 * run->model->disk_count);
    g_autoptr(GPtrArray) argv = step_argv(run, "flatten");
    struct rule rule = {NULL, false};

    if (only < run->model->disk_count)
        argv_add(argv, "--disk=%s", run->model->disks[only].target);
    for (guint i = 0; i < run->model->disk_count; i++) {
        const char *path = run->seen->active[i];
        const struct seen_image *image = g_hash_table_lookup(run->seen->images, path);

        if ((only >= run->model->disk_count || only == i) && image->link.backing &&
            content_tags(run, path)->len > 0)
            rule = (struct rule){"internal snapshots in the image need the chain", true};
    }
    run->tally[TALLY_FLATTEN]++;
    if (!step_offshot(run, argv, rule))
        return true;
    for (guint i = 0; i < run->model->disk_count; i++) {
        const struct seen_image *image =
            g_hash_table_lookup(run->seen->images, run->seen->active[i]);

        if ((only >= run->model->disk_count || only == i) && image->link.backing)
            run_fault(run, "'%s' still stands on '%s'", image->path, image->link.backing);
    }
    return true;
}

/* --- extract
 * -------------------------------------------------------------------------------------- */

static void
check_extracted(struct run *run, const char *path, const struct held *held)
{
    struct link link;
    guint at;

    link_read(run, path, &link);
    if (link.backing)
        run_fault(run, "'%s' does not stand alone", path);
    at = content_differs(content_read(run, path, NULL), held->content, held->kind == HELD_INTERNAL);
    if (at != G_MAXUINT)
        run_fault(run, "'%s' is not what was at the snapshot: it differs at %u KiB", path,
                  at * GRAIN / 1024);
    if (g_unlink(path) < 0)
        run_fault(run, "cannot remove '%s'", path);
}

bool
step_extract(struct run *run)
{
    const struct model_snapshot *snapshot = step_pick_snapshot(run);
    g_autoptr(GPtrArray) argv = step_argv(run, "extract");
    bool raw = rng_percent(&run->rng, 50);
    guint only = rng_below(&run->rng, 2 * run->model->disk_count);

    if (!snapshot || (only < run->model->disk_count && snapshot->held[only].kind == HELD_NO))
        return false;
    argv_add(argv, "%s", snapshot->name);
    argv_add(argv, "-o");
    argv_add(argv, "%s", run->scratch);
    argv_add(argv, "--format=%s", raw ? "raw" : "qcow2");
    if (!raw && rng_percent(&run->rng, 30))
        argv_add(argv, "--compress");
    if (only < run->model->disk_count)
        argv_add(argv, "--disk=%s", run->model->disks[only].target);
    run->tally[TALLY_EXTRACT]++;
    step_offshot(run, argv, (struct rule){NULL, false});
    for (guint i = 0; i < run->model->disk_count; i++) {
        g_autofree char *path = g_strdup_printf("%s/%s.%s", run->scratch,
                                                run->model->disks[i].target, raw ? "raw" : "qcow2");

        if (snapshot->held[i].kind != HELD_NO && (only >= run->model->disk_count || only == i))
            check_extracted(run, path, &snapshot->held[i]);
    }
    return true;
}
