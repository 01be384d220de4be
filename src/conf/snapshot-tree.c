/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "conf/snapshot-tree.h"

#include <string.h>

#include "util/error.h"

struct node {
    struct snapshot_def *def;
    struct node *parent;
    GPtrArray *children; /* of struct node, borrowed */
    unsigned visit;      /* by which walk up of snapshot_tree_link() */
};

struct snapshot_tree {
    GHashTable *nodes; /* name -> struct node */
    struct node *current;
};

static void
node_free(void *data)
{
    struct node *node = data;

    snapshot_def_free(node->def);
    g_ptr_array_unref(node->children);
    g_free(node);
}

struct snapshot_tree *
snapshot_tree_new(void)
{
    struct snapshot_tree *tree = g_new0(struct snapshot_tree, 1);

    tree->nodes = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, node_free);
    return tree;
}

void
snapshot_tree_free(struct snapshot_tree *tree)
{
    if (!tree)
        return;
    g_hash_table_unref(tree->nodes);
    g_free(tree);
}

static struct node *
find_node(const struct snapshot_tree *tree, const char *name)
{
    return name ? g_hash_table_lookup(tree->nodes, name) : NULL;
}

/* Put DEF in, in the place of one with its name. */
static void
put_node(struct snapshot_tree *tree, struct snapshot_def *def)
{
    struct node *node = g_new0(struct node, 1);

    node->def = def;
    node->children = g_ptr_array_new();
    g_hash_table_replace(tree->nodes, def->name, node);
}

bool
snapshot_tree_add(struct snapshot_tree *tree, struct snapshot_def *def, GError **error)
{
    if (!find_node(tree, def->name)) {
        put_node(tree, def);
        return true;
    }
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "there is more than one snapshot '%s'", def->name);
    snapshot_def_free(def);
    return false;
}

static int
compare_names(const void *a, const void *b)
{
    const struct node *const *left = a;
    const struct node *const *right = b;

    return strcmp((*left)->def->name, (*right)->def->name);
}

/* All nodes sorted by name. */
static GPtrArray *
sorted_nodes(const struct snapshot_tree *tree)
{
    GPtrArray *nodes = g_ptr_array_sized_new(g_hash_table_size(tree->nodes));
    GHashTableIter iter;
    void *node;

    g_hash_table_iter_init(&iter, tree->nodes);
    while (g_hash_table_iter_next(&iter, NULL, &node))
        g_ptr_array_add(nodes, node);
    g_ptr_array_sort(nodes, compare_names);
    return nodes;
}

static void G_GNUC_PRINTF(2, 3) report(GPtrArray *problems, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (problems)
        g_ptr_array_add(problems, g_strdup_vprintf(format, args));
    va_end(args);
}

/* Link NODE to its parent, that one to its own and so on, until somebody is a root, was linked by
 * an earlier walk, or is met again in this one: that closes a cycle, and the link is left out.
 */
static void
link_upwards(const struct snapshot_tree *tree, struct node *node, unsigned visit,
             GPtrArray *problems)
{
    while (node->visit == 0) {
        struct node *parent = find_node(tree, node->def->parent);

        node->visit = visit;
        if (node->def->parent && !parent)
            report(problems, "snapshot '%s' has a parent '%s' that does not exist", node->def->name,
                   node->def->parent);
        if (parent && parent->visit == visit)
            report(problems, "snapshot '%s' has itself among its ancestors (parent '%s')",
                   node->def->name, node->def->parent);
        if (!parent || parent->visit == visit)
            return;
        node->parent = parent;
        g_ptr_array_add(parent->children, node);
        node = parent;
    }
}

static bool
is_newer(const struct node *node, const struct node *than)
{
    return !than || node->def->creation_time >= than->def->creation_time;
}

/* Make the newest active one of NODES current. */
static void
choose_current(struct snapshot_tree *tree, const GPtrArray *nodes, GPtrArray *problems)
{
    tree->current = NULL;
    for (unsigned i = 0; i < nodes->len; i++) {
        struct node *node = g_ptr_array_index(nodes, i);

        if (node->def->active && is_newer(node, tree->current))
            tree->current = node;
    }
    for (unsigned i = 0; i < nodes->len; i++) {
        struct node *node = g_ptr_array_index(nodes, i);

        if (node->def->active && node != tree->current)
            report(problems, "snapshot '%s' claims to be the current one, but '%s' is newer",
                   node->def->name, tree->current->def->name);
    }
}

void
snapshot_tree_link(struct snapshot_tree *tree, GPtrArray *problems)
{
    g_autoptr(GPtrArray) nodes = sorted_nodes(tree);

    for (unsigned i = 0; i < nodes->len; i++) {
        struct node *node = g_ptr_array_index(nodes, i);

        node->parent = NULL;
        node->visit = 0;
        g_ptr_array_set_size(node->children, 0);
    }
    for (unsigned i = 0; i < nodes->len; i++)
        link_upwards(tree, g_ptr_array_index(nodes, i), i + 1, problems);
    for (unsigned i = 0; i < nodes->len; i++) {
        struct node *node = g_ptr_array_index(nodes, i);

        g_ptr_array_sort(node->children, compare_names);
    }
    choose_current(tree, nodes, problems);
}

bool
snapshot_tree_check_parent(const struct snapshot_tree *tree, const char *name, const char *parent,
                           GError **error)
{
    const struct node *node = find_node(tree, parent);

    if (!parent)
        return true;
    if (strcmp(parent, name) == 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "snapshot '%s' cannot be its own parent", name);
        return false;
    }
    if (!node) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND,
                    "parent '%s' of snapshot '%s' does not exist", parent, name);
        return false;
    }
    for (; node; node = node->parent) {
        /* by name, not by link: a root may be one for lack of just this parent */
        if (g_strcmp0(node->def->parent, name) != 0)
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "parent '%s' of snapshot '%s' is one of its descendants", parent, name);
        return false;
    }
    return true;
}

bool
snapshot_tree_insert(struct snapshot_tree *tree, struct snapshot_def *def, GError **error)
{
    const char *current = tree->current ? tree->current->def->name : NULL;
    g_autofree char *kept = NULL;

    if (!snapshot_tree_check_parent(tree, def->name, def->parent, error))
        return false;
    if (def->active)
        kept = g_strdup(def->name);
    else if (g_strcmp0(current, def->name) != 0)
        kept = g_strdup(current);
    put_node(tree, def);
    snapshot_tree_link(tree, NULL);
    tree->current = find_node(tree, kept);
    return true;
}

size_t
snapshot_tree_count(const struct snapshot_tree *tree)
{
    return g_hash_table_size(tree->nodes);
}

const struct snapshot_def *
snapshot_tree_find(const struct snapshot_tree *tree, const char *name)
{
    const struct node *node = find_node(tree, name);

    return node ? node->def : NULL;
}

const struct snapshot_def *
snapshot_tree_get(const struct snapshot_tree *tree, const char *name, GError **error)
{
    const struct snapshot_def *def = snapshot_tree_find(tree, name);

    if (!def)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND, "no snapshot named '%s'", name);
    return def;
}

const struct snapshot_def *
snapshot_tree_current(const struct snapshot_tree *tree)
{
    return tree->current ? tree->current->def : NULL;
}

const struct snapshot_def *
snapshot_tree_parent(const struct snapshot_tree *tree, const char *name)
{
    const struct node *node = find_node(tree, name);

    return node && node->parent ? node->parent->def : NULL;
}

/* The nodes below NAME, or the roots for NULL, sorted. */
static GPtrArray *
child_nodes(const struct snapshot_tree *tree, const char *name)
{
    const struct node *node = find_node(tree, name);
    GPtrArray *children = name ? g_ptr_array_new() : sorted_nodes(tree);

    if (node)
        g_ptr_array_extend(children, node->children, NULL, NULL);
    for (unsigned i = 0; !name && i < children->len;) {
        const struct node *root = g_ptr_array_index(children, i);

        if (root->parent)
            g_ptr_array_remove_index(children, i);
        else
            i++;
    }
    return children;
}

/* Turn an array of nodes into one of their definitions. */
static GPtrArray *
to_definitions(GPtrArray *nodes)
{
    for (unsigned i = 0; i < nodes->len; i++)
        nodes->pdata[i] = ((struct node *)nodes->pdata[i])->def;
    return nodes;
}

GPtrArray *
snapshot_tree_children(const struct snapshot_tree *tree, const char *name)
{
    return to_definitions(child_nodes(tree, name));
}

static void
push_reversed(GPtrArray *stack, const GPtrArray *nodes)
{
    for (unsigned i = nodes->len; i > 0; i--)
        g_ptr_array_add(stack, g_ptr_array_index(nodes, i - 1));
}

GPtrArray *
snapshot_tree_descendants(const struct snapshot_tree *tree, const char *name)
{
    g_autoptr(GPtrArray) children = child_nodes(tree, name);
    g_autoptr(GPtrArray) stack = g_ptr_array_new();
    GPtrArray *found = g_ptr_array_new();

    push_reversed(stack, children);
    while (stack->len > 0) {
        struct node *node = g_ptr_array_steal_index(stack, stack->len - 1);

        g_ptr_array_add(found, node);
        push_reversed(stack, node->children);
    }
    return to_definitions(found);
}

GPtrArray *
snapshot_tree_all(const struct snapshot_tree *tree)
{
    return to_definitions(sorted_nodes(tree));
}
