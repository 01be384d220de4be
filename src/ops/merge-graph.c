/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/merge-graph.h"

#include <string.h>

static void
node_free(gpointer data)
{
    struct merge_node *node = data;

    g_ptr_array_unref(node->kids);
    g_ptr_array_unref(node->tops);
    g_free(node);
}

static struct merge_node *
add_node(struct merge_graph *graph, const struct image *image)
{
    struct merge_node *node = g_new0(struct merge_node, 1);

    node->image = image;
    node->kids = g_ptr_array_new();
    node->tops = g_ptr_array_new();
    g_ptr_array_add(graph->nodes, node);
    g_hash_table_insert(graph->found, (void *)image, node);
    return node;
}

/* TOP, which may be NULL, and all that lies below it. */
static void
add_chain(struct merge_graph *graph, const struct image *top)
{
    struct merge_node *above = NULL;

    for (const struct image *image = top; image; image = image->backing) {
        struct merge_node *known = merge_graph_find(graph, image);
        struct merge_node *node = known ? known : add_node(graph, image);

        if (above) {
            above->below = node;
            g_ptr_array_add(node->kids, above);
        }
        if (known)
            return;
        above = node;
    }
}

static void
add_layers(struct merge_graph *graph, const struct state *state)
{
    GHashTableIter iter;
    gpointer image;

    if (!state->layers)
        return;
    g_hash_table_iter_init(&iter, state->layers);
    while (g_hash_table_iter_next(&iter, &image, NULL))
        add_chain(graph, image);
}

static void
add_frozen(struct merge_graph *graph, const struct state_frozen *frozen, snapshot_set *removed)
{
    struct merge_node *node;

    add_chain(graph, frozen->image);
    node = merge_graph_find(graph, frozen->image);
    if (node && g_hash_table_contains(removed, frozen->def->name))
        node->released = true;
}

/* Topmost first; names make the order the same each time. */
static int
compare_nodes(const void *a, const void *b)
{
    const struct image *one = (*(const struct merge_node *const *)a)->image;
    const struct image *other = (*(const struct merge_node *const *)b)->image;

    if (one->depth != other->depth)
        return one->depth > other->depth ? -1 : 1;
    return strcmp(one->path, other->path);
}

struct merge_graph *
merge_graph_new(const struct state *state, snapshot_set *removed)
{
    struct merge_graph *graph = g_new0(struct merge_graph, 1);

    graph->nodes = g_ptr_array_new_with_free_func(node_free);
    graph->found = g_hash_table_new(NULL, NULL);
    for (guint i = 0; i < state->disks->len; i++)
        add_chain(graph, g_array_index(state->disks, struct state_disk, i).image);
    for (guint i = 0; i < state->frozen->len; i++)
        add_frozen(graph, g_ptr_array_index(state->frozen, i), removed);
    add_layers(graph, state);
    g_ptr_array_sort(graph->nodes, compare_nodes);
    for (guint i = 0; i < graph->nodes->len; i++) {
        struct merge_node *node = g_ptr_array_index(graph->nodes, i);

        g_ptr_array_sort(node->kids, compare_nodes);
    }
    return graph;
}

void
merge_graph_free(struct merge_graph *graph)
{
    if (!graph)
        return;
    g_ptr_array_unref(graph->nodes);
    g_hash_table_unref(graph->found);
    g_free(graph);
}

struct merge_node *
merge_graph_find(const struct merge_graph *graph, const struct image *image)
{
    return image ? g_hash_table_lookup(graph->found, image) : NULL;
}

bool
merge_node_remains(const struct merge_node *node)
{
    return node->fate == MERGE_NEEDED || node->fate == MERGE_STAYS;
}

guint
merge_node_count_kids(const struct merge_node *node)
{
    guint count = 0;

    for (guint i = 0; i < node->kids->len; i++) {
        const struct merge_node *kid = g_ptr_array_index(node->kids, i);

        count += kid->fate != MERGE_GARBAGE;
    }
    return count;
}

static void
add_top(struct merge_node *node, struct merge_node *top)
{
    if (!g_ptr_array_find(node->tops, top, NULL))
        g_ptr_array_add(node->tops, top);
}

void
merge_node_find_tops(struct merge_node *node)
{
    for (guint i = 0; i < node->kids->len; i++) {
        struct merge_node *kid = g_ptr_array_index(node->kids, i);

        if (merge_node_remains(kid))
            add_top(node, kid);
        for (guint t = 0; kid->fate == MERGE_GOES && t < kid->tops->len; t++)
            add_top(node, g_ptr_array_index(kid->tops, t));
    }
}
