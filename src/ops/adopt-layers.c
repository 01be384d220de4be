/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "ops/adopt-parts.h"

#define NANOSECONDS 1000000000

/* The disks that have layers, at one depth of those that no stored snapshot tells of; 0 is the
 * uppermost. Disks that have only others count as well, so that what is left once stays left when
 * the rest has been adopted.
 */
struct level {
    struct adopt *adopt;
    GPtrArray *disks; /* of struct adopt_disk * */
    guint depth;
    guint common; /* how many depths all of them have */
};

static guint
index_of(const struct adopt_disk *disk, guint depth)
{
    return g_array_index(disk->open, guint, depth);
}

static const struct image *
image_at(const struct adopt_disk *disk, guint depth)
{
    return g_ptr_array_index(disk->images, index_of(disk, depth));
}

/* From the depth of LEVEL downwards nobody knows what belongs together. */
static void
leave_rest(const struct level *level, const char *message)
{
    struct adopt *adopt = level->adopt;

    for (guint i = 0; i < level->disks->len; i++) {
        const struct adopt_disk *disk = g_ptr_array_index(level->disks, i);

        for (guint depth = level->depth; depth < disk->open->len; depth++) {
            const struct image *image = image_at(disk, depth);

            adopt_leave(adopt, disk->disk->def->target, image, NULL, "%s", message);
        }
    }
}

static bool
is_taken(const struct adopt *adopt, const char *name)
{
    for (guint i = 0; i < adopt->found->len; i++) {
        const struct adopt_point *point = g_ptr_array_index(adopt->found, i);

        if (strcmp(point->name, name) == 0)
            return true;
    }
    return snapshot_tree_find(adopt->state->snapshots->tree, name) != NULL;
}

/* A name for what has none: by how many layers all disks have up to here. */
static char *
make_name(const struct level *level)
{
    guint number = level->common - level->depth;
    char *name = g_strdup_printf("layer-%u", number);

    for (guint other = 2; is_taken(level->adopt, name); other++) {
        g_free(name);
        name = g_strdup_printf("layer-%u.%u", number, other);
    }
    return name;
}

/* The name that the files agree on, or one of ours. NULL when they contradict each other; MESSAGE
 * then says how, and is the caller's to free.
 */
static char *
find_name(const struct level *level, char **message)
{
    g_autofree char *name = NULL;
    const char *first = NULL;

    for (guint i = 0; i < level->disks->len; i++) {
        const struct adopt_disk *disk = g_ptr_array_index(level->disks, i);
        g_autofree char *mine = adopt_layer_name(disk, index_of(disk, level->depth));

        if (mine && name && strcmp(mine, name) != 0) {
            *message = g_strdup_printf(
                "by the names of the files disk '%s' had snapshot '%s' here, and disk '%s' had '%s'",
                first, name, disk->disk->def->target, mine);
            return NULL;
        }
        if (mine && !name) {
            name = g_steal_pointer(&mine);
            first = disk->disk->def->target;
        }
    }
    return name && !is_taken(level->adopt, name) ? g_steal_pointer(&name) : make_name(level);
}

static struct adopt_point *
make_snapshot(const struct level *level, const char *name)
{
    struct adopt_point *point = adopt_point_new(name, 0);

    for (guint i = 0; i < level->disks->len; i++) {
        const struct adopt_disk *disk = g_ptr_array_index(level->disks, i);
        guint index = index_of(disk, level->depth);
        const struct adopt_place place = {
            .target = disk->disk->def->target,
            .image = g_ptr_array_index(disk->images, index),
            .overlay = g_ptr_array_index(disk->images, index - 1),
        };

        g_array_append_val(point->places, place);
        point->time = MAX(point->time, place.image->identity.mtime / NANOSECONDS);
    }
    return point;
}

/* Add snapshot NAME of the images of LEVEL, unless they are no state of one moment: then say why.
 * Free with g_free().
 */
static char *
add_snapshot(const struct level *level, const char *name)
{
    struct adopt *adopt = level->adopt;
    struct adopt_point *point = make_snapshot(level, name);
    const struct adopt_point *other = adopt_find_contradiction(adopt->state, point, adopt->stored);

    if (!other) {
        g_ptr_array_add(adopt->found, point);
        return NULL;
    }
    adopt_point_free(point);
    return g_strdup_printf("on one disk the layer at this depth is older than snapshot '%s', on "
                           "another newer",
                           other->name);
}

/* Look at the images of LEVEL. Returns whether it makes sense to go deeper. */
static bool
find_at_level(const struct level *level)
{
    g_autofree char *message = NULL;
    g_autofree char *name = find_name(level, &message);

    if (name)
        message = add_snapshot(level, name);
    if (message)
        leave_rest(level, message);
    return message == NULL;
}

static guint
count_common(const GPtrArray *disks)
{
    guint common = G_MAXUINT;

    for (guint i = 0; i < disks->len; i++)
        common = MIN(common, ((const struct adopt_disk *)g_ptr_array_index(disks, i))->open->len);
    return common;
}

void
adopt_find_layers(struct adopt *adopt)
{
    g_autoptr(GPtrArray) disks = g_ptr_array_new();
    struct level level = {.adopt = adopt, .disks = disks};

    for (guint i = 0; i < adopt->disks->len; i++) {
        struct adopt_disk *disk = g_ptr_array_index(adopt->disks, i);

        if (disk->frozen->len > 0)
            g_ptr_array_add(disks, disk);
    }
    level.common = count_common(disks);
    for (; disks->len > 0 && level.depth < level.common; level.depth++) {
        if (!find_at_level(&level))
            return;
    }
    leave_rest(&level, "other disks have fewer layers, and nothing tells which belong together");
}
