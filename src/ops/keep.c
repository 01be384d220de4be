/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/keep.h"

#include <string.h>

static bool
lies_elsewhere(const struct image *image)
{
    g_autofree char *directory = g_path_get_dirname(image->path);
    g_autofree char *below = image->backing ? g_path_get_dirname(image->backing->path) : NULL;

    return below && strcmp(directory, below) != 0;
}

static void
reach(GHashTable *reached, const struct image *top)
{
    for (; top && g_hash_table_add(reached, (gpointer)top); top = top->backing)
        ;
}

static void
reach_all(GHashTable *reached, const GPtrArray *tops)
{
    for (guint i = 0; tops && i < tops->len; i++)
        reach(reached, g_ptr_array_index(tops, i));
}

/* A set of all images that are in chains of the domain afterwards. Free with g_hash_table_unref().
 */
static GHashTable *
find_reached(const struct keep *keep)
{
    const struct state *state = keep->state;
    GHashTable *reached = g_hash_table_new(NULL, NULL);

    for (guint i = 0; !keep->disks && i < state->disks->len; i++)
        reach(reached, g_array_index(state->disks, struct state_disk, i).image);
    for (guint i = 0; state->frozen && i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (!keep->removed || !g_hash_table_contains(keep->removed, frozen->def->name))
            reach(reached, frozen->image);
    }
    reach_all(reached, keep->disks);
    reach_all(reached, keep->layers);
    return reached;
}

GPtrArray *
keep_find(const struct keep *keep)
{
    g_autoptr(GHashTable) reached = find_reached(keep);
    g_autoptr(GPtrArray) all = usage_images(keep->state);
    GPtrArray *kept = g_ptr_array_new();

    for (guint i = 0; i < all->len; i++) {
        struct image *image = g_ptr_array_index(all, i);

        if (!g_hash_table_contains(reached, image) &&
            !(keep->gone && g_hash_table_contains(keep->gone, image)) && lies_elsewhere(image))
            g_ptr_array_add(kept, image);
    }
    return kept;
}

bool
keep_is_news(const struct state *state, const GPtrArray *kept)
{
    for (guint i = 0; i < kept->len; i++) {
        const struct image *image = g_ptr_array_index(kept, i);

        if (!state_is_kept(state, image->path, &image->identity))
            return true;
    }
    for (guint i = 0; state->kept && i < state->kept->len; i++) {
        if (!((const struct state_kept *)g_ptr_array_index(state->kept, i))->listed)
            return true;
    }
    return false;
}
