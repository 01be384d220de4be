/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "ops/adopt-parts.h"

/* A stored snapshot as a point; places whose images are not known are left out. */
static struct adopt_point *
point_of(const struct state *state, const struct snapshot_def *def)
{
    struct adopt_point *point = adopt_point_new(def->name, def->creation_time);

    point->def = def;
    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);
        struct adopt_place place = {.target = frozen->disk->name, .image = frozen->image};

        if (frozen->def != def || !frozen->image)
            continue;
        if (frozen->disk->snapshot == SNAPSHOT_LOCATION_INTERNAL) {
            place.tag = image_tags_find(state_get_tags(state, place.image), def->name);
            if (!place.tag)
                continue;
        }
        g_array_append_val(point->places, place);
    }
    return point;
}

void
adopt_find_stored(struct adopt *adopt)
{
    g_autoptr(GPtrArray) all = snapshot_tree_descendants(adopt->state->snapshots->tree, NULL);

    for (guint i = 0; i < all->len; i++)
        g_ptr_array_add(adopt->stored, point_of(adopt->state, g_ptr_array_index(all, i)));
}

static bool
is_internal(const struct adopt_point *point)
{
    return g_array_index(point->places, struct adopt_place, 0).tag != NULL;
}

/* What POINT contradicts, or NULL. Links are surer than tags, so that of these two it is the tag
 * that is doubted.
 */
static const struct adopt_point *
find_contradiction(const struct adopt *adopt, const struct adopt_point *point)
{
    const struct adopt_point *other = NULL;

    if (is_internal(point))
        other = adopt_find_contradiction(adopt->state, point, adopt->stored);
    if (is_internal(point) && !other)
        other = adopt_find_contradiction(adopt->state, point, adopt->found);
    return other;
}

static void
leave_point(struct adopt *adopt, const struct adopt_point *point, const struct adopt_point *other)
{
    for (guint i = 0; i < point->places->len; i++) {
        const struct adopt_place *place = &g_array_index(point->places, struct adopt_place, i);

        adopt_leave(adopt, place->target, place->image, place->tag,
                    "on one disk it is older than '%s', on another newer", other->name);
    }
}

/* All are judged before one goes, so that of two that contradict each other none is preferred. */
static void
leave_contradictions(struct adopt *adopt)
{
    g_autoptr(GPtrArray) bad = g_ptr_array_new();

    for (guint i = 0; i < adopt->found->len; i++) {
        struct adopt_point *point = g_ptr_array_index(adopt->found, i);
        const struct adopt_point *other = find_contradiction(adopt, point);

        if (!other)
            continue;
        leave_point(adopt, point, other);
        g_ptr_array_add(bad, point);
    }
    for (guint i = 0; i < bad->len; i++)
        g_ptr_array_remove(adopt->found, g_ptr_array_index(bad, i));
}

/* Oldest first. */
static void
sort_found(struct adopt *adopt)
{
    GPtrArray *found = adopt->found;

    for (guint i = 1; i < found->len; i++) {
        struct adopt_point *point = g_ptr_array_index(found, i);
        guint at = i;

        while (at > 0 && adopt_is_older(adopt->state, point, g_ptr_array_index(found, at - 1))) {
            found->pdata[at] = found->pdata[at - 1];
            at--;
        }
        found->pdata[at] = point;
    }
}

/* The last of what came before POINT: stored ones, and found ones up to END. */
static const struct adopt_point *
find_last_before(const struct adopt *adopt, const struct adopt_point *point, guint end)
{
    const struct adopt_point *last = NULL;
    const GPtrArray *lists[] = {adopt->stored, adopt->found};
    const guint ends[] = {adopt->stored->len, end};

    for (size_t list = 0; list < G_N_ELEMENTS(lists); list++) {
        for (guint i = 0; i < ends[list]; i++) {
            const struct adopt_point *other = g_ptr_array_index(lists[list], i);

            if (adopt_is_older(adopt->state, other, point) &&
                (!last || adopt_is_older(adopt->state, last, other)))
                last = other;
        }
    }
    return last;
}

/* The stored snapshot that FOUND comes after, over all found ones in between; NULL: none. */
static const struct adopt_point *
find_stored_before(const struct adopt_point *found)
{
    const struct adopt_point *point = found->after;

    while (point && !point->def)
        point = point->after;
    return point;
}

/* The newest found snapshot that came between STORED and its parent, or NULL. */
static const struct adopt_point *
find_between(const struct adopt *adopt, const struct adopt_point *stored)
{
    for (guint i = adopt->found->len; i > 0; i--) {
        const struct adopt_point *point = g_ptr_array_index(adopt->found, i - 1);
        const struct adopt_point *before = find_stored_before(point);

        if (adopt_descends(stored, point))
            return g_strcmp0(before ? before->name : NULL, stored->def->parent) == 0 ? point : NULL;
    }
    return NULL;
}

static void
find_parents(struct adopt *adopt)
{
    for (guint i = 0; i < adopt->stored->len; i++) {
        const struct adopt_point *stored = g_ptr_array_index(adopt->stored, i);
        const struct adopt_point *parent = find_between(adopt, stored);

        if (parent)
            g_hash_table_insert(adopt->adoption->parents, g_strdup(stored->name),
                                g_strdup(parent->name));
    }
}

void
adopt_order(struct adopt *adopt)
{
    leave_contradictions(adopt);
    sort_found(adopt);
    for (guint i = 0; i < adopt->found->len; i++) {
        struct adopt_point *point = g_ptr_array_index(adopt->found, i);

        point->after = find_last_before(adopt, point, i);
    }
    find_parents(adopt);
}
