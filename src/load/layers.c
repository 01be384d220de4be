/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/layers.h"

#include <inttypes.h>
#include <string.h>

#include "image/image-file.h"
#include "util/error.h"

#define LAYERS_HEADER "offshot layers 2\n"
/* of lists that do not say where they belong */
#define LAYERS_HEADER_OLD "offshot layers 1\n"
#define LAYERS_MAX (1024 * 1024)
/* the last word of a line of which the image is no layer */
#define FLATTENED "flattened"
/* the same, of which the image is not ours; and what stands for its format */
#define KEPT "kept"
#define KEPT_FORMAT "-"

struct layer {
    struct file_identity identity; /* inode and birth only */
    const struct image_format *format;
    char *path;
    bool flattened; /* it is no layer, but was ours before it was flattened */
    bool kept;      /* it is not ours; the format is not known */
};

static void
layer_free(gpointer data)
{
    struct layer *layer = data;

    g_free(layer->path);
    g_free(layer);
}

/* A number in its shortest form and nothing else. */
static bool
parse_number(const char *text, uint64_t max, uint64_t *number)
{
    return g_ascii_string_to_unsigned(text, 10, 0, max, number, NULL) &&
           (*text != '0' || text[1] == '\0');
}

/* NULL when LINE is no line of ours. */
static struct layer *
layer_parse(const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 5);
    struct layer *layer = g_new0(struct layer, 1);
    guint count = g_strv_length(words);
    uint64_t birth;

    layer->flattened = count == 5 && strcmp(words[4], FLATTENED) == 0;
    layer->kept = count == 5 && strcmp(words[4], KEPT) == 0 && strcmp(words[2], KEPT_FORMAT) == 0;
    if ((count == 4 || layer->flattened || layer->kept) &&
        parse_number(words[0], UINT64_MAX, &layer->identity.inode) && layer->identity.inode > 0 &&
        parse_number(words[1], INT64_MAX, &birth)) {
        layer->identity.birth = (int64_t)birth;
        layer->format = image_format_find_qemu(words[2]);
        layer->path = g_uri_unescape_string(words[3], NULL);
    }
    if ((layer->format || layer->kept) && layer->path && *layer->path == '/')
        return layer;
    layer_free(layer);
    return NULL;
}

/* The place that LINE, the second one of a list, names: inode and birth of the state directory, and
 * its path. False when it is no such line.
 */
static bool
place_parse(const char *line, struct file_identity *place, char **path)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    uint64_t birth;

    if (g_strv_length(words) != 3 || !parse_number(words[0], UINT64_MAX, &place->inode) ||
        !parse_number(words[1], INT64_MAX, &birth))
        return false;
    place->birth = (int64_t)birth;
    *path = g_uri_unescape_string(words[2], NULL);
    return *path && **path == '/';
}

static struct file_identity
find_place(const char *directory)
{
    struct file_identity place = {0};
    struct stat st;
    bool exists;

    if (file_stat(directory, true, &st, &exists, NULL)) {
        file_identity_set(&place, &st);
        file_identity_add_birth(&place, -1, directory);
    }
    return place;
}

/* Whether the list in the state directory DIRECTORY was written for that, and not copied there. */
static bool
belongs_here(const char *directory, const struct file_identity *said, const char *path)
{
    struct file_identity here = find_place(directory);

    if (said->inode != here.inode)
        return false;
    if (said->birth > 0 && here.birth > 0)
        return said->birth == here.birth;
    return strcmp(path, directory) == 0;
}

/* All layers of TEXT, the list in DIRECTORY, that are of its domain; NULL when it is damaged. */
static GPtrArray *
layers_parse(const char *directory, const char *text, size_t length)
{
    g_autoptr(GPtrArray) layers = g_ptr_array_new_with_free_func(layer_free);
    g_auto(GStrv) lines = NULL;
    struct file_identity place = {0};
    g_autofree char *path = NULL;
    bool placed = g_str_has_prefix(text, LAYERS_HEADER);

    if (strlen(text) != length || !(placed || g_str_has_prefix(text, LAYERS_HEADER_OLD)) ||
        text[length - 1] != '\n')
        return NULL;
    lines = g_strsplit(text, "\n", -1);
    if (placed && !place_parse(lines[1], &place, &path))
        return NULL;
    /* the last one is what follows the last line break: nothing */
    for (guint i = placed ? 2 : 1; lines[i] && lines[i + 1]; i++) {
        struct layer *layer = layer_parse(lines[i]);

        if (!layer)
            return NULL;
        g_ptr_array_add(layers, layer);
    }
    if (placed && !belongs_here(directory, &place, path))
        g_ptr_array_set_size(layers, 0);
    return g_steal_pointer(&layers);
}

static bool
is_layer(const struct image *image, const struct layer *layer)
{
    const struct file_identity *a = &image->identity;
    const struct file_identity *b = &layer->identity;

    if (image->block || a->inode != b->inode)
        return false;
    if (a->birth == 0 || b->birth == 0)
        return strcmp(image->path, layer->path) == 0;
    return a->birth == b->birth;
}

/* Images by inode; of several with one inode, on different file systems, any. */
static GHashTable *
index_images(const struct image_graph *graph)
{
    GHashTable *images = g_hash_table_new(g_int64_hash, g_int64_equal);
    g_autoptr(GPtrArray) all = image_graph_all(graph);

    for (guint i = 0; i < all->len; i++) {
        struct image *image = g_ptr_array_index(all, i);

        g_hash_table_insert(images, &image->identity.inode, image);
    }
    return images;
}

/* The image that lies where LAYER says, walked when the graph has not come to it. */
static const struct image *
image_at(struct state *state, const struct layer *layer)
{
    const struct image *image = image_graph_find(state->graph, layer->path);
    struct image_file file = {0};

    if (image || !image_file_look(&file, layer->path, NULL) || file.block ||
        file.identity.inode != layer->identity.inode)
        return image;
    return image_graph_walk(state->graph, layer->path, layer->format, NULL);
}

/* Whether FILE, found at the path of KEPT, is what was kept. Device nodes are made anew. */
static bool
is_kept(const struct image_file *file, const struct layer *kept)
{
    const struct file_identity *is = &file->identity;
    const struct file_identity *was = &kept->identity;

    return file->block || (is->inode == was->inode &&
                           (is->birth == 0 || was->birth == 0 || is->birth == was->birth));
}

static bool
is_there(const struct layer *kept)
{
    struct image_file file = {0};

    if (!image_file_look(&file, kept->path, NULL))
        return false;
    if (!file.symlink)
        file_identity_add_birth(&file.identity, -1, kept->path);
    return is_kept(&file, kept);
}

static void
note_layers(struct state *state, const GPtrArray *layers)
{
    g_autoptr(GHashTable) by_inode = index_images(state->graph);

    for (guint i = 0; i < layers->len; i++) {
        const struct layer *layer = g_ptr_array_index(layers, i);
        const struct image *image = NULL;

        if (layer->kept) {
            if (is_there(layer))
                state_add_kept(state, layer->path, &layer->identity)->listed = true;
            continue;
        }
        /* what was flattened matters only where something else leads to it */
        if (!layer->flattened)
            image = image_at(state, layer);
        /* it may have been reached by another name, or its directory renamed */
        if (!image || !is_layer(image, layer))
            image = g_hash_table_lookup(by_inode, &layer->identity.inode);
        if (image && is_layer(image, layer))
            g_hash_table_add(layer->flattened ? state->flattened : state->layers, (void *)image);
    }
}

/* The list at PATH, in the state directory DIRECTORY; empty when there is none. IDENTITY may be
 * NULL.
 */
static GPtrArray *
layers_read(const char *directory, const char *path, struct file_identity *identity, GError **error)
{
    g_autoptr(GError) local = NULL;
    size_t length;
    g_autofree char *text = file_read(path, LAYERS_MAX, &length, identity, &local);
    GPtrArray *layers;

    if (g_error_matches(local, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND))
        return g_ptr_array_new();
    if (!text && !g_error_matches(local, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return NULL;
    }
    layers = text ? layers_parse(directory, text, length) : NULL;
    if (!layers)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "the list of unnamed layers '%s' is damaged: restore it, or remove it, after "
                    "which the images that it told of stay until you remove them yourself",
                    path);
    return layers;
}

bool
state_load_layers(struct state *state, GError **error)
{
    g_autofree char *path = state_layers_path(state);
    g_autoptr(GPtrArray) layers =
        layers_read(state->location->state, path, &state->layers_identity, error);

    if (layers)
        note_layers(state, layers);
    return layers != NULL;
}

GPtrArray *
layers_find_kept(const char *directory, GError **error)
{
    g_autofree char *path = g_build_filename(directory, "layers", NULL);
    g_autoptr(GPtrArray) layers = layers_read(directory, path, NULL, error);
    GPtrArray *paths = layers ? g_ptr_array_new_with_free_func(g_free) : NULL;

    for (guint i = 0; layers && i < layers->len; i++) {
        const struct layer *layer = g_ptr_array_index(layers, i);

        if (layer->kept && is_there(layer))
            g_ptr_array_add(paths, g_strdup(layer->path));
    }
    return paths;
}

static void
format_line(GString *text, const struct file_identity *identity, const char *format,
            const char *path, const char *end)
{
    g_autofree char *escaped = g_uri_escape_string(path, "/", FALSE);

    g_string_append_printf(text, "%" PRIu64 " %" PRId64 " %s %s%s\n", identity->inode,
                           MAX(identity->birth, 0), format, escaped, end);
}

static void
format_images(GString *text, const GPtrArray *images, const char *end)
{
    for (guint i = 0; i < images->len; i++) {
        const struct image *image = g_ptr_array_index(images, i);

        format_line(text, &image->identity, image->format->qemu, image->path, end);
    }
}

static void
format_kept(GString *text, const struct state *state, const GPtrArray *kept)
{
    for (guint i = 0; i < kept->len; i++) {
        const struct image *image = g_ptr_array_index(kept, i);

        if (!state_is_kept(state, image->path, &image->identity))
            format_line(text, &image->identity, KEPT_FORMAT, image->path, " " KEPT);
    }
    for (guint i = 0; state->kept && i < state->kept->len; i++) {
        const struct state_kept *known = g_ptr_array_index(state->kept, i);

        format_line(text, &known->identity, KEPT_FORMAT, known->path, " " KEPT);
    }
}

char *
state_layers_format(const struct state *state, const GPtrArray *layers, const GPtrArray *flattened,
                    const GPtrArray *kept)
{
    struct file_identity place = find_place(state->location->state);
    g_autofree char *directory = g_uri_escape_string(state->location->state, "/", FALSE);
    GString *text = g_string_new(LAYERS_HEADER);

    g_string_append_printf(text, "%" PRIu64 " %" PRId64 " %s\n", place.inode, MAX(place.birth, 0),
                           directory);
    format_images(text, layers, "");
    format_images(text, flattened, " " FLATTENED);
    format_kept(text, state, kept);
    return g_string_free(text, FALSE);
}

char *
state_layers_path(const struct state *state)
{
    return g_build_filename(state->location->state, "layers", NULL);
}
