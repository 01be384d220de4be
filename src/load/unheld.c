/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/unheld.h"

#include <string.h>

#include "load/dependents.h"

static void
unheld_free(gpointer data)
{
    struct state_unheld *unheld = data;

    g_clear_error(&unheld->error);
    g_free(unheld);
}

static bool
is_file(const struct domain_disk *disk)
{
    return disk->source && (disk->type == DISK_TYPE_FILE || disk->type == DISK_TYPE_BLOCK);
}

static bool
is_held(const struct snapshot_def *def, const char *target)
{
    const struct snapshot_disk *disk = snapshot_def_find_disk(def, target);

    return disk && (disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL ||
                    disk->snapshot == SNAPSHOT_LOCATION_INTERNAL);
}

static void
add_domain(struct state *state, const struct snapshot_def *def, const struct domain_def *domain)
{
    for (guint i = 0; domain && i < domain->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(domain->disks, i);
        struct state_unheld *unheld;

        if (!is_file(disk) || is_held(def, disk->target))
            continue;
        unheld = g_new0(struct state_unheld, 1);
        unheld->def = def;
        unheld->domain = domain;
        unheld->disk = disk;
        g_ptr_array_add(state->unheld, unheld);
    }
}

bool
state_unheld_returns(const struct state *state, const struct domain_disk *def)
{
    for (guint i = 0; !def->readonly && i < state->domain->disks->len; i++) {
        const struct domain_disk *now = g_ptr_array_index(state->domain->disks, i);

        if (strcmp(now->target, def->target) == 0)
            return !is_file(now);
    }
    return true;
}

/* Walk what comes back with TARGET. Returns whether the graph has grown. */
static bool
walk_returning(struct state *state, const struct snapshot_def *target)
{
    const struct domain_def *domain =
        target->inactive_domain ? target->inactive_domain : target->domain;
    g_autoptr(GPtrArray) before = image_graph_all(state->graph);
    g_autoptr(GPtrArray) after = NULL;

    for (guint i = 0; i < state->unheld->len; i++) {
        struct state_unheld *unheld = g_ptr_array_index(state->unheld, i);

        if (unheld->domain == domain && !unheld->disk->readonly &&
            state_unheld_returns(state, unheld->disk))
            unheld->image = state_walk(state, unheld->disk, &unheld->error);
    }
    after = image_graph_all(state->graph);
    return after->len > before->len;
}

/* What could not be read before may be one of the new images, in another format. */
static void
identify_again(const struct state *state)
{
    for (guint i = 0; i < state->frozen->len; i++) {
        struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->error && !frozen->image && frozen->path && g_path_is_absolute(frozen->path))
            frozen->image = image_graph_find(state->graph, frozen->path);
    }
    for (guint i = 0; i < state->disks->len; i++) {
        struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (disk->error && !disk->image)
            disk->image = state_identify(state, disk->def, &disk->missing);
    }
}

static void
identify_unheld(const struct state *state)
{
    for (guint i = 0; i < state->unheld->len; i++) {
        struct state_unheld *unheld = g_ptr_array_index(state->unheld, i);

        if (!unheld->image)
            unheld->image = state_identify(state, unheld->disk, &unheld->missing);
    }
}

bool
state_load_unheld(struct state *state, const struct snapshot_def *target, GError **error)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);

    state->unheld = g_ptr_array_new_with_free_func(unheld_free);
    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        add_domain(state, def, def->domain);
        add_domain(state, def, def->inactive_domain);
    }
    if (walk_returning(state, target)) {
        g_hash_table_remove_all(state->dependents);
        if (!state_load_dependents(state, error))
            return false;
        identify_again(state);
    }
    identify_unheld(state);
    return true;
}

const struct state_unheld *
state_find_unheld(const struct state *state, const struct image *image, const char *target)
{
    for (guint i = 0; state->unheld && i < state->unheld->len; i++) {
        const struct state_unheld *unheld = g_ptr_array_index(state->unheld, i);

        if (unheld->image == image && strcmp(unheld->disk->target, target) != 0)
            return unheld;
    }
    return NULL;
}
