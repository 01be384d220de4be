/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/adopt.h"

#include "ops/adopt-parts.h"
#include "util/error.h"

static void
left_free(gpointer data)
{
    struct adopt_left *left = data;

    g_free(left->disk);
    g_free(left->path);
    g_free(left->tag);
    g_free(left->message);
    g_free(left);
}

static struct adoption *
adoption_new(void)
{
    struct adoption *adoption = g_new0(struct adoption, 1);

    adoption->snapshots = g_ptr_array_new_with_free_func((GDestroyNotify)snapshot_def_free);
    adoption->parents = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    adoption->left = g_ptr_array_new_with_free_func(left_free);
    return adoption;
}

void
adoption_free(struct adoption *adoption)
{
    if (!adoption)
        return;
    g_ptr_array_unref(adoption->snapshots);
    g_hash_table_unref(adoption->parents);
    g_ptr_array_unref(adoption->left);
    g_free(adoption);
}

struct adopt_point *
adopt_point_new(const char *name, int64_t time)
{
    struct adopt_point *point = g_new0(struct adopt_point, 1);

    point->name = g_strdup(name);
    point->time = time;
    point->places = g_array_new(FALSE, FALSE, sizeof(struct adopt_place));
    return point;
}

void
adopt_point_free(struct adopt_point *point)
{
    g_free(point->name);
    g_array_unref(point->places);
    g_free(point);
}

static void
disk_free(gpointer data)
{
    struct adopt_disk *disk = data;

    g_ptr_array_unref(disk->images);
    g_array_unref(disk->frozen);
    g_array_unref(disk->open);
    g_free(disk);
}

void
adopt_leave(struct adopt *adopt, const char *target, const struct image *image,
            const struct image_tag *tag, const char *format, ...)
{
    struct adopt_left *left = g_new0(struct adopt_left, 1);
    va_list args;

    left->disk = g_strdup(target);
    left->path = image ? g_strdup(image->path) : NULL;
    left->tag = tag ? g_strdup(tag->name) : NULL;
    va_start(args, format);
    left->message = g_strdup_vprintf(format, args);
    va_end(args);
    g_ptr_array_add(adopt->adoption->left, left);
}

/* A snapshot that cannot be read may be one of those that the images tell of. */
static bool
check_store(const struct state *state, GError **error)
{
    if (state->snapshots->problems->len == 0)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "the snapshot store '%s' has entries that are not in order (%s): mend or remove "
                "them first",
                state->snapshots->directory,
                (const char *)g_ptr_array_index(state->snapshots->problems, 0));
    return false;
}

static bool
find_all(struct adopt *adopt, GError **error)
{
    if (!adopt_find_disks(adopt, error))
        return false;
    adopt_find_stored(adopt);
    /* the names of tags are fixed, those of layers are not */
    adopt_find_tags(adopt);
    adopt_find_layers(adopt);
    adopt_order(adopt);
    return adopt_describe(adopt, error);
}

struct adoption *
adopt_find(const struct state *state, GError **error)
{
    scoped(adoption) adoption = adoption_new();
    g_autoptr(GPtrArray) disks = g_ptr_array_new_with_free_func(disk_free);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func((GDestroyNotify)adopt_point_free);
    g_autoptr(GPtrArray) stored = g_ptr_array_new_with_free_func((GDestroyNotify)adopt_point_free);
    struct adopt adopt = {state, disks, found, stored, adoption};

    if (!check_store(state, error) || !find_all(&adopt, error))
        return NULL;
    return g_steal_pointer(&adoption);
}
