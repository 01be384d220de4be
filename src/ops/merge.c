/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/merge.h"

#include <string.h>

#include "ops/merge-decide.h"

static void
decision_free(struct merge_decision *decision)
{
    merge_graph_free(decision->graph);
    merges_free(decision->merges);
    g_free(decision);
}

static struct merges *
merges_new(void)
{
    struct merges *merges = g_new0(struct merges, 1);

    merges->merges = g_array_new(FALSE, TRUE, sizeof(struct merge));
    merges->garbage = g_ptr_array_new();
    merges->layers = g_ptr_array_new();
    merges->relinks = g_ptr_array_new();
    merges->moved = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return merges;
}

void
merges_free(struct merges *merges)
{
    if (!merges)
        return;
    g_array_unref(merges->merges);
    g_ptr_array_unref(merges->garbage);
    g_ptr_array_unref(merges->layers);
    g_clear_pointer(&merges->kept, g_ptr_array_unref);
    g_ptr_array_unref(merges->relinks);
    g_hash_table_unref(merges->moved);
    g_free(merges);
}

bool
merges_remove(const struct merges *merges, const struct image *image)
{
    for (guint i = 0; i < merges->merges->len; i++) {
        const struct merge *merge = &g_array_index(merges->merges, struct merge, i);

        if (merge->top == image && merge->how == MERGE_COMMIT)
            return true;
    }
    return g_ptr_array_find(merges->garbage, image, NULL);
}

/* IMAGE is called as NOW is, from now on, however anybody spells its name. */
static void
move_image(struct merges *merges, const struct state *state, const struct image *image,
           const struct image *now)
{
    g_autoptr(GPtrArray) names = usage_names(state, image);
    GHashTableIter iter;
    gpointer alias;
    gpointer path;

    for (guint i = 0; i < names->len; i++)
        g_hash_table_insert(merges->moved, g_strdup(g_ptr_array_index(names, i)), (void *)now);
    g_hash_table_iter_init(&iter, state->aliases);
    while (g_hash_table_iter_next(&iter, &alias, &path)) {
        if (strcmp(path, image->path) == 0)
            g_hash_table_insert(merges->moved, g_strdup(alias), (void *)now);
    }
}

/* What MERGE, in which no other image has a part, leaves is called by one name. */
static void
move_names(struct merge_decision *decision, const struct merge *merge)
{
    const struct image *now =
        merge->how == MERGE_REBASE || merge->keeps_name ? merge->top : merge->bottom;

    for (const struct image *image = merge->top; image != merge->bottom->backing;
         image = image->backing) {
        const struct merge_node *node = merge_graph_find(decision->graph, image);

        if (image != now && (image == merge->top || node->tops->len < 2))
            move_image(decision->merges, decision->setting.state, image, now);
    }
}

/* What stands on the top of a commit stands on its bottom afterwards. */
static void
collect_relinks(struct merge_decision *decision, const struct merge_node *top)
{
    for (guint i = 0; i < top->kids->len; i++) {
        const struct merge_node *kid = g_ptr_array_index(top->kids, i);

        if (merge_node_remains(kid) || kid->tail)
            g_ptr_array_add(decision->merges->relinks, (void *)kid->image);
    }
}

static void
collect_merge(struct merge_decision *decision, const struct merge *merge)
{
    move_names(decision, merge);
    if (merge->how == MERGE_REBASE || merge->keeps_name)
        return;
    collect_relinks(decision, merge_graph_find(decision->graph, merge->top));
    if (merge->top->block)
        merge_note(decision, "'%s' stays: it is a block device, and nothing needs it any more",
                   merge->top->path);
}

/* Whether the file of NODE is removed, by its own name. */
static bool
is_garbage(const struct merge_decision *decision, const struct merge_node *node)
{
    const GArray *merges = decision->merges->merges;

    if (node->fate == MERGE_GARBAGE || (node->fate == MERGE_GOES && !node->tail))
        return true;
    for (guint i = 0; i < merges->len; i++) {
        const struct merge *merge = &g_array_index(merges, struct merge, i);

        if (merge->top == node->image && merge->how == MERGE_COMMIT)
            return !merge->keeps_name && !node->image->block;
    }
    return false;
}

static void
collect(struct merge_decision *decision)
{
    const GArray *merges = decision->merges->merges;
    const GPtrArray *nodes = decision->graph->nodes;

    for (guint i = 0; i < merges->len; i++)
        collect_merge(decision, &g_array_index(merges, struct merge, i));
    for (guint i = 0; i < nodes->len; i++) {
        const struct merge_node *node = g_ptr_array_index(nodes, i);

        if (is_garbage(decision, node))
            g_ptr_array_add(decision->merges->garbage, (void *)node->image);
    }
    merge_list_layers(decision);
    merge_list_kept(decision);
}

struct merges *
merges_decide(const struct state *state, snapshot_set *removed, enum merge_strategy strategy,
              GPtrArray *notes, GError **error)
{
    struct merge_decision *decision = g_new0(struct merge_decision, 1);
    struct merges *merges = NULL;

    decision->setting = (struct merge_setting){state, removed, strategy};
    decision->graph = merge_graph_new(state, removed);
    decision->merges = merges_new();
    decision->notes = notes;
    if (merge_settle(decision, error) && merge_choose(decision, error)) {
        collect(decision);
        merges = g_steal_pointer(&decision->merges);
    }
    decision_free(decision);
    return merges;
}
