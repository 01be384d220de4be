/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "image/graph.h"

#include <string.h>
#include <sys/wait.h>

#include "image/image-file.h"
#include "image/qemu-img.h"
#include "util/child.h"
#include "util/error.h"

/* Enough for almost every header, so that a layer costs one read. */
#define FIRST_READ 4096

/* What qemu-img may use up on an image whose header nobody has checked. */
static const struct child_limits info_limits = {
    .cpu_seconds = 10,
    .wall_seconds = 30,
    .memory = UINT64_C(1) << 30,
};

/* An image and what identifies it. depth is 0 until all that lies below has been walked. */
struct node {
    struct image image;
    struct image_file file;
};

struct image_graph {
    GHashTable *nodes; /* struct image_file within a node -> struct node */
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
    return graph;
}

void
image_graph_free(struct image_graph *graph)
{
    if (!graph)
        return;
    g_hash_table_destroy(graph->nodes);
    g_free(graph);
}

/* Let `qemu-img info` say the size of an image whose format we cannot read. */
static bool
ask_qemu_img(struct image *image, GError **error)
{
    g_auto(GStrv) argv = qemu_img_info_argv(image->path, image->format->qemu);
    struct child child = {.argv = argv, .limits = info_limits};
    struct child *children[] = {&child};
    struct qemu_img_info info = {0};
    bool done = child_run(children, 1, 1, error) && child_check(&child, error) &&
                qemu_img_info_parse(&info, child.out->str, child.out->len, error);

    /* it ran and said no */
    if (!done && child.started && WIFEXITED(child.status) && WEXITSTATUS(child.status) == 1 &&
        error)
        (*error)->code = OFFSHOT_ERROR_INCONSISTENT;
    child_clear(&child);
    if (!done)
        return false;
    if (info.has_backing) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "has a backing image, which cannot be followed in format '%s'",
                    image->format->qemu);
        return false;
    }
    image->size = info.virtual_size;
    image->header.size = info.virtual_size;
    image->header.encrypted = info.encrypted;
    return true;
}

/* Read the header, and more of it only when its first bytes say so. */
static bool
header_read(struct image *image, int fd, const uint8_t *first, size_t length, GError **error)
{
    const char *format = image->format->qemu;
    uint64_t file_size = image->identity.size;
    g_autofree uint8_t *more = NULL;
    size_t wanted = image_header_wanted(format, first, length);
    ssize_t got;

    if (wanted > length && length == FIRST_READ) {
        more = g_malloc(wanted);
        got = image_file_read(fd, image->path, more, wanted, 0, error);
        if (got < 0)
            return false;
        first = more;
        length = (size_t)got;
    }
    if (!image_header_probe(&image->header, format, first, length, file_size, error)) {
        g_prefix_error(error, "image '%s': ", image->path);
        return false;
    }
    return true;
}

/* The format that a link leaves open: what the image looks like, unless that is as good as nothing.
 */
static const struct image_format *
format_guess(const struct walk *walk, const char *looks_like, GError **error)
{
    const struct image_format *format = image_format_find_qemu(looks_like);

    if (format && strcmp(format->qemu, "raw") != 0)
        return format;
    g_set_error(
        error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
        "image '%s' does not say the format of its backing image '%s', which looks like %s: "
        "convert the upper one to qcow2, or set the format with 'qemu-img rebase -u -F'",
        walk->above->image.path, walk->path, looks_like);
    return NULL;
}

static bool
content_read(const struct walk *walk, struct image *image, int fd, GError **error)
{
    uint8_t first[FIRST_READ];
    ssize_t length = image_file_read(fd, image->path, first, sizeof(first), 0, error);

    if (length < 0)
        return false;
    image->looks_like = image_header_guess(first, (size_t)length);
    if (!image->format)
        image->format = format_guess(walk, image->looks_like, error);
    if (!image->format || !header_read(image, fd, first, (size_t)length, error))
        return false;
    if (!image->format->probed && !ask_qemu_img(image, error)) {
        g_prefix_error(error, "image '%s': ", image->path);
        return false;
    }
    if (strcmp(image->format->qemu, "raw") == 0)
        image->header.size = (image->identity.size + 511) & ~UINT64_C(511); /* as QEMU counts */
    image->size = image->header.size;
    return image_header_check(&image->header, image->path, error);
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
        /* only what is active is ever renamed, and then found again by its birth */
        if (!walk->above && !image->block)
            file_identity_add_birth(&image->identity, fd, NULL);
        if (content_read(walk, image, fd, error)) {
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
    if (!format && !(format = format_guess(walk, node->image.looks_like, error)))
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
