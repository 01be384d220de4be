/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "ops/keep.h"
#include "ops/overlay.h"
#include "ops/record.h"
#include "ops/revert-parts.h"
#include "util/error.h"

/* The frozen image must not be written from now on: neither by a VM that has it, nor by another
 * disk of this one.
 */
static bool
check_base(const struct revert *revert, const struct revert_disk *disk, GError **error)
{
    const struct image *base = disk->frozen->image;

    if (base->depth >= IMAGE_CHAIN_MAX) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "its chain would have more than %d images: delete snapshots first",
                    IMAGE_CHAIN_MAX);
        return false;
    }
    for (guint i = 0; i < revert->state->disks->len; i++) {
        const struct state_disk *other = &g_array_index(revert->state->disks, struct state_disk, i);

        if (other == disk->active || !other->image || other->def->readonly ||
            !image_stands_on(base, other->image))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s' of the domain writes image '%s', which the snapshot depends on",
                    other->def->target, other->image->path);
        return false;
    }
    return true;
}

/* Who only reads what is frozen does no harm; of what is still active nobody may start to write. */
static void
check_chain(struct plan *plan, const struct state *state, const struct image *image)
{
    for (; image; image = image->backing) {
        if (usage_find_active(state, image))
            plan_check_lock(plan, image->path, &image->identity);
        else
            plan_check_unwritten(plan, image->path, &image->identity);
    }
}

static bool
plan_overlay(struct plan *plan, const struct revert *revert, const struct revert_disk *disk,
             const char *temporary, GError **error)
{
    const struct overlay_request overlay = {
        .base = disk->frozen->image,
        .base_path = disk->frozen->image->path,
        .path = disk->path,
        .temporary = temporary,
        .format = disk->format,
        .backing_path = BACKING_PATH_AUTO,
        /* who may use the disk may do so afterwards */
        .like = disk->how == REVERT_IN_PLACE ? disk->active->image->path : NULL,
    };
    g_autofree char *directory = g_path_get_dirname(disk->path);

    check_chain(plan, revert->state, disk->frozen->image);
    plan_check_space(plan, directory, OVERLAY_SPACE_LEAST);
    return overlay_plan(plan, revert->state, &overlay, error);
}

/* The active image keeps a name until the end: a spare one, or that of the snapshot which is to
 * hold it.
 */
static void
plan_replace(struct plan *plan, const struct revert *revert, const struct revert_disk *disk,
             const char *temporary)
{
    const struct image *image = disk->active->image;
    g_autofree char *spare = disk->saved ? g_strdup(disk->saved)
                                         : record_temporary_name(revert->state, plan, image->path);
    struct step *step;

    plan_check_exclusive(plan, image->path, &image->identity);
    plan_check_unchanged(plan, image->path, &image->identity);
    plan_check_absent(plan, spare);
    plan_add_link(plan, RANK_LINK, image->path, spare);
    step = plan_add_replace(plan, RANK_IMAGES, temporary, image->path, &image->identity);
    if (disk->saved)
        return;
    step->discards = true;
    plan_add_unlink(plan, RANK_REMOVE, spare)->guarded = true;
}

bool
revert_disk_plan(struct plan *plan, const struct revert *revert, const struct revert_disk *disk,
                 GError **error)
{
    g_autofree char *temporary = record_temporary_name(revert->state, plan, disk->path);
    const struct image *image = disk->active ? disk->active->image : NULL;

    if (!check_base(revert, disk, error) || !plan_overlay(plan, revert, disk, temporary, error))
        return false;
    if (disk->how == REVERT_IN_PLACE) {
        plan_replace(plan, revert, disk, temporary);
        return true;
    }
    /* also of an image that stays it must not be pulled away from under a VM */
    if (image)
        plan_check_lock(plan, image->path, &image->identity);
    plan_check_absent(plan, disk->path);
    plan_add_link(plan, RANK_LINK, temporary, disk->path);
    plan_add_unlink(plan, RANK_REMOVE, temporary);
    return true;
}

/* Whether the definition that comes back names DISK's image. */
static bool
stays_active(const struct revert *revert, const struct state_disk *disk)
{
    for (guint i = 0; i < revert->text->disks->len; i++) {
        const struct domain_disk *def = g_ptr_array_index(revert->text->disks, i);

        if (g_strcmp0(def->source, disk->def->source) == 0)
            return true;
    }
    return false;
}

/* The active images that stay so (of const struct image *), those that --save-as saves among them.
 * Free the container with g_ptr_array_unref().
 */
static GPtrArray *
find_active(const struct revert *revert)
{
    const GArray *disks = revert->state->disks;
    GPtrArray *active = g_ptr_array_new();

    for (guint i = 0; i < disks->len; i++) {
        const struct state_disk *disk = &g_array_index(disks, struct state_disk, i);

        if (revert->request->save_as || stays_active(revert, disk))
            g_ptr_array_add(active, (gpointer)disk->image);
    }
    return active;
}

/* The list of unnamed layers: without those that leave, with what was active, and with what is in
 * no chain any more.
 */
static void
plan_layers(struct plan *plan, const struct revert *revert)
{
    const struct state *state = revert->state;
    g_autoptr(GPtrArray) stay = g_ptr_array_new();
    g_autoptr(GPtrArray) active = find_active(revert);
    const struct keep keep = {
        .state = state, .disks = active, .layers = stay, .gone = revert->leaving};
    g_autoptr(GPtrArray) kept = NULL;
    bool same = true;
    GHashTableIter iter;
    gpointer layer;

    g_hash_table_iter_init(&iter, state->layers);
    while (g_hash_table_iter_next(&iter, &layer, NULL)) {
        if (g_hash_table_contains(revert->leaving, layer))
            same = false;
        else
            g_ptr_array_add(stay, layer);
    }
    for (guint i = 0; i < revert->disks->len; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);
        gpointer image = disk->active ? (gpointer)disk->active->image : NULL;

        if (!revert_leaves_unnamed(revert, disk) || g_ptr_array_find(stay, image, NULL))
            continue;
        g_ptr_array_add(stay, image);
        same = false;
    }
    kept = keep_find(&keep);
    if (!same || keep_is_news(state, kept))
        record_layers(plan, state, stay, NULL, kept);
}

static bool
is_replaced(const struct revert *revert, const struct image *image)
{
    for (guint i = 0; i < revert->disks->len; i++) {
        const struct revert_disk *disk = &g_array_index(revert->disks, struct revert_disk, i);

        if (disk->how == REVERT_IN_PLACE && disk->active->image == image)
            return true;
    }
    return false;
}

/* Overlays before what they stand on, so that no chain is ever cut in its middle. */
static gint
compare_depths(gconstpointer a, gconstpointer b)
{
    const struct image *one = *(const struct image *const *)a;
    const struct image *other = *(const struct image *const *)b;

    return one->depth != other->depth ? (one->depth < other->depth ? 1 : -1)
                                      : strcmp(one->path, other->path);
}

void
revert_plan_leaving(struct plan *plan, const struct revert *revert)
{
    g_autoptr(GPtrArray) images = g_ptr_array_new();
    GHashTableIter iter;
    gpointer key;

    g_hash_table_iter_init(&iter, revert->leaving);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        if (!is_replaced(revert, key))
            g_ptr_array_add(images, key);
    }
    g_ptr_array_sort(images, compare_depths);
    for (guint i = 0; i < images->len; i++) {
        const struct image *image = g_ptr_array_index(images, i);

        plan_check_exclusive(plan, image->path, &image->identity);
        plan_check_unchanged(plan, image->path, &image->identity);
        record_removal(plan, image->path, &image->identity);
    }
    plan_layers(plan, revert);
}
