/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/kept.h"

#include <stdlib.h>
#include <string.h>

/* Follow PATH, which OWNER names, and note it; READ_ONLY: nothing is made beside it. */
static void
follow(struct search *search, const char *path, const char *owner, bool read_only)
{
    const struct neighbour neighbour = {search, true, owner};
    struct image_file file = {0};
    bool there;

    if (!path || !g_path_is_absolute(path) || g_hash_table_contains(search->named, path))
        return;
    there = image_file_look(&file, path, NULL);
    g_hash_table_insert(search->named, g_strdup(path), there ? image_file_copy(&file) : NULL);
    if (there && g_hash_table_contains(search->images, &file))
        return;
    if (!read_only)
        search_look_beside(search, path);
    if (there)
        search_image(&neighbour, path, &file, NULL);
}

static void
follow_domain(struct search *search, const struct domain_def *domain, const char *owner)
{
    for (guint i = 0; domain && i < domain->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(domain->disks, i);

        if (disk->type == DISK_TYPE_FILE || disk->type == DISK_TYPE_BLOCK)
            follow(search, disk->source, owner, disk->readonly || disk->type == DISK_TYPE_BLOCK);
    }
}

static void
follow_overlays(struct search *search, const GPtrArray *disks, const char *owner)
{
    for (guint i = 0; i < disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(disks, i);

        follow(search, disk->source, owner, disk->type == DISK_TYPE_BLOCK);
    }
}

void
search_kept(struct search *search)
{
    struct state *state = search->state;
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);

    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);
        g_autofree char *owner = g_strdup_printf("snapshot '%s'", def->name);

        follow_domain(search, def->domain, owner);
        follow_domain(search, def->inactive_domain, owner);
        follow_overlays(search, def->disks, owner);
        follow_overlays(search, def->revert_disks, owner);
    }
    for (guint i = 0; state->kept && i < state->kept->len; i++)
        follow(search, ((const struct state_kept *)g_ptr_array_index(state->kept, i))->path,
               "an earlier operation", true);
}

/* Collect in AWAY what stands on BELOW, which lies at PATH, and on that; IS_AWAY: some link so far
 * leads from one directory to another.
 */
static void
collect_away(const struct search *search, const struct image_file *below, const char *path,
             bool is_away, GHashTable *away)
{
    const GPtrArray *found = outside_find(search->outside, below);
    g_autofree char *directory = g_path_get_dirname(path);

    for (guint i = 0; found && i < found->len; i++) {
        const struct dependent *dependent = g_ptr_array_index(found, i);
        g_autofree char *other = g_path_get_dirname(dependent->text);
        bool leaves = is_away || strcmp(directory, other) != 0;

        if (dependent->file.identity.inode == 0 || g_hash_table_contains(away, &dependent->file))
            continue;
        if (leaves)
            g_hash_table_add(away, (gpointer)&dependent->file);
        collect_away(search, &dependent->file, dependent->text, leaves, away);
    }
}

void
search_note_kept(struct search *search)
{
    g_autoptr(GHashTable) away = g_hash_table_new(image_file_hash, image_file_equal);
    GHashTableIter iter;
    gpointer key;
    gpointer value;

    g_hash_table_iter_init(&iter, search->images);
    while (g_hash_table_iter_next(&iter, &key, &value))
        collect_away(search, key, ((const struct image *)value)->path, false, away);
    g_hash_table_iter_init(&iter, search->named);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        struct image_file *file = value;

        if (!file || !g_hash_table_contains(away, file))
            continue;
        if (!file->symlink)
            file_identity_add_birth(&file->identity, -1, key);
        state_add_kept(search->state, key, &file->identity);
    }
}
