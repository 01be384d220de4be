/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "ops/adopt-parts.h"

/* How one snapshot lies to another; both bits: it contradicts itself. */
enum relation {
    RELATION_NONE = 0,
    RELATION_OLDER = 1,
    RELATION_NEWER = 2,
};

static guint
tag_index(const struct state *state, const struct adopt_place *place)
{
    const GPtrArray *tags = state_get_tags(state, place->image);
    guint index = 0;

    g_ptr_array_find((GPtrArray *)tags, place->tag, &index);
    return index;
}

/* Two tags of one image: new ones go to the end of its table. */
static enum relation
relate_tags(const struct state *state, const struct adopt_place *a, const struct adopt_place *b)
{
    int64_t one = image_tag_time(a->tag);
    int64_t other = image_tag_time(b->tag);

    if (a->tag == b->tag)
        return RELATION_NONE;
    if (one == other)
        return tag_index(state, a) < tag_index(state, b) ? RELATION_OLDER : RELATION_NEWER;
    return one < other ? RELATION_OLDER : RELATION_NEWER;
}

/* How A lies to B on the disk that both have. */
static enum relation
relate_places(const struct state *state, const struct adopt_place *a, const struct adopt_place *b)
{
    if (a->image != b->image) {
        if (image_stands_on(b->image, a->image))
            return RELATION_OLDER;
        return image_stands_on(a->image, b->image) ? RELATION_NEWER : RELATION_NONE;
    }
    if (a->tag && b->tag)
        return relate_tags(state, a, b);
    if (!a->tag && !b->tag)
        return RELATION_NONE;
    return a->tag ? RELATION_OLDER : RELATION_NEWER;
}

const struct adopt_place *
adopt_find_place(const struct adopt_point *point, const char *target)
{
    for (guint i = 0; i < point->places->len; i++) {
        const struct adopt_place *place = &g_array_index(point->places, struct adopt_place, i);

        if (strcmp(place->target, target) == 0)
            return place;
    }
    return NULL;
}

/* How A lies to B by their images; *MEET: they have a disk in common. */
static unsigned
relate(const struct state *state, const struct adopt_point *a, const struct adopt_point *b,
       bool *meet)
{
    unsigned relation = RELATION_NONE;

    *meet = false;
    for (guint i = 0; i < a->places->len; i++) {
        const struct adopt_place *one = &g_array_index(a->places, struct adopt_place, i);
        const struct adopt_place *other = adopt_find_place(b, one->target);

        if (!other)
            continue;
        relation |= relate_places(state, one, other);
        *meet = true;
    }
    return relation;
}

bool
adopt_is_older(const struct state *state, const struct adopt_point *a, const struct adopt_point *b)
{
    bool meet;
    unsigned relation = relate(state, a, b, &meet);

    return meet ? relation == RELATION_OLDER : a->time < b->time;
}

const struct adopt_point *
adopt_find_contradiction(const struct state *state, const struct adopt_point *point,
                         const GPtrArray *points)
{
    for (guint i = 0; i < points->len; i++) {
        const struct adopt_point *other = g_ptr_array_index(points, i);
        bool meet;

        if (relate(state, point, other, &meet) == (RELATION_OLDER | RELATION_NEWER))
            return other;
    }
    return NULL;
}

bool
adopt_descends(const struct adopt_point *point, const struct adopt_point *from)
{
    bool any = false;

    for (guint i = 0; i < point->places->len; i++) {
        const struct adopt_place *mine = &g_array_index(point->places, struct adopt_place, i);
        const struct adopt_place *other = adopt_find_place(from, mine->target);

        if (!other)
            continue;
        if (other->tag || mine->image == other->image ||
            !image_stands_on(mine->image, other->image))
            return false;
        any = true;
    }
    return any;
}
