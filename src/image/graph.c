/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/graph.h"

#include <string.h>

#include "image/backing.h"
#include "image/image-file.h"
#include "image/image-read.h"
#include "util/error.h"

/* An image and what identifies it. depth is 0 until all that lies below has been walked. */
struct node {
    struct image image;
    struct image_file file;
};

struct image_graph {
    GHashTable *nodes;   /* struct image_file within a node -> struct node */
    GHashTable *missing; /* char * -> char * */
};

/* One walk: where it is going and what it read on the way, from the top down. */
struct walk {
    struct image_graph *graph;
    GPtrArray *fresh;   /* of struct node */
    struct node *above; /* links to PATH; NULL at the top */
    char *path;
    const struct image_format *format; /* NULL: the link does not say */
};

static void
node_free(gpointer data)
{
    struct node *node = data;

    g_free(node->image.path);
    image_header_clear(&node->image.header);
    g_free(node);
}

struct image_graph *
image_graph_new(void)
{
    struct image_graph *graph = g_new0(struct image_graph, 1);

    graph->nodes = g_hash_table_new_full(image_file_hash, image_file_equal, NULL, node_free);
    graph->missing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return graph;
}

void
image_graph_free(struct image_graph *graph)
{
    if (!graph)
        return;
    g_hash_table_destroy(graph->nodes);
    g_hash_table_destroy(graph->missing);
    g_free(graph);
}

/* The image whose link led to where WALK is; NULL at the top. */
static const char *
path_above(const struct walk *walk)
{
    return walk->above ? walk->above->image.path : NULL;
}

static uint64_t
directory_inode(const char *path)
{
    g_autofree char *directory = g_path_get_dirname(path);
    struct stat st;

    return stat(directory, &st) == 0 ? st.st_ino : 0;
}

/* Read the image that WALK has come to and is not in the graph yet. */
static struct node *
node_read(struct walk *walk, const struct image_file *file, GError **error)
{
    struct node *node = g_new0(struct node, 1);
    struct image *image = &node->image;
    scoped_fd fd = -1;

    node->file = *file;
    image->path = g_strdup(walk->path);
    image->format = walk->format;
    fd = image_file_open(&node->file, walk->path, error);
    if (fd >= 0) {
        image->block = node->file.block;
        image->symlink = node->file.symlink;
        image->links = node->file.links;
        image->identity = node->file.identity;
        image->directory = directory_inode(image->path);
        image->allocated = node->file.allocated;
        image->writable = image_file_is_writable(&node->file, walk->path, fd);
        /* what is renamed or removed is found again by its birth */
        if (!image->block)
            file_identity_add_birth(&image->identity, fd, NULL);
        if (image_read(image, fd, path_above(walk), error)) {
            g_hash_table_insert(walk->graph->nodes, &node->file, node);
            g_ptr_array_add(walk->fresh, node);
            return node;
        }
    }
    node_free(node);
    return NULL;
}

/* WALK came to an image that the graph has: it must not be above itself, nor be two things at once.
 */
static bool
known_check(const struct walk *walk, const struct node *node, GError **error)
{
    const struct image_format *format = walk->format;

    if (node->image.depth == 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "the backing chain loops: image '%s' stands on '%s' again",
                    walk->above->image.path, node->image.path);
        return false;
    }
    if (!format &&
        !(format = image_format_guess(walk->path, path_above(walk), node->image.looks_like, error)))
        return false;
    if (format == node->image.format)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "image '%s' is used as '%s' and as '%s'", walk->path, node->image.format->qemu,
                format->qemu);
    return false;
}

/* The image that WALK has come to, read or known. */
static struct node *
walk_reach(struct walk *walk, GError **error)
{
    struct image_file file = {0};
    struct node *node;

    if (!image_file_look(&file, walk->path, error)) {
        g_hash_table_insert(walk->graph->missing, g_strdup(walk->path), g_strdup(path_above(walk)));
        if (walk->above)
            g_prefix_error(error,
                           "backing chain of image '%s' is broken: ", walk->above->image.path);
        return NULL;
    }
    node = g_hash_table_lookup(walk->graph->nodes, &file);
    if (node)
        return known_check(walk, node, error) ? node : NULL;
    return node_read(walk, &file, error);
}

/* The format of the image that NODE links to; *FORMAT stays NULL where it has to be guessed. */
static bool
link_format(const struct node *node, const struct image_format **format, GError **error)
{
    const struct image *image = &node->image;
    const char *name = image->header.backing_format;

    *format = image_format_find_qemu(name);
    if (*format)
        return true;
    if (name) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "image '%s' has a backing image of format '%s', on which no overlay can stand",
                    image->path, name);
        return false;
    }
    if (strcmp(image->format->qemu, "qcow2") != 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "image '%s' does not say the format of its backing image '%s': set it with "
                "'qemu-img rebase -u -F FORMAT -b BACKING IMAGE'",
                image->path, image->header.backing);
    return false;
}

/* Go on to the image below NODE; at a base, PATH becomes NULL. */
static bool
walk_descend(struct walk *walk, struct node *node, GError **error)
{
    g_clear_pointer(&walk->path, g_free);
    walk->above = node;
    if (!node->image.header.backing)
        return true;
    if (!link_format(node, &walk->format, error))
        return false;
    walk->path = backing_string_resolve(node->image.path, node->image.header.backing, error);
    return walk->path != NULL;
}

static bool
depth_check(const struct walk *walk, guint64 layers, GError **error)
{
    const struct node *top = walk->fresh->len ? walk->fresh->pdata[0] : NULL;

    if (!top || layers <= IMAGE_CHAIN_MAX)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "the backing chain of image '%s' has more than %d layers: shorten it first",
                top->image.path, IMAGE_CHAIN_MAX);
    return false;
}

/* All of the chain is known: say how much lies below each image that was read. */
static bool
walk_finish(struct walk *walk, const struct node *last, GError **error)
{
    unsigned depth = last->image.depth; /* 0 where the last one was read as well */

    if (!depth_check(walk, (guint64)depth + walk->fresh->len, error))
        return false;
    for (guint i = walk->fresh->len; i > 0; i--)
        ((struct node *)walk->fresh->pdata[i - 1])->image.depth = ++depth;
    return true;
}

static struct node *
walk_run(struct walk *walk, GError **error)
{
    struct node *top = NULL;
    struct node *node;

    do {
        node = walk_reach(walk, error);
        if (!node || !depth_check(walk, walk->fresh->len, error))
            return NULL;
        if (walk->above)
            walk->above->image.backing = &node->image;
        else
            top = node;
        if (node->image.depth > 0)
            break;
        if (!walk_descend(walk, node, error))
            return NULL;
    } while (walk->path);
    return walk_finish(walk, node, error) ? top : NULL;
}

const struct image *
image_graph_walk(struct image_graph *graph, const char *path, const struct image_format *format,
                 GError **error)
{
    g_autoptr(GPtrArray) fresh = g_ptr_array_new();
    struct walk walk = {graph, fresh, NULL, g_strdup(path), format};
    struct node *top = walk_run(&walk, error);

    /* half a chain must not be found by a later walk */
    for (guint i = 0; !top && i < fresh->len; i++) {
        struct node *node = fresh->pdata[i];

        g_hash_table_remove(graph->nodes, &node->file);
    }
    g_free(walk.path);
    return top ? &top->image : NULL;
}

const struct image *
image_graph_find(const struct image_graph *graph, const char *path)
{
    struct image_file file = {0};
    struct node *node;

    if (!image_file_look(&file, path, NULL))
        return NULL;
    node = g_hash_table_lookup(graph->nodes, &file);
    return node ? &node->image : NULL;
}

GHashTable *
image_graph_missing(const struct image_graph *graph)
{
    return graph->missing;
}

GPtrArray *
image_graph_all(const struct image_graph *graph)
{
    GPtrArray *images = g_ptr_array_new();
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, graph->nodes);
    while (g_hash_table_iter_next(&iter, NULL, &value))
        g_ptr_array_add(images, &((struct node *)value)->image);
    return images;
}
