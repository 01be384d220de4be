/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "load/unheld.h"

#include <string.h>

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

        if (!disk->source || (disk->type != DISK_TYPE_FILE && disk->type != DISK_TYPE_BLOCK) ||
            is_held(def, disk->target))
            continue;
        unheld = g_new0(struct state_unheld, 1);
        unheld->def = def;
        unheld->domain = domain;
        unheld->disk = disk;
        g_ptr_array_add(state->unheld, unheld);
    }
}

static void
identify_all(const struct state *state)
{
    for (guint i = 0; i < state->unheld->len; i++) {
        struct state_unheld *unheld = g_ptr_array_index(state->unheld, i);
        bool missing;

        unheld->image = state_identify(state, unheld->disk, &missing);
    }
}

void
state_load_unheld(struct state *state)
{
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);

    state->unheld = g_ptr_array_new_with_free_func(g_free);
    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        add_domain(state, def, def->domain);
        add_domain(state, def, def->inactive_domain);
    }
    identify_all(state);
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
