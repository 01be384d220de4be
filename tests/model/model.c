/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "model/model.h"

static void
snapshot_free(struct model_snapshot *snapshot)
{
    g_free(snapshot->name);
    g_free(snapshot->parent);
    g_free(snapshot->title);
    for (guint i = 0; i < DISKS_MAX; i++)
        g_clear_pointer(&snapshot->held[i].content, g_byte_array_unref);
    g_free(snapshot);
}

static void
image_free(struct model_image *image)
{
    g_free(image->path);
    g_byte_array_unref(image->content);
    g_free(image);
}

struct model *
model_new(void)
{
    struct model *model = g_new0(struct model, 1);

    model->snapshots = g_ptr_array_new_with_free_func((GDestroyNotify)snapshot_free);
    model->foreign = g_ptr_array_new_with_free_func((GDestroyNotify)image_free);
    model->title = g_strdup("as made");
    model->all_kept = true;
    return model;
}

void
model_free(struct model *model)
{
    g_ptr_array_unref(model->snapshots);
    g_ptr_array_unref(model->foreign);
    g_free(model->current);
    g_free(model->title);
    for (guint i = 0; i < model->disk_count; i++) {
        g_free(model->disks[i].target);
        g_free(model->disks[i].original);
        g_byte_array_unref(model->disks[i].content);
    }
    g_free(model);
}

GByteArray *
content_copy(const GByteArray *content)
{
    GByteArray *copy = g_byte_array_sized_new(content->len);

    return g_byte_array_append(copy, content->data, content->len);
}

struct model_snapshot *
model_find(const struct model *model, const char *name)
{
    for (guint i = 0; name && i < model->snapshots->len; i++) {
        struct model_snapshot *snapshot = g_ptr_array_index(model->snapshots, i);

        if (g_str_equal(snapshot->name, name))
            return snapshot;
    }
    return NULL;
}

bool
model_is_below(const struct model *model, const struct model_snapshot *snapshot, const char *root)
{
    while (snapshot && !g_str_equal(snapshot->name, root))
        snapshot = model_find(model, snapshot->parent);
    return snapshot;
}

bool
model_has_children(const struct model *model, const char *name)
{
    for (guint i = 0; i < model->snapshots->len; i++) {
        const struct model_snapshot *snapshot = g_ptr_array_index(model->snapshots, i);

        if (g_strcmp0(snapshot->parent, name) == 0)
            return true;
    }
    return false;
}

void
model_create(struct model *model, const char *name, const enum held_kind *kinds)
{
    struct model_snapshot *snapshot = g_new0(struct model_snapshot, 1);

    snapshot->name = g_strdup(name);
    snapshot->parent = g_steal_pointer(&model->current);
    snapshot->title = g_strdup(model->title);
    for (guint i = 0; i < model->disk_count; i++) {
        snapshot->held[i].kind = kinds[i];
        if (kinds[i] != HELD_NO)
            snapshot->held[i].content = content_copy(model->disks[i].content);
    }
    g_ptr_array_add(model->snapshots, snapshot);
    model->current = g_strdup(name);
}

void
model_revert(struct model *model, const char *name)
{
    const struct model_snapshot *snapshot = model_find(model, name);

    for (guint i = 0; i < model->disk_count; i++) {
        if (snapshot->held[i].kind == HELD_NO)
            continue;
        g_byte_array_unref(model->disks[i].content);
        model->disks[i].content = content_copy(snapshot->held[i].content);
    }
    g_free(model->title);
    model->title = g_strdup(snapshot->title);
    g_free(model->current);
    model->current = g_strdup(name);
}

/* The nearest of SNAPSHOT and its ancestors that is not in GONE; NULL: none. */
static const char *
nearest_left(const struct model *model, const char *name, GHashTable *gone)
{
    while (name && g_hash_table_contains(gone, name))
        name = model_find(model, name)->parent;
    return name;
}

void
model_delete(struct model *model, const char *name, bool self, bool descendants)
{
    g_autoptr(GHashTable) gone = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autofree char *old = g_steal_pointer(&model->current);

    for (guint i = 0; i < model->snapshots->len; i++) {
        const struct model_snapshot *snapshot = g_ptr_array_index(model->snapshots, i);
        bool is_root = g_str_equal(snapshot->name, name);

        if (is_root ? self : descendants && model_is_below(model, snapshot, name))
            g_hash_table_add(gone, g_strdup(snapshot->name));
    }
    model->current = g_strdup(nearest_left(model, old, gone));
    for (guint i = 0; i < model->snapshots->len; i++) {
        struct model_snapshot *snapshot = g_ptr_array_index(model->snapshots, i);
        g_autofree char *parent = snapshot->parent;

        /* Only those that stay: an ancestor that goes must still lead to its own. */
        snapshot->parent = g_hash_table_contains(gone, snapshot->name)
                               ? g_steal_pointer(&parent)
                               : g_strdup(nearest_left(model, parent, gone));
    }
    for (guint i = model->snapshots->len; i-- > 0;) {
        const struct model_snapshot *snapshot = g_ptr_array_index(model->snapshots, i);

        if (g_hash_table_contains(gone, snapshot->name))
            g_ptr_array_remove_index(model->snapshots, i);
    }
}

void
model_add_foreign(struct model *model, const char *path, GByteArray *content)
{
    struct model_image *image = g_new0(struct model_image, 1);

    image->path = g_strdup(path);
    image->content = content;
    g_ptr_array_add(model->foreign, image);
}
