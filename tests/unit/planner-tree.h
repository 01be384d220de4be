/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "image/tags.h"
#include "load/tree.h"
#include "load/unheld.h"
#include "unit/planner.h"

/* What planners are given beyond active chains (STATE_TREE), built by hand. */

static inline void
planner_free_frozen(gpointer data)
{
    struct state_frozen *frozen = data;

    g_clear_error(&frozen->error);
    g_free(frozen);
}

static inline void
planner_free_tag(gpointer data)
{
    struct image_tag *tag = data;

    g_free(tag->id);
    g_free(tag->name);
    g_free(tag);
}

/* After planner_init(). */
static inline void
planner_init_tree(struct planner *planner)
{
    struct state *state = &planner->state;

    state->frozen = g_ptr_array_new_with_free_func(planner_free_frozen);
    state->tags = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    state->dependents = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_ptr_array_unref);
    state->searched = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    state->layers = g_hash_table_new(NULL, NULL);
    state->flattened = g_hash_table_new(NULL, NULL);
}

/* Before planner_clear(). */
static inline void
planner_clear_tree(struct planner *planner)
{
    state_clear_tree(&planner->state);
}

/* Store a shut-off snapshot with <disks>LISTED</disks> and the disks HELD in its <domain>. */
static inline void
planner_store_disks(struct planner *planner, const char *name, const char *parent,
                    const char *listed, const char *held)
{
    g_autofree char *disks = g_strdup_printf("<memory snapshot='no'/><disks>%s</disks>", listed);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    struct snapshot_def *parsed;
    struct snapshot_def *def;

    planner_store(planner, name, parent, "shutoff", false, held);
    def = (struct snapshot_def *)snapshot_tree_find(planner->state.snapshots->tree, name);
    text = unit_replace(def->document, "<memory snapshot='no'/>", disks);
    parsed = snapshot_def_parse(text, strlen(text), name, SNAPSHOT_DEF_STORED, &error);
    unit_assert_ok(parsed != NULL, error);
    for (guint i = 0; i < parsed->disks->len; i++)
        g_ptr_array_add(def->disks, snapshot_disk_copy(g_ptr_array_index(parsed->disks, i)));
    g_free(def->document);
    def->document = g_steal_pointer(&parsed->document);
    snapshot_def_free(parsed);
}

static inline struct image *
planner_find_image(struct planner *planner, const char *path)
{
    for (guint i = 0; path && i < planner->images->len; i++) {
        struct image *image = g_ptr_array_index(planner->images, i);

        if (strcmp(image->path, path) == 0)
            return image;
    }
    return NULL;
}

static inline void
planner_freeze(struct planner *planner, const struct snapshot_def *def,
               const struct snapshot_disk *disk)
{
    struct state_frozen *frozen = g_new0(struct state_frozen, 1);

    frozen->def = def;
    frozen->disk = disk;
    frozen->path = snapshot_def_frozen_path(def, disk->name);
    frozen->image = planner_find_image(planner, frozen->path);
    if (!frozen->image)
        g_set_error(&frozen->error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "image '%s' is missing", frozen->path ? frozen->path : "");
    g_ptr_array_add(planner->state.frozen, frozen);
}

/* Note where all stored snapshots keep their disks; after the last of them and of the images. */
static inline void
planner_freeze_all(struct planner *planner)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(planner->state.snapshots->tree);

    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        for (guint j = 0; j < def->disks->len; j++) {
            const struct snapshot_disk *disk = g_ptr_array_index(def->disks, j);

            if (disk->snapshot == SNAPSHOT_LOCATION_INTERNAL ||
                disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL)
                planner_freeze(planner, def, disk);
        }
    }
}

static inline void
planner_free_unheld(gpointer data)
{
    g_clear_error(&((struct state_unheld *)data)->error);
    g_free(data);
}

static inline void
planner_name_unheld(struct planner *planner, const struct snapshot_def *def,
                    const struct domain_def *domain)
{
    for (guint i = 0; domain && i < domain->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(domain->disks, i);
        const struct snapshot_disk *held = snapshot_def_find_disk(def, disk->target);
        struct state_unheld *unheld;

        if (!disk->source || (held && (held->snapshot == SNAPSHOT_LOCATION_INTERNAL ||
                                       held->snapshot == SNAPSHOT_LOCATION_EXTERNAL)))
            continue;
        unheld = g_new0(struct state_unheld, 1);
        unheld->def = def;
        unheld->domain = domain;
        unheld->disk = disk;
        unheld->image = planner_find_image(planner, disk->source);
        unheld->missing = !unheld->image;
        if (unheld->missing)
            g_set_error(&unheld->error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                        "image '%s' does not exist", disk->source);
        g_ptr_array_add(planner->state.unheld, unheld);
    }
}

/* Note what all stored snapshots name without holding it, as state_load_unheld() does; after the
 * last change to them. May be called again.
 */
static inline void
planner_load_unheld(struct planner *planner)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(planner->state.snapshots->tree);

    g_clear_pointer(&planner->state.unheld, g_ptr_array_unref);
    planner->state.unheld = g_ptr_array_new_with_free_func(planner_free_unheld);
    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        planner_name_unheld(planner, def, def->domain);
        planner_name_unheld(planner, def, def->inactive_domain);
    }
}

/* IMAGE holds an internal snapshot NAME. The tag is returned for what else is to be said of it. */
static inline struct image_tag *
planner_tag(struct planner *planner, struct image *image, const char *id, const char *name)
{
    struct image_tag *tag = g_new0(struct image_tag, 1);
    GPtrArray *tags = g_hash_table_lookup(planner->state.tags, image);

    if (!tags) {
        tags = g_ptr_array_new_with_free_func(planner_free_tag);
        g_hash_table_insert(planner->state.tags, image, tags);
    }
    tag->id = g_strdup(id);
    tag->name = g_strdup(name);
    g_ptr_array_add(tags, tag);
    image->header.snapshots = tags->len;
    return tag;
}

/* A file PATH outside of the graph stands on IMAGE. */
static inline void
planner_depend(struct planner *planner, struct image *image, const char *path)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);

    g_ptr_array_add(paths, g_strdup(path));
    g_hash_table_insert(planner->state.dependents, image, paths);
}
