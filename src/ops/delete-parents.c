/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/delete-parents.h"

const struct snapshot_def *
delete_find_current(const struct state *state, snapshot_set *removed)
{
    const struct snapshot_tree *tree = state->snapshots->tree;
    const struct snapshot_def *def = snapshot_tree_current(tree);

    while (def && g_hash_table_contains(removed, def->name))
        def = snapshot_tree_parent(tree, def->name);
    return def;
}

/* The name of the nearest ancestor of DEF that remains, or NULL. */
static const char *
find_parent(const struct snapshot_tree *tree, snapshot_set *removed, const struct snapshot_def *def)
{
    const struct snapshot_def *parent = snapshot_tree_parent(tree, def->name);

    for (; parent; parent = snapshot_tree_parent(tree, def->name)) {
        if (!g_hash_table_contains(removed, parent->name))
            return parent->name;
        def = parent;
    }
    return def->parent && !snapshot_tree_find(tree, def->parent) ? def->parent : NULL;
}

GHashTable *
delete_find_parents(const struct state *state, snapshot_set *removed)
{
    const struct snapshot_tree *tree = state->snapshots->tree;
    g_autoptr(GPtrArray) all = snapshot_tree_all(tree);
    GHashTable *parents = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        if (def->parent && g_hash_table_contains(removed, def->parent))
            g_hash_table_insert(parents, def->name, (gpointer)find_parent(tree, removed, def));
    }
    return parents;
}
