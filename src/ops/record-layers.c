/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/record.h"

#include <string.h>

#include "load/tree.h"

static int
compare_paths(const void *a, const void *b)
{
    return strcmp((*(const struct image *const *)a)->path, (*(const struct image *const *)b)->path);
}

static GPtrArray *
sort_images(const GPtrArray *images)
{
    GPtrArray *sorted = g_ptr_array_new();

    for (guint i = 0; images && i < images->len; i++)
        g_ptr_array_add(sorted, g_ptr_array_index(images, i));
    g_ptr_array_sort(sorted, compare_paths);
    return sorted;
}

/* What was noted as flattened and what is so now, without those that LAYERS has. */
static GPtrArray *
find_flattened(const struct state *state, GPtrArray *layers, const GPtrArray *flattened)
{
    GPtrArray *all = sort_images(flattened);
    GHashTableIter iter;
    gpointer image = NULL;

    if (state->flattened)
        g_hash_table_iter_init(&iter, state->flattened);
    while (state->flattened && g_hash_table_iter_next(&iter, &image, NULL)) {
        if (!g_ptr_array_find(all, image, NULL) && !g_ptr_array_find(layers, image, NULL))
            g_ptr_array_add(all, image);
    }
    g_ptr_array_sort(all, compare_paths);
    return all;
}

void
record_layers(struct plan *plan, const struct state *state, const GPtrArray *layers,
              const GPtrArray *flattened, const GPtrArray *kept)
{
    const struct file_identity *old = &state->layers_identity;
    g_autofree char *path = state_layers_path(state);
    g_autofree char *stage = record_temporary_name(state, plan, path);
    g_autoptr(GPtrArray) sorted = sort_images(layers);
    g_autoptr(GPtrArray) rest = find_flattened(state, sorted, flattened);
    g_autoptr(GPtrArray) others = sort_images(kept);
    g_autofree char *text = NULL;

    /* where there is no list there may be no directory either, before a dry run; the lock keeps
     * others from making one
     */
    if (old->inode != 0)
        plan_check_unchanged(plan, path, old);
    if (sorted->len == 0 && rest->len == 0 && others->len == 0 &&
        !(state->kept && state->kept->len > 0)) {
        if (old->inode != 0)
            plan_add_unlink(plan, RANK_SNAPSHOTS, path)->old = *old;
        return;
    }
    text = state_layers_format(state, sorted, rest, others);
    plan_add_stage_file(plan, RANK_MAKE, stage, text, NULL);
    if (old->inode != 0)
        plan_add_replace(plan, RANK_SNAPSHOTS, stage, path, old);
    else
        plan_add_install(plan, RANK_SNAPSHOTS, stage, path);
}
