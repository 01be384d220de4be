/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/tree.h"

#include <string.h>

#include "image/tags.h"
#include "load/dependents.h"
#include "load/frozen-record.h"
#include "load/layers.h"
#include "load/memory.h"
#include "util/error.h"
#include "util/scope.h"

static void
frozen_clear(gpointer data)
{
    struct state_frozen *frozen = data;

    g_clear_error(&frozen->error);
    g_free(frozen);
}

/* The disk of the snapshot's <domain>; NULL: it names no path for it. */
static const struct domain_disk *
find_source(const struct snapshot_def *def, const char *target)
{
    for (guint i = 0; def->domain && i < def->domain->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(def->domain->disks, i);

        if (strcmp(disk->target, target) == 0)
            return disk->source ? disk : NULL;
    }
    return NULL;
}

static void
load_image(struct state *state, struct state_frozen *frozen)
{
    const struct domain_disk *source = find_source(frozen->def, frozen->disk->name);

    if (!source) {
        g_set_error(&frozen->error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "snapshot '%s' does not say where disk '%s' is", frozen->def->name,
                    frozen->disk->name);
        return;
    }
    frozen->path = source->source;
    if (source->type == DISK_TYPE_FILE || source->type == DISK_TYPE_BLOCK)
        frozen->image = state_walk(state, source, &frozen->error);
    else
        g_set_error(&frozen->error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "'%s' is neither a file nor a block device", source->source);
}

static void
load_snapshot(struct state *state, const struct snapshot_def *def)
{
    for (guint i = 0; i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);
        struct state_frozen *frozen;

        if (disk->snapshot != SNAPSHOT_LOCATION_EXTERNAL &&
            disk->snapshot != SNAPSHOT_LOCATION_INTERNAL)
            continue;
        frozen = g_new0(struct state_frozen, 1);
        frozen->def = def;
        frozen->disk = disk;
        load_image(state, frozen);
        g_ptr_array_add(state->frozen, frozen);
    }
}

/* Parents come first: what stands on an image that is known is read no further, and where a chain
 * is too long its lower part is known nevertheless.
 */
static void
load_frozen(struct state *state)
{
    g_autoptr(GPtrArray) all = snapshot_tree_descendants(state->snapshots->tree, NULL);

    state->frozen = g_ptr_array_new_with_free_func(frozen_clear);
    for (guint i = 0; i < all->len; i++)
        load_snapshot(state, g_ptr_array_index(all, i));
}

/* libvirt was writing into IMAGE, the overlay of disk TARGET that DEF made. */
static void
mark_overwritten(const struct state *state, const struct snapshot_def *def, const char *target,
                 const struct image *image)
{
    for (guint i = 0; i < state->frozen->len; i++) {
        struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->image != image || strcmp(frozen->disk->name, target) != 0 ||
            frozen->disk->snapshot != SNAPSHOT_LOCATION_EXTERNAL)
            continue;
        frozen->overwriter = def;
        g_clear_error(&frozen->error);
        g_set_error(&frozen->error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "libvirt was interrupted while it merged another image into '%s' "
                    "(<snapshotDeleteInProgress/> in snapshot '%s'): finish that with "
                    "`virsh snapshot-delete %s %s`",
                    image->path, def->name, state->domain->name, frozen->def->name);
    }
}

/* A state that libvirt has begun to overwrite is lost, and it alone can tell how far it came. */
static void
find_overwritten(const struct state *state)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);

    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        for (guint j = 0; j < def->disks->len; j++) {
            const struct snapshot_disk *disk = g_ptr_array_index(def->disks, j);
            const struct image *image = disk->overwritten && disk->source
                                            ? image_graph_find(state->graph, disk->source)
                                            : NULL;

            if (image)
                mark_overwritten(state, def, disk->name, image);
        }
    }
}

/* What has been walked since may be what an earlier one names. */
static void
identify_frozen(struct state *state)
{
    for (guint i = 0; i < state->frozen->len; i++) {
        struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);
        const struct domain_disk *source = find_source(frozen->def, frozen->disk->name);

        if (frozen->error && source)
            frozen->image = state_identify(state, source, &frozen->missing);
    }
}

static bool
load_tags(struct state *state, const struct image *image, GError **error)
{
    scoped_fd fd = -1;
    GPtrArray *tags;

    if (strcmp(image->format->qemu, "qcow2") != 0 || image->header.snapshots == 0)
        return true;
    fd = image_open(image, error);
    tags = fd >= 0 ? image_tags_read(fd, image->path, error) : NULL;
    if (!tags)
        return false;
    g_hash_table_insert(state->tags, (gpointer)image, tags);
    return true;
}

static GHashTable *
tags_new(void)
{
    return g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
}

bool
state_load_tags(struct state *state, GError **error)
{
    state->tags = tags_new();
    for (guint i = 0; i < state->disks->len; i++) {
        const struct image *image = g_array_index(state->disks, struct state_disk, i).image;

        if (image && !load_tags(state, image, error))
            return false;
    }
    return true;
}

static bool
load_all_tags(struct state *state, GError **error)
{
    g_autoptr(GPtrArray) all = image_graph_all(state->graph);

    state->tags = tags_new();
    for (guint i = 0; i < all->len; i++) {
        if (!load_tags(state, g_ptr_array_index(all, i), error))
            return false;
    }
    return true;
}

bool
state_load_tree(struct state *state, GError **error)
{
    state->dependents = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    state->searched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    state->layers = g_hash_table_new(NULL, NULL);
    state->flattened = g_hash_table_new(NULL, NULL);
    load_frozen(state);
    if (!state_load_layers(state, error) || !load_all_tags(state, error))
        return false;
    identify_frozen(state);
    find_overwritten(state);
    state_check_records(state);
    if (!state_load_dependents(state, error))
        return false;
    state_load_memory(state);
    return true;
}

void
state_clear_tree(struct state *state)
{
    g_clear_pointer(&state->frozen, g_ptr_array_unref);
    g_clear_pointer(&state->tags, g_hash_table_unref);
    g_clear_pointer(&state->dependents, g_hash_table_unref);
    g_clear_pointer(&state->searched, g_hash_table_unref);
    g_clear_pointer(&state->layers, g_hash_table_unref);
    g_clear_pointer(&state->flattened, g_hash_table_unref);
    g_clear_pointer(&state->claims, g_hash_table_unref);
    g_clear_pointer(&state->kept, g_ptr_array_unref);
    g_clear_pointer(&state->memory, g_ptr_array_unref);
    g_clear_pointer(&state->unheld, g_ptr_array_unref);
}

const struct state_frozen *
state_find_frozen(const struct state *state, const char *snapshot, const char *target)
{
    for (guint i = 0; state->frozen && i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (strcmp(frozen->def->name, snapshot) == 0 && strcmp(frozen->disk->name, target) == 0)
            return frozen;
    }
    return NULL;
}

const GPtrArray *
state_get_tags(const struct state *state, const struct image *image)
{
    static GPtrArray *none;
    const GPtrArray *tags = state->tags ? g_hash_table_lookup(state->tags, image) : NULL;

    if (!tags && !none)
        none = g_ptr_array_new();
    return tags ? tags : none;
}

const GPtrArray *
state_find_dependents(const struct state *state, const struct image *image)
{
    return state->dependents ? g_hash_table_lookup(state->dependents, image) : NULL;
}

const char *
state_find_claim(const struct state *state, const struct image *image, const char *tag)
{
    GHashTable *tags = state->claims ? g_hash_table_lookup(state->claims, image) : NULL;

    return tags ? g_hash_table_lookup(tags, tag) : NULL;
}

void
state_add_claim(struct state *state, const struct image *image, const char *tag, const char *owner)
{
    GHashTable *tags;

    if (!state->claims)
        state->claims = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_hash_table_unref);
    tags = g_hash_table_lookup(state->claims, image);
    if (!tags) {
        tags = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
        g_hash_table_insert(state->claims, (gpointer)image, tags);
    }
    g_hash_table_insert(tags, g_strdup(tag), g_strdup(owner));
}

bool
state_is_layer(const struct state *state, const struct image *image)
{
    return state->layers && g_hash_table_contains(state->layers, image);
}

bool
state_was_flattened(const struct state *state, const struct image *image)
{
    return state->flattened && g_hash_table_contains(state->flattened, image);
}

static void
kept_free(gpointer data)
{
    struct state_kept *kept = data;

    g_free(kept->path);
    g_free(kept);
}

static struct state_kept *
find_kept(const struct state *state, const char *path, const struct file_identity *identity)
{
    for (guint i = 0; state->kept && i < state->kept->len; i++) {
        struct state_kept *kept = g_ptr_array_index(state->kept, i);

        if (kept->identity.inode == identity->inode && strcmp(kept->path, path) == 0)
            return kept;
    }
    return NULL;
}

struct state_kept *
state_add_kept(struct state *state, const char *path, const struct file_identity *identity)
{
    struct state_kept *kept = find_kept(state, path, identity);

    if (kept)
        return kept;
    if (!state->kept)
        state->kept = g_ptr_array_new_with_free_func(kept_free);
    kept = g_new0(struct state_kept, 1);
    kept->path = g_strdup(path);
    kept->identity = *identity;
    g_ptr_array_add(state->kept, kept);
    return kept;
}

bool
state_is_kept(const struct state *state, const char *path, const struct file_identity *identity)
{
    return find_kept(state, path, identity) != NULL;
}
