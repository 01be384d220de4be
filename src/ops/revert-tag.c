/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include <string.h>

#include "image/tags.h"
#include "ops/overlay.h"
#include "ops/record.h"
#include "ops/revert-parts.h"
#include "util/error.h"

static bool refuse(GError **error, const struct revert *revert, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static bool
refuse(GError **error, const struct revert *revert, const char *format, ...)
{
    g_autofree char *why = NULL;
    va_list args;

    va_start(args, format);
    why = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "%s; `offshot extract %s %s -o DIR` copies the state out", why,
                revert->state->location->xml, revert->request->target->name);
    return false;
}

/* The first snapshot that has IMAGE frozen as an external one. */
static const struct snapshot_def *
find_external(const struct revert *revert, const struct image *image)
{
    for (guint i = 0; i < revert->state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(revert->state->frozen, i);

        if (frozen->image == image && frozen->disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL)
            return frozen->def;
    }
    return NULL;
}

/* Going back changes what everything shows that stands on the image. */
static bool
check_alone(const struct revert *revert, const struct image *image, GError **error)
{
    const struct snapshot_def *external = find_external(revert, image);
    const GPtrArray *dependents = state_find_dependents(revert->state, image);
    g_autoptr(GPtrArray) overlays = usage_overlays(revert->state, image);

    if (external)
        return refuse(error, revert, "image '%s' also holds the state of snapshot '%s'",
                      image->path, external->name);
    if (dependents)
        return refuse(error, revert, "'%s' stands on image '%s'",
                      (const char *)g_ptr_array_index(dependents, 0), image->path);
    for (guint i = 0; i < overlays->len; i++) {
        const struct image *overlay = g_ptr_array_index(overlays, i);

        if (!g_hash_table_contains(revert->leaving, overlay))
            return refuse(error, revert, "'%s' stands on image '%s'", overlay->path, image->path);
    }
    return true;
}

static bool
check_tag(const struct revert *revert, const struct image *image, GError **error)
{
    const char *name = revert->request->target->name;
    const GPtrArray *tags = state_get_tags(revert->state, image);
    const struct image_tag *tag = image_tags_find(tags, name);

    if (!tag || image_tags_count(tags, name) > 1) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_INCONSISTENT,
                    "image '%s' has %s internal snapshot '%s': nothing was reverted", image->path,
                    tag ? "more than one" : "no", name);
        return false;
    }
    if (tag->vm_state_size > 0)
        return refuse(error, revert,
                      "image '%s' holds the memory of a running VM, which only QEMU can load: use "
                      "`virsh snapshot-revert`",
                      image->path);
    if (!image_tags_selector(tags, tag, 'a'))
        return refuse(error, revert,
                      "qemu-img would take '%s' for the number of another internal snapshot of "
                      "image '%s'",
                      name, image->path);
    if (image->header.bitmaps > 0)
        return refuse(error, revert,
                      "image '%s' has persistent dirty bitmaps, with which qemu-img reverts "
                      "nothing: remove them with `qemu-img bitmap --remove`",
                      image->path);
    return true;
}

/* Whether another disk of the domain has the image, so that it would go back as well. */
static bool
check_other_disks(const struct revert *revert, const struct revert_disk *disk, GError **error)
{
    for (guint i = 0; i < revert->state->disks->len; i++) {
        const struct state_disk *other = &g_array_index(revert->state->disks, struct state_disk, i);

        if (other == disk->active || other->image != disk->frozen->image)
            continue;
        return refuse(error, revert, "disk '%s' of the domain has the same image '%s'",
                      other->def->target, other->image->path);
    }
    return true;
}

/* What the image shows now is what the revert gives up: that has to be the state of the disk, or
 * one that an earlier revert or delete has given up. When somebody has given the disk an image that
 * we know nothing of, it may be anything.
 */
static bool
check_present(const struct revert *revert, const struct revert_disk *disk, GError **error)
{
    const struct image *image = disk->frozen->image;
    const struct image *active = disk->active ? disk->active->image : NULL;

    return !disk->active || state_is_layer(revert->state, image) ||
           (active && (image_stands_on(active, image) ||
                       (usage_is_ours_while_active(revert->state, active) &&
                        usage_is_of_disk(revert->state, active, disk->frozen->disk->name)))) ||
           refuse(error, revert,
                  "the domain has another image than '%s', whose present state would be lost: name "
                  "it in the domain XML first, if that is not needed",
                  image->path);
}

bool
revert_tag_plan(struct plan *plan, const struct revert *revert, const struct revert_disk *disk,
                GError **error)
{
    const struct image *image = disk->frozen->image;
    const struct step_image_spec spec = {image->path, image->format->qemu, image->block};
    const char *name = revert->request->target->name;
    const char *save_as = revert->request->save_as;
    bool saved = save_as && disk->active && disk->active->image == image;
    g_autofree char *undo =
        saved ? g_strdup(save_as) : g_strdup_printf("offshot-undo-%s", revert->state->token);
    g_autofree char *directory = g_path_get_dirname(image->path);

    if (!check_tag(revert, image, error) || !check_alone(revert, image, error) ||
        !check_present(revert, disk, error) || !check_other_disks(revert, disk, error))
        return false;
    if (disk->active && disk->active->image)
        plan_check_lock(plan, disk->active->image->path, &disk->active->image->identity);
    plan_check_exclusive(plan, image->path, &image->identity);
    if (!image->block)
        plan_check_space(plan, directory, OVERLAY_SPACE_LEAST);
    if (!saved)
        plan_add_take_tag(plan, RANK_MAKE, &spec, undo);
    plan_add_apply_tag(plan, RANK_SWITCH, &spec, name, undo);
    if (!saved)
        plan_add_delete_tag(plan, RANK_REMOVE, &spec, undo);
    return true;
}
