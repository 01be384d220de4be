/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "cli/list-filter.h"

#include <string.h>

static bool
admits_place(const struct list_filter *filter, const struct snapshot_tree *tree,
             const struct snapshot_def *def)
{
    g_autoptr(GPtrArray) children = snapshot_tree_children(tree, def->name);
    bool leaf = children->len == 0;

    if (filter->roots && snapshot_tree_parent(tree, def->name))
        return false;
    if (!filter->leaves && !filter->no_leaves)
        return true;
    return (filter->leaves && leaf) || (filter->no_leaves && !leaf);
}

static bool
admits_kind(const struct list_filter *filter, const struct snapshot_def *def)
{
    bool disk_only = strcmp(def->state, "disk-snapshot") == 0;
    bool inactive = strcmp(def->state, "shutoff") == 0;

    if (!filter->inactive && !filter->active && !filter->disk_only)
        return true;
    return (filter->inactive && inactive) || (filter->disk_only && disk_only) ||
           (filter->active && !inactive && !disk_only);
}

static bool
admits_location(const struct list_filter *filter, const struct snapshot_def *def)
{
    bool external = snapshot_def_location(def) == SNAPSHOT_LOCATION_EXTERNAL;

    if (!filter->internal && !filter->external)
        return true;
    return (filter->external && external) || (filter->internal && !external);
}

/* As virsh sorts: without regard to case. */
static int
compare_names(const void *a, const void *b)
{
    const struct snapshot_def *left = *(const struct snapshot_def *const *)a;
    const struct snapshot_def *right = *(const struct snapshot_def *const *)b;
    int order = g_ascii_strcasecmp(left->name, right->name);

    return order != 0 ? order : strcmp(left->name, right->name);
}

GPtrArray *
list_filter_apply(const struct list_filter *filter, const struct snapshot_tree *tree)
{
    g_autoptr(GPtrArray) all = NULL;
    GPtrArray *chosen = g_ptr_array_new();

    if (filter->from && !filter->descendants)
        all = snapshot_tree_children(tree, filter->from);
    else if (filter->from || filter->topological)
        all = snapshot_tree_descendants(tree, filter->from);
    else
        all = snapshot_tree_all(tree);
    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        if ((!filter->no_metadata || filter->metadata) && admits_place(filter, tree, def) &&
            admits_kind(filter, def) && admits_location(filter, def))
            g_ptr_array_add(chosen, (void *)def);
    }
    if (!filter->topological)
        g_ptr_array_sort(chosen, compare_names);
    return chosen;
}
