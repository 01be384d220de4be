/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/flatten-layers.h"

#include <string.h>

#include "ops/record.h"
#include "ops/usage.h"

/* Whether nothing will stand on IMAGE when the images of GONE stand on nothing. */
static bool
is_left_alone(const struct state *state, const struct image *image, GHashTable *gone)
{
    g_autoptr(GPtrArray) overlays = usage_overlays(state, image);
    const GPtrArray *dependents = state_find_dependents(state, image);

    for (guint i = 0; i < overlays->len; i++) {
        if (!g_hash_table_contains(gone, g_ptr_array_index(overlays, i)))
            return false;
    }
    return !dependents || dependents->len == 0;
}

/* Whether IMAGE is a layer without a name that has no more use when the images of GONE stand on
 * nothing.
 */
static bool
is_unused(const struct state *state, const struct image *image, GHashTable *gone)
{
    return state_is_layer(state, image) && !usage_find_active(state, image) &&
           !usage_find_snapshot(state, image, NULL) && is_left_alone(state, image, gone);
}

/* Collect in GONE what becomes superfluous when the images that are in it stand on nothing. Returns
 * whether there was anything, which may have stood on another layer.
 */
static bool
collect_layers(const struct state *state, GHashTable *gone)
{
    GHashTableIter iter;
    gpointer layer;
    bool found = false;

    g_hash_table_iter_init(&iter, state->layers);
    while (g_hash_table_iter_next(&iter, &layer, NULL)) {
        if (!g_hash_table_contains(gone, layer) && is_unused(state, layer, gone) &&
            !usage_find_obstacle(state, layer))
            found = g_hash_table_add(gone, layer);
    }
    return found;
}

static void
plan_removal(struct plan *plan, const struct image *layer, GPtrArray *notes)
{
    plan_check_lock(plan, layer->path, &layer->identity);
    plan_check_unchanged(plan, layer->path, &layer->identity);
    record_removal(plan, layer->path, &layer->identity);
    g_ptr_array_add(notes, g_strdup_printf("image '%s' is removed: no snapshot needs it any more",
                                           layer->path));
}

static int
compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct image *)a)->path, ((const struct image *)b)->path);
}

/* Say of what FLATTENED images leave without a use, and GONE does not take, why it stays. */
static void
note_left(const struct state *state, const GPtrArray *flattened, GHashTable *gone, GPtrArray *notes)
{
    for (guint i = 0; i < flattened->len; i++) {
        const struct image *below = ((struct image *)g_ptr_array_index(flattened, i))->backing;

        while (below && g_hash_table_contains(gone, below))
            below = below->backing;
        if (below && is_unused(state, below, gone))
            g_ptr_array_add(notes, g_strdup_printf("'%s' stays: %s", below->path,
                                                   usage_find_obstacle(state, below)));
    }
}

/* A flattened image shows no longer that a snapshot or a revert made it, or will not when that
 * snapshot is gone, which a later revert has to know before it gives it up. Free the container with
 * g_ptr_array_unref().
 */
static GPtrArray *
find_ours(const struct state *state, const GPtrArray *flattened)
{
    GPtrArray *ours = g_ptr_array_new();

    for (guint i = 0; i < flattened->len; i++) {
        struct image *image = g_ptr_array_index(flattened, i);

        if (!state_is_layer(state, image) && usage_is_ours_while_active(state, image))
            g_ptr_array_add(ours, image);
    }
    return ours;
}

void
flatten_layers_plan(struct plan *plan, const struct state *state, GPtrArray *flattened,
                    GPtrArray *notes)
{
    g_autoptr(GHashTable) gone = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) remaining = g_ptr_array_new();
    g_autoptr(GList) layers = g_list_sort(g_hash_table_get_keys(state->layers), compare_paths);
    g_autoptr(GPtrArray) ours = find_ours(state, flattened);

    for (guint i = 0; i < flattened->len; i++)
        g_hash_table_add(gone, g_ptr_array_index(flattened, i));
    while (collect_layers(state, gone))
        ;
    for (GList *layer = layers; layer; layer = layer->next) {
        if (g_hash_table_contains(gone, layer->data) &&
            !g_ptr_array_find(flattened, layer->data, NULL))
            plan_removal(plan, layer->data, notes);
        else
            g_ptr_array_add(remaining, layer->data);
    }
    note_left(state, flattened, gone, notes);
    if (ours->len > 0 || remaining->len < g_hash_table_size(state->layers))
        record_layers(plan, state, remaining, ours, NULL);
}
