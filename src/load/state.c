/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/state.h"

#include <stdlib.h>
#include <string.h>

#include "load/original.h"
#include "load/tree.h"
#include "util/error.h"

#define DOMAIN_XML_MAX (1024 * 1024)

/* libvirt loads a file that is called otherwise than its domain, but goes by the name inside: it
 * keeps the snapshots under that name, and writes a second file when the domain changes.
 */
static bool
check_file_name(const struct domain_location *location, const char *name, GError **error)
{
    g_autofree char *file = g_path_get_basename(location->xml);
    g_autofree char *expected = g_strconcat(name, ".xml", NULL);

    if (!location->uri || strcmp(file, expected) == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                "'%s' holds domain '%s', the name that libvirt goes by: call the file '%s'",
                location->xml, name, expected);
    return false;
}

static bool
load_domain(struct state *state, struct domain_location *location, GError **error)
{
    g_autofree char *text = NULL;
    struct stat st;
    bool exists;
    size_t length;

    if (file_stat(location->xml, false, &st, &exists, NULL)) {
        state->domain_is_symlink = S_ISLNK(st.st_mode);
        state->domain_links = st.st_nlink;
    }
    text = file_read(location->xml, DOMAIN_XML_MAX, &length, &state->domain_identity, error);
    state->domain = text ? domain_def_parse(text, length, location->xml, error) : NULL;
    if (!state->domain)
        return false;
    if (!check_file_name(location, state->domain->name, error))
        return false;
    domain_location_set_name(location, state->domain->name, state->domain->uuid);
    return true;
}

const struct image *
state_walk(struct state *state, const struct domain_disk *disk, GError **error)
{
    const struct image_format *format = image_format_find_libvirt(disk->format);

    if (!format)
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "an overlay cannot stand on format '%s'", disk->format);
    else if (!g_path_is_absolute(disk->source))
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_USAGE,
                    "the source '%s' is not an absolute path", disk->source);
    else
        return image_graph_walk(state->graph, disk->source, format, error);
    return NULL;
}

static bool
is_file(const struct domain_disk *disk)
{
    return disk->source && (disk->type == DISK_TYPE_FILE || disk->type == DISK_TYPE_BLOCK);
}

/* Whether <backingStore> names the chain that IMAGE, the active one, has by itself: libvirt writes
 * it into the XML of a domain of which a snapshot is taken while it runs.
 */
static bool
names_chain(const struct state *state, const struct domain_disk *def, const struct image *image)
{
    const struct image *below = image ? image->backing : NULL;

    for (guint i = 0; i < def->layers->len; i++) {
        const struct domain_layer *layer = g_ptr_array_index(def->layers, i);

        if (!below || !layer->source || image_graph_find(state->graph, layer->source) != below ||
            g_strcmp0(layer->format, below->format->libvirt) != 0)
            return false;
        below = below->backing;
    }
    return !def->layers_end || !below;
}

/* A fault stays with the disk. */
static void
load_disk(struct state *state, struct state_disk *disk)
{
    const struct domain_disk *def = disk->def;

    if (state->graph && is_file(def))
        disk->image = state_walk(state, def, &disk->error);
    if (state->graph && def->layers)
        disk->overruled = !names_chain(state, def, disk->image);
}

static void
load_disks(struct state *state)
{
    for (guint i = 0; i < state->domain->disks->len; i++) {
        struct state_disk disk = {.def = g_ptr_array_index(state->domain->disks, i)};

        load_disk(state, &disk);
        g_array_append_val(state->disks, disk);
    }
}

const struct image *
state_identify(const struct state *state, const struct domain_disk *disk, bool *missing)
{
    g_autoptr(GError) error = NULL;
    struct stat st;
    bool exists;

    *missing = false;
    if (!state->graph || !is_file(disk) || !g_path_is_absolute(disk->source))
        return NULL;
    *missing = !file_stat(disk->source, false, &st, &exists, &error) && !error;
    return *missing ? NULL : image_graph_find(state->graph, disk->source);
}

static void
identify_disks(struct state *state)
{
    for (guint i = 0; i < state->disks->len; i++) {
        struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (disk->error)
            disk->image = state_identify(state, disk->def, &disk->missing);
    }
}

static GPtrArray *
missing_directories(const char *path)
{
    GPtrArray *missing = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *at = g_strdup(path);

    while (!g_file_test(at, G_FILE_TEST_EXISTS)) {
        char *parent = g_path_get_dirname(at);

        g_ptr_array_insert(missing, 0, at);
        at = parent;
    }
    return missing;
}

struct state *
state_load(struct domain_location *location, enum state_parts parts, GError **error)
{
    scoped(state) state = g_new0(struct state, 1);

    state->location = location;
    state->disks = g_array_new(FALSE, TRUE, sizeof(struct state_disk));
    state->overlays = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    state->targets = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    state->aliases = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    state->directories = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    state->token = file_random_token();
    state->loaded = g_get_real_time() * 1000;
    state->now = state->loaded / 1000 / G_USEC_PER_SEC;
    state->missing = missing_directories(location->store);
    if (!load_domain(state, location, error))
        return NULL;
    state->snapshots = snapshot_store_load(location->store, error);
    if (!state->snapshots)
        return NULL;
    snapshot_store_check_domain(state->snapshots, state->domain);
    if (parts != STATE_METADATA)
        state->graph = image_graph_new();
    load_disks(state);
    if (state->graph && !state_check_original(state, error))
        return NULL;
    if (parts == STATE_TREE && !state_load_tree(state, error))
        return NULL;
    identify_disks(state);
    return g_steal_pointer(&state);
}

void
state_free(struct state *state)
{
    if (!state)
        return;
    state_clear_tree(state);
    g_clear_pointer(&state->neighbours, g_ptr_array_unref);
    g_clear_pointer(&state->writers, g_hash_table_unref);
    g_hash_table_unref(state->overlays);
    g_hash_table_unref(state->directories);
    g_hash_table_unref(state->aliases);
    g_hash_table_unref(state->targets);
    for (guint i = 0; i < state->disks->len; i++)
        g_clear_error(&g_array_index(state->disks, struct state_disk, i).error);
    g_array_unref(state->disks);
    image_graph_free(state->graph);
    snapshot_store_free(state->snapshots);
    g_ptr_array_unref(state->missing);
    domain_def_free(state->domain);
    g_free(state->token);
    g_free(state);
}

const struct state_disk *
state_get_disk(const struct state *state, const char *target)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (strcmp(disk->def->target, target) == 0)
            return disk;
    }
    g_assert_not_reached();
}
