/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "conf/snapshot-align.h"
#include "conf/snapshot-facts.h"
#include "ops/adopt-parts.h"
#include "ops/create.h"
#include "ops/record.h"
#include "ops/usage.h"
#include "util/error.h"

static const char *
name_of(const struct state *state, const struct image *image)
{
    g_autoptr(GPtrArray) names = usage_names(state, image);

    return g_ptr_array_index(names, 0);
}

static enum disk_type
type_of(const struct state_disk *disk, const struct image *image)
{
    if (disk->image == image)
        return disk->def->type;
    return image->block ? DISK_TYPE_BLOCK : DISK_TYPE_FILE;
}

static struct snapshot_disk *
describe_disk(const struct state *state, const struct state_disk *disk,
              const struct adopt_place *place)
{
    struct snapshot_disk *described = snapshot_disk_new(disk->def->target);

    described->snapshot = SNAPSHOT_LOCATION_NO;
    if (place && place->tag) {
        described->snapshot = SNAPSHOT_LOCATION_INTERNAL;
    } else if (place) {
        described->snapshot = SNAPSHOT_LOCATION_EXTERNAL;
        described->type = type_of(disk, place->overlay);
        described->format = g_strdup(place->overlay->format->libvirt);
        described->source = g_strdup(name_of(state, place->overlay));
        described->has_source = true;
    }
    return described;
}

/* Whether the active image of each disk would have passed its name on to what POINT froze. */
static bool
keeps_names(const struct state *state, const struct adopt_point *point)
{
    for (guint i = 0; i < point->places->len; i++) {
        const struct adopt_place *place = &g_array_index(point->places, struct adopt_place, i);
        const struct image *active = state_get_disk(state, place->target)->image;
        g_autofree char *name = snapshot_frozen_name(active->path, point->name);

        if (place->tag || strcmp(name, place->image->path) != 0)
            return false;
    }
    return true;
}

/* The definition as it is now, its disks being where POINT has them. */
static bool
embed_domain(struct snapshot_def *def, const struct state *state, const struct adopt_point *point,
             GError **error)
{
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(struct domain_disk_change));
    g_autoptr(GArray) facts = g_array_new(FALSE, FALSE, sizeof(struct frozen_image));
    unsigned flags = SNAPSHOT_FACTS_ADOPTED;

    for (guint i = 0; i < point->places->len; i++) {
        const struct adopt_place *place = &g_array_index(point->places, struct adopt_place, i);
        const struct domain_disk_change change = {
            .target = place->target,
            .type = type_of(state_get_disk(state, place->target), place->image),
            .source = name_of(state, place->image),
            .format = place->image->format->libvirt,
        };
        const struct frozen_image fact = {place->target, place->image->identity};

        g_array_append_val(changes, change);
        if (!place->tag)
            g_array_append_val(facts, fact);
    }
    if (keeps_names(state, point))
        flags |= SNAPSHOT_FACTS_KEEP_FILENAME;
    return create_embed_domain(def, state, changes, facts, flags, error);
}

static struct snapshot_def *
describe(const struct state *state, const struct adopt_point *point, GError **error)
{
    scoped(snapshot_def) def = snapshot_def_new();

    def->name = g_strdup(point->name);
    def->state = g_strdup("shutoff");
    def->parent = point->after ? g_strdup(point->after->name) : NULL;
    def->creation_time = point->time;
    def->memory = SNAPSHOT_LOCATION_NO;
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        g_ptr_array_add(def->disks,
                        describe_disk(state, disk, adopt_find_place(point, disk->def->target)));
    }
    if (!embed_domain(def, state, point, error)) {
        g_prefix_error(error, "snapshot '%s': ", point->name);
        return NULL;
    }
    return g_steal_pointer(&def);
}

/* Whether a stored snapshot of a disk as it is now came after POINT. */
static bool
is_followed(const struct adopt *adopt, const struct adopt_point *point)
{
    for (guint i = 0; i < adopt->stored->len; i++) {
        if (adopt_is_older(adopt->state, point, g_ptr_array_index(adopt->stored, i)))
            return true;
    }
    return false;
}

bool
adopt_describe(struct adopt *adopt, GError **error)
{
    GPtrArray *snapshots = adopt->adoption->snapshots;
    bool has_current = snapshot_tree_current(adopt->state->snapshots->tree) != NULL;

    for (guint i = 0; i < adopt->found->len; i++) {
        const struct adopt_point *point = g_ptr_array_index(adopt->found, i);
        struct snapshot_def *def = describe(adopt->state, point, error);

        if (!def)
            return false;
        def->active = !has_current && i + 1 == adopt->found->len && !is_followed(adopt, point);
        g_ptr_array_add(snapshots, def);
    }
    return true;
}

/* What is described must not change meanwhile. */
static void
check_images(struct plan *plan, const struct state *state, const struct snapshot_def *def)
{
    for (guint i = 0; i < def->disks->len; i++) {
        const struct snapshot_disk *disk = g_ptr_array_index(def->disks, i);
        const struct image *image = state_get_disk(state, disk->name)->image;

        for (; disk->snapshot != SNAPSHOT_LOCATION_NO && image; image = image->backing)
            plan_check_unwritten(plan, image->path, &image->identity);
    }
}

struct plan *
adopt_plan(const struct state *state, const struct adoption *adoption, GError **error)
{
    scoped(plan) plan = plan_new("adopt", state->domain->name, NULL);

    for (guint i = 0; i < adoption->snapshots->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(adoption->snapshots, i);
        const struct record record = {.def = def, .parents = i == 0 ? adoption->parents : NULL};

        check_images(plan, state, def);
        if (!record_snapshots(plan, state, &record, error))
            return NULL;
    }
    return g_steal_pointer(&plan);
}

struct snapshot_tree *
adopt_tree(const struct state *state, const struct adoption *adoption, GError **error)
{
    scoped(snapshot_tree) tree = snapshot_tree_new();
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    for (guint i = 0; i < all->len + adoption->snapshots->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(i < all->len ? all : adoption->snapshots,
                                                           i < all->len ? i : i - all->len);
        struct snapshot_def *copy = snapshot_def_copy(def);
        const char *parent = g_hash_table_lookup(adoption->parents, def->name);

        if (parent) {
            g_free(copy->parent);
            copy->parent = g_strdup(parent);
        }
        if (!snapshot_tree_add(tree, copy, error))
            return NULL;
    }
    snapshot_tree_link(tree, problems);
    if (problems->len == 0)
        return g_steal_pointer(&tree);
    g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                        g_ptr_array_index(problems, 0));
    return NULL;
}
