/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "ops/keep.h"
#include "ops/merge-decide.h"

/* Whether one of DISKS (of struct snapshot_disk) names IMAGE as its overlay, once all have moved.
 */
static bool
name_image(const struct merge_decision *decision, const GPtrArray *disks, const struct image *image)
{
    g_autoptr(GPtrArray) names = usage_names(decision->setting.state, image);

    for (guint i = 0; i < disks->len; i++) {
        const char *source = ((const struct snapshot_disk *)g_ptr_array_index(disks, i))->source;
        const struct image *moved =
            source ? g_hash_table_lookup(decision->merges->moved, source) : NULL;

        if (moved ? moved == image
                  : source && g_ptr_array_find_with_equal_func(names, source, g_str_equal, NULL))
            return true;
    }
    return false;
}

/* Whether any snapshot that remains says that it made IMAGE. */
static bool
is_claimed(const struct merge_decision *decision, const struct image *image)
{
    const struct merge_setting *setting = &decision->setting;
    g_autoptr(GPtrArray) all = snapshot_tree_all(setting->state->snapshots->tree);

    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        if (!g_hash_table_contains(setting->removed, def->name) &&
            (name_image(decision, def->disks, image) ||
             name_image(decision, def->revert_disks, image)))
            return true;
    }
    return false;
}

/* Whether what was in IMAGE, and is in NOW, remains for other reasons than its name, which goes
 * with the removed snapshots: then nobody could tell any more that it is ours. What is active says
 * so by that, and where snapshots freeze images of ours they are known by where they are.
 */
static bool
loses_name(const struct merge_decision *decision, const struct image *image,
           const struct image *now)
{
    const struct merge_setting *setting = &decision->setting;
    const struct state *state = setting->state;
    bool ours = usage_is_ours(state, now);

    if (usage_find_active(state, image) || is_claimed(decision, now))
        return false;
    /* what nothing but the name of an overlay tells of may have taken the place of that */
    if (!usage_find_snapshot(state, image, NULL) && !state_is_layer(state, image))
        return false;
    if (merge_rules_is_frozen(setting, image, false))
        return ours && !(merge_rules_beside_active(state, now) && merge_rules_belongs(state, now));
    return ours ||
           (merge_rules_is_frozen(setting, image, true) &&
            merge_rules_discard(setting, image, NULL) &&
            merge_rules_attached(setting, image, NULL) && merge_rules_proven(setting, image, NULL));
}

/* The image that holds what IMAGE held. */
static const struct image *
find_successor(const struct merges *merges, const struct image *image)
{
    for (guint i = 0; i < merges->merges->len; i++) {
        const struct merge *merge = &g_array_index(merges->merges, struct merge, i);

        if (merge->top == image && merge->how == MERGE_COMMIT)
            return merge->bottom;
    }
    return image;
}

/* Whether NOW, the image that holds what NODE held, is to be found again. Not if it is of a disk
 * that was detached, and stands somewhere below an image that nobody knows: once no snapshot tells
 * of the disk any more, the list would make garbage of it.
 */
static bool
is_layer(const struct merge_decision *decision, const struct merge_node *node,
         const struct image *now)
{
    if (now->block || !merge_node_remains(node) ||
        !merge_rules_attached(&decision->setting, node->image, NULL))
        return false;
    if (node->fate == MERGE_STAYS)
        return merge_rules_proven(&decision->setting, now, NULL);
    return loses_name(decision, node->image, now);
}

void
merge_list_layers(struct merge_decision *decision)
{
    struct merges *merges = decision->merges;
    const GPtrArray *nodes = decision->graph->nodes;

    for (guint i = 0; i < nodes->len; i++) {
        const struct merge_node *node = g_ptr_array_index(nodes, i);
        const struct image *now = find_successor(merges, node->image);

        if (is_layer(decision, node, now))
            g_ptr_array_add(merges->layers, (void *)now);
    }
}

void
merge_list_kept(struct merge_decision *decision)
{
    struct merges *merges = decision->merges;
    g_autoptr(GHashTable) gone = g_hash_table_new(NULL, NULL);
    const struct keep keep = {
        .state = decision->setting.state,
        .removed = decision->setting.removed,
        .layers = merges->layers,
        .gone = gone,
    };

    for (guint i = 0; i < decision->graph->nodes->len; i++) {
        const struct merge_node *node = g_ptr_array_index(decision->graph->nodes, i);

        if (merges_remove(merges, node->image))
            g_hash_table_add(gone, (void *)node->image);
    }
    merges->kept = keep_find(&keep);
}
