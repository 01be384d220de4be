/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "ops/adopt-parts.h"
#include "ops/usage.h"

/* How far apart the tags of one snapshot may be from disk to disk, seconds. */
#define SECONDS_APART 60

/* All tags of one name that no snapshot tells of. */
struct candidate {
    const char *name;
    GArray *places; /* of struct adopt_place */
};

static void
candidate_free(gpointer data)
{
    struct candidate *candidate = data;

    g_array_unref(candidate->places);
    g_free(candidate);
}

static bool
is_covered(const struct state *state, const struct image *image, const struct image_tag *tag)
{
    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->image == image && frozen->disk->snapshot == SNAPSHOT_LOCATION_INTERNAL &&
            strcmp(frozen->def->name, tag->name) == 0)
            return true;
    }
    return false;
}

static void
add_tag(GPtrArray *candidates, const struct adopt_place *place)
{
    struct candidate *candidate;

    for (guint i = 0; i < candidates->len; i++) {
        candidate = g_ptr_array_index(candidates, i);
        if (strcmp(candidate->name, place->tag->name) == 0) {
            g_array_append_val(candidate->places, *place);
            return;
        }
    }
    candidate = g_new0(struct candidate, 1);
    candidate->name = place->tag->name;
    candidate->places = g_array_new(FALSE, FALSE, sizeof(struct adopt_place));
    g_array_append_val(candidate->places, *place);
    g_ptr_array_add(candidates, candidate);
}

void
adopt_leave_tags(struct adopt *adopt, const char *target, const struct image *image)
{
    const GPtrArray *tags = state_get_tags(adopt->state, image);

    for (guint i = 0; i < tags->len; i++) {
        if (!is_covered(adopt->state, image, g_ptr_array_index(tags, i)))
            adopt_leave(adopt, target, image, g_ptr_array_index(tags, i),
                        "nothing shows that the image is this domain's own");
    }
}

static void
collect_image(const struct adopt *adopt, const char *target, const struct image *image,
              GPtrArray *candidates)
{
    const GPtrArray *tags = state_get_tags(adopt->state, image);

    for (guint i = 0; i < tags->len; i++) {
        const struct adopt_place place = {
            .target = target,
            .image = image,
            .tag = g_ptr_array_index(tags, i),
        };

        if (!is_covered(adopt->state, image, place.tag))
            add_tag(candidates, &place);
    }
}

/* Why the tags of IMAGE, at INDEX of DISK, are not the domain's, or NULL: an active image may be
 * that of another domain as well, and what a snapshot froze may be a template. Free with g_free().
 */
static char *
find_image_fault(const struct adopt *adopt, const struct adopt_disk *disk, guint index)
{
    const struct image *image = g_ptr_array_index(disk->images, index);
    const GPtrArray *dependents = state_find_dependents(adopt->state, image);

    if (index > 0)
        return adopt_find_doubt(adopt->state, g_ptr_array_index(disk->images, index - 1), image);
    if (dependents && dependents->len > 0)
        return g_strdup_printf("'%s' stands on it as well",
                               (const char *)g_ptr_array_index(dependents, 0));
    return NULL;
}

static void
collect_disk(struct adopt *adopt, const struct adopt_disk *disk, GPtrArray *candidates)
{
    const char *target = disk->disk->def->target;

    for (guint i = 0; i < disk->images->len; i++) {
        const struct image *image = g_ptr_array_index(disk->images, i);
        g_autofree char *fault = find_image_fault(adopt, disk, i);

        if (fault)
            adopt_leave_tags(adopt, target, image);
        else
            collect_image(adopt, target, image, candidates);
    }
}

static const struct adopt_place *
place_at(const struct candidate *candidate, guint index)
{
    return &g_array_index(candidate->places, struct adopt_place, index);
}

/* Whether qemu-img can be told to apply and to delete this tag, and no other. */
static bool
can_be_named(const struct state *state, const struct adopt_place *place)
{
    const GPtrArray *tags = state_get_tags(state, place->image);

    return image_tags_selector(tags, place->tag, 'a') && image_tags_selector(tags, place->tag, 'd');
}

/* Why no snapshot can be called like the tag, or NULL. Free with g_free(). */
static char *
find_name_fault(const struct adopt *adopt, const struct candidate *candidate)
{
    g_autoptr(GError) why = NULL;

    if (!snapshot_name_check(candidate->name, &why))
        return g_strdup(why->message);
    if (strspn(candidate->name, "0123456789") == strlen(candidate->name))
        return g_strdup("its name is all digits, which qemu-img takes for an ID");
    if (snapshot_tree_find(adopt->state->snapshots->tree, candidate->name))
        return g_strdup("there is a snapshot of that name, which does not hold this");
    return NULL;
}

/* Why a single tag makes it impossible, or NULL. Free with g_free(). */
static char *
find_tag_fault(const struct adopt *adopt, const struct candidate *candidate)
{
    for (guint i = 0; i < candidate->places->len; i++) {
        const struct adopt_place *place = place_at(candidate, i);

        if (place->tag->vm_state_size > 0)
            return g_strdup_printf("'%s' holds the memory of a running machine, and no image tells "
                                   "which definition it ran with",
                                   place->image->path);
        if (i + 1 < candidate->places->len &&
            strcmp(place_at(candidate, i + 1)->target, place->target) == 0)
            return g_strdup_printf("disk '%s' has several of that name", place->target);
        if (!can_be_named(adopt->state, place))
            return g_strdup_printf("qemu-img would take it for another one of '%s'",
                                   place->image->path);
    }
    return NULL;
}

static const struct adopt_place *
find_place(const struct candidate *candidate, const char *target)
{
    for (guint i = 0; i < candidate->places->len; i++) {
        if (strcmp(place_at(candidate, i)->target, target) == 0)
            return place_at(candidate, i);
    }
    return NULL;
}

/* By how many snapshots IMAGE, one of DISK, has been frozen over. */
static guint
depth_of(const struct adopt_disk *disk, const struct image *image)
{
    guint depth = 0;

    for (guint i = 0; i < disk->frozen->len; i++) {
        guint index = g_array_index(disk->frozen, guint, i);

        if (image_stands_on(g_ptr_array_index(disk->images, index), image))
            depth = i + 1;
    }
    return depth;
}

static bool
holds_tags(const struct image *image)
{
    return strcmp(image->format->qemu, "qcow2") == 0;
}

/* Whether DISK was an image that could have taken the tag when others had this DEPTH. */
static bool
could_hold(const struct adopt_disk *disk, guint depth)
{
    guint count = disk->frozen->len;
    guint index =
        depth == 0 || count == 0 ? 0 : g_array_index(disk->frozen, guint, MIN(depth, count) - 1);

    return holds_tags(g_ptr_array_index(disk->images, index));
}

/* How deep CANDIDATE lies, by the first disk that has it. */
static guint
find_depth(const struct adopt *adopt, const struct candidate *candidate)
{
    const struct adopt_place *place = place_at(candidate, 0);

    for (guint i = 0; i < adopt->disks->len; i++) {
        const struct adopt_disk *disk = g_ptr_array_index(adopt->disks, i);

        if (strcmp(disk->disk->def->target, place->target) == 0)
            return depth_of(disk, place->image);
    }
    g_assert_not_reached();
}

/* Why the tags are not of one moment, or NULL. Free with g_free(). */
static char *
find_disk_fault(const struct adopt *adopt, const struct candidate *candidate)
{
    guint depth = find_depth(adopt, candidate);
    int64_t first = G_MAXINT64;
    int64_t last = G_MININT64;

    for (guint i = 0; i < adopt->disks->len; i++) {
        const struct adopt_disk *disk = g_ptr_array_index(adopt->disks, i);
        const struct adopt_place *place = find_place(candidate, disk->disk->def->target);

        if (!place && could_hold(disk, depth))
            return g_strdup_printf("disk '%s' does not have it", disk->disk->def->target);
        first = place ? MIN(first, place->tag->date) : first;
        last = place ? MAX(last, place->tag->date) : last;
    }
    if (last - first <= SECONDS_APART * (int64_t)(candidate->places->len - 1))
        return NULL;
    return g_strdup_printf("it was taken %" G_GINT64_FORMAT " seconds later on one disk than on "
                           "another",
                           (gint64)(last - first));
}

static void
add_snapshot(struct adopt *adopt, const struct candidate *candidate)
{
    struct adopt_point *point = adopt_point_new(candidate->name, G_MAXINT64);

    for (guint i = 0; i < candidate->places->len; i++) {
        const struct adopt_place *place = place_at(candidate, i);

        g_array_append_val(point->places, *place);
        point->time = MIN(point->time, place->tag->date);
    }
    g_ptr_array_add(adopt->found, point);
}

static void
decide(struct adopt *adopt, const struct candidate *candidate)
{
    g_autofree char *fault = find_name_fault(adopt, candidate);

    if (!fault)
        fault = find_tag_fault(adopt, candidate);
    if (!fault)
        fault = find_disk_fault(adopt, candidate);
    if (!fault)
        add_snapshot(adopt, candidate);
    for (guint i = 0; fault && i < candidate->places->len; i++) {
        const struct adopt_place *place = place_at(candidate, i);

        adopt_leave(adopt, place->target, place->image, place->tag, "%s", fault);
    }
}

/* What stored snapshots know beyond the chains of today, such as other branches: which disks had
 * one state there is not to be told.
 */
static void
leave_elsewhere(struct adopt *adopt)
{
    const struct state *state = adopt->state;
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        for (const struct image *image = frozen->image; image; image = image->backing) {
            const GPtrArray *tags = state_get_tags(state, image);

            if (usage_is_in_use(state, image) || !g_hash_table_add(seen, (gpointer)image))
                break;
            for (guint j = 0; j < tags->len; j++) {
                if (!is_covered(state, image, g_ptr_array_index(tags, j)))
                    adopt_leave(adopt, frozen->disk->name, image, g_ptr_array_index(tags, j),
                                "no disk stands on the image as it is now");
            }
        }
    }
}

void
adopt_find_tags(struct adopt *adopt)
{
    g_autoptr(GPtrArray) candidates = g_ptr_array_new_with_free_func(candidate_free);

    for (guint i = 0; i < adopt->disks->len; i++)
        collect_disk(adopt, g_ptr_array_index(adopt->disks, i), candidates);
    for (guint i = 0; i < candidates->len; i++)
        decide(adopt, g_ptr_array_index(candidates, i));
    leave_elsewhere(adopt);
}
