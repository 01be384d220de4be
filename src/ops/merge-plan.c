/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/merge.h"

#include "ops/keep.h"
#include "ops/merge-link.h"
#include "ops/record.h"

static struct step_image_spec
spec_of(const struct image *image)
{
    return (struct step_image_spec){image->path, image->format->qemu, image->block};
}

/* What a merge changes or reads. */
static void
check_images(struct plan *plan, const struct merge *merge)
{
    const struct image *end = merge->bottom->backing;

    for (const struct image *image = merge->top; image != end; image = image->backing)
        plan_check_exclusive(plan, image->path, &image->identity);
    for (const struct image *image = end; image; image = image->backing)
        plan_check_unwritten(plan, image->path, &image->identity);
}

static void
check_space(struct plan *plan, const struct merge *merge)
{
    const struct image *target = merge->how == MERGE_COMMIT ? merge->bottom : merge->top;
    g_autofree char *directory = g_path_get_dirname(target->path);

    if (merge->space > 0)
        plan_check_space(plan, directory, merge->space);
}

/* The image that stands for IMAGE, and under its own name, once all merges are done. */
static const struct image *
find_standing(const struct merges *merges, const struct image *image)
{
    for (guint i = 0; image && i < merges->merges->len; i++) {
        const struct merge *merge = &g_array_index(merges->merges, struct merge, i);

        if (merge->top == image && merge->how == MERGE_COMMIT && !merge->keeps_name)
            return merge->bottom;
    }
    return image;
}

/* What stands on the top of a commit may go on standing on it. */
static void
know_overlays(struct plan *plan, const struct state *state, const struct image *image)
{
    g_autoptr(GPtrArray) overlays = usage_overlays(state, image);

    for (guint i = 0; i < overlays->len; i++)
        plan_know_file(plan, &((const struct image *)g_ptr_array_index(overlays, i))->identity);
}

static void
plan_commit(struct plan *plan, const struct state *state, const struct merge *merge)
{
    const struct step_image_spec top = spec_of(merge->top);
    g_autofree char *base = merge_link_path(merge->top, merge->bottom);
    unsigned depth = merge->top->depth - merge->bottom->depth;

    plan_add_commit(plan, RANK_IMAGES + merge->level, &top, base, depth);
    know_overlays(plan, state, merge->top);
    if (!merge->keeps_name)
        return;
    plan_check_unchanged(plan, merge->top->path, &merge->top->identity);
    plan_check_unchanged(plan, merge->bottom->path, &merge->bottom->identity);
    plan_add_replace(plan, RANK_RELINK, base, merge->top->path, &merge->top->identity);
}

static bool
plan_rebase(struct plan *plan, const struct merges *merges, const struct merge *merge,
            GError **error)
{
    const struct step_image_spec top = spec_of(merge->top);
    const struct image *base = find_standing(merges, merge->bottom->backing);
    g_autofree char *path = base ? merge_link_path(merge->top, base) : NULL;
    struct step_link link = {0};
    struct step_link old = {0};

    if (base && !merge_link_make(&link, merge->top, base, error))
        return false;
    merge_link_get(&old, merge->top);
    plan_add_rebase(plan, RANK_IMAGES + merge->level, &top, &link, path, &old);
    merge_link_clear(&link);
    merge_link_clear(&old);
    return true;
}

/* IMAGE stood on an image that went down into another. */
static bool
plan_relink(struct plan *plan, const struct merges *merges, const struct image *image,
            GError **error)
{
    const struct step_image_spec spec = spec_of(image);
    struct step_link link;
    struct step_link old;

    if (!merge_link_make(&link, image, find_standing(merges, image->backing), error))
        return false;
    merge_link_get(&old, image);
    plan_check_exclusive(plan, image->path, &image->identity);
    plan_add_relink(plan, RANK_RELINK, &spec, &link, &old);
    merge_link_clear(&link);
    merge_link_clear(&old);
    return true;
}

static void
plan_garbage(struct plan *plan, const struct image *image)
{
    plan_check_exclusive(plan, image->path, &image->identity);
    plan_check_unchanged(plan, image->path, &image->identity);
    record_removal(plan, image->path, &image->identity);
}

static bool
list_is_same(const struct state *state, const GPtrArray *layers)
{
    for (guint i = 0; i < layers->len; i++) {
        if (!state_is_layer(state, g_ptr_array_index(layers, i)))
            return false;
    }
    return layers->len == (state->layers ? g_hash_table_size(state->layers) : 0);
}

bool
merges_plan(struct plan *plan, const struct state *state, const struct merges *merges,
            GError **error)
{
    for (guint i = 0; i < merges->merges->len; i++) {
        const struct merge *merge = &g_array_index(merges->merges, struct merge, i);

        check_images(plan, merge);
        check_space(plan, merge);
        if (merge->how == MERGE_COMMIT)
            plan_commit(plan, state, merge);
        else if (!plan_rebase(plan, merges, merge, error))
            return false;
    }
    for (guint i = 0; i < merges->relinks->len; i++) {
        if (!plan_relink(plan, merges, g_ptr_array_index(merges->relinks, i), error))
            return false;
    }
    for (guint i = 0; i < merges->garbage->len; i++)
        plan_garbage(plan, g_ptr_array_index(merges->garbage, i));
    if (!list_is_same(state, merges->layers) || keep_is_news(state, merges->kept))
        record_layers(plan, state, merges->layers, NULL, merges->kept);
    return true;
}

GHashTable *
merges_find_changed(const struct merges *merges)
{
    GHashTable *changed = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < merges->merges->len; i++) {
        const struct merge *merge = &g_array_index(merges->merges, struct merge, i);
        const struct image *end = merge->bottom->backing;
        const struct image *image = merge->how == MERGE_COMMIT ? merge->top : merge->top->backing;

        for (; image != end; image = image->backing)
            g_hash_table_add(changed, (gpointer)image);
    }
    return changed;
}

static int
compare_ranks(const void *a, const void *b)
{
    unsigned one = (*(const struct step *const *)a)->rank;
    unsigned other = (*(const struct step *const *)b)->rank;

    return (one > other) - (one < other);
}

void
merges_order(struct plan *plan, const struct merges *merges)
{
    unsigned last = 0;

    for (guint i = 0; i < merges->merges->len; i++)
        last = MAX(last, g_array_index(merges->merges, struct merge, i).level);
    for (guint i = 0; i < plan->apply->len; i++) {
        struct step *step = g_ptr_array_index(plan->apply, i);

        if (step->kind != STEP_COMMIT && step->kind != STEP_REBASE)
            step->rank += last;
    }
    g_ptr_array_sort(plan->apply, compare_ranks);
}
