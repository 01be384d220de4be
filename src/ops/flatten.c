/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/flatten.h"

#include <string.h>

#include "ops/flatten-layers.h"
#include "ops/merge-rules.h"
#include "ops/record.h"
#include "ops/usage.h"
#include "util/error.h"

/* Tables that grow along with the data. */
#define TABLE_SPACE (1024 * 1024)

static bool
refuse(GError **error, const struct state_disk *disk, const char *why)
{
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, "disk '%s' %s", disk->def->target,
                why);
    return false;
}

static bool
check_definition(const struct state_disk *disk, GError **error)
{
    if (disk->def->has_encryption)
        return refuse(error, disk, "is encrypted, and its chain cannot be read without the key");
    if (disk->def->has_slices)
        return refuse(error, disk, "uses <slices> of its source, which qemu-img would not see");
    if (disk->overruled)
        return refuse(error, disk,
                      "has a <backingStore> in the domain XML that does not say the same as "
                      "`qemu-img info --backing-chain`: correct it, or remove the element");
    return true;
}

/* What one disk reads must not be rewritten for another at the same time. */
static bool
check_sharing(const struct state *state, const struct state_disk *disk, GError **error)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *other = &g_array_index(state->disks, struct state_disk, i);

        if (other == disk || !other->image || !image_stands_on(other->image, disk->image))
            continue;
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "image '%s' of disk '%s' is in the chain of disk '%s' as well",
                    disk->image->path, disk->def->target, other->def->target);
        return false;
    }
    return true;
}

static bool
check_image(const struct state *state, const struct state_disk *disk, GError **error)
{
    const struct image *image = disk->image;
    const GPtrArray *tags = state_get_tags(state, image);

    if (!image->format->overlay) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "disk '%s' is of format '%s', in which qemu-img cannot merge a chain",
                    disk->def->target, image->format->libvirt);
        return false;
    }
    if (tags->len > 0) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "image '%s' of disk '%s' holds %u internal snapshots, which need its chain: "
                    "copy them out with `offshot extract` and delete them first",
                    image->path, disk->def->target, tags->len);
        return false;
    }
    if (image->writable)
        return true;
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                "image '%s' of disk '%s' cannot be written", image->path, disk->def->target);
    return false;
}

/* Bytes that IMAGE takes over at most. */
static uint64_t
bytes_below(const struct image *image)
{
    uint64_t bytes = 0;

    for (const struct image *below = image->backing; below; below = below->backing)
        bytes += below->block ? below->identity.size : below->allocated;
    return MIN(bytes, image->size);
}

/* The chain of IMAGE is read, maybe along with clones that run, and IMAGE takes its data over. */
static void
plan_image(struct plan *plan, const struct image *image)
{
    const struct step_image_spec spec = {image->path, image->format->qemu, image->block};
    const char *format = image->header.backing_format;
    const struct step_link none = {0};
    const struct step_link link = {
        .backing = image->header.backing,
        .format = (char *)(format ? format : image->backing->format->qemu),
    };

    plan_check_exclusive(plan, image->path, &image->identity);
    for (const struct image *below = image->backing; below; below = below->backing)
        plan_check_unwritten(plan, below->path, &below->identity);
    if (!image->block) {
        g_autofree char *directory = g_path_get_dirname(image->path);

        plan_check_space(plan, directory, bytes_below(image) + TABLE_SPACE);
    }
    plan_add_rebase(plan, RANK_IMAGES, &spec, &none, NULL, &link);
}

/* Whether the domain XML says that the image of DISK can stand on another. */
static bool
can_have_chain(const struct state_disk *disk)
{
    const struct image_format *format = image_format_find_libvirt(disk->def->format);

    return disk->def->source && (!format || strcmp(format->qemu, "raw") != 0);
}

/* The image of DISK that is to be flattened in *IMAGE; NULL: there is nothing to do. NAMED: it was
 * asked for by name.
 */
static bool
find_image(const struct state *state, const struct state_disk *disk, bool named,
           const struct image **image, GError **error)
{
    *image = NULL;
    if (disk->error && (named || can_have_chain(disk))) {
        g_propagate_prefixed_error(error, g_error_copy(disk->error),
                                   "disk '%s': ", disk->def->target);
        return false;
    }
    if (named && !disk->image)
        return refuse(error, disk, "has no image that could be flattened");
    if (disk->error || !disk->image || !disk->image->backing)
        return true;
    *image = disk->image;
    return check_definition(disk, error) && check_image(state, disk, error) &&
           check_sharing(state, disk, error);
}

static bool
plan_disk(struct plan *plan, const struct state *state, const struct state_disk *disk, bool named,
          GPtrArray *flattened, GPtrArray *notes, GError **error)
{
    const struct image *image;

    if (!find_image(state, disk, named, &image, error))
        return false;
    if (image) {
        plan_image(plan, image);
        g_ptr_array_add(flattened, (gpointer)image);
    } else if (named) {
        g_ptr_array_add(notes, g_strdup_printf("the image of disk '%s' stands on no other",
                                               disk->def->target));
    }
    return true;
}

/* The disk named TARGET, or NULL. */
static const struct state_disk *
find_disk(const struct state *state, const char *target, GError **error)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);

        if (strcmp(disk->def->target, target) == 0)
            return disk;
    }
    g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_NOT_FOUND, "domain '%s' has no disk '%s'",
                state->domain->name, target);
    return NULL;
}

static bool
plan_named(struct plan *plan, const struct state *state, const GPtrArray *disks,
           GPtrArray *flattened, GPtrArray *notes, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < disks->len; i++) {
        const struct state_disk *disk = find_disk(state, g_ptr_array_index(disks, i), error);

        if (!disk || (g_hash_table_add(seen, disk->def->target) &&
                      !plan_disk(plan, state, disk, true, flattened, notes, error)))
            return false;
    }
    return true;
}

static bool
plan_all(struct plan *plan, const struct state *state, GPtrArray *flattened, GPtrArray *notes,
         GError **error)
{
    for (guint i = 0; i < state->disks->len; i++) {
        if (!plan_disk(plan, state, &g_array_index(state->disks, struct state_disk, i), false,
                       flattened, notes, error))
            return false;
    }
    return true;
}

/* What says on what the FLATTENED images stood goes. */
static bool
plan_domain(struct plan *plan, const struct state *state, const GPtrArray *flattened,
            GError **error)
{
    g_autoptr(GArray) changes = g_array_new(FALSE, FALSE, sizeof(struct domain_disk_change));

    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);
        const struct domain_disk_change change = {.target = disk->def->target};

        if (disk->def->layers && g_ptr_array_find((GPtrArray *)flattened, disk->image, NULL))
            g_array_append_val(changes, change);
    }
    return record_disks(plan, state, changes, error);
}

struct plan *
flatten_plan(const struct state *state, const GPtrArray *disks, GPtrArray *notes, GError **error)
{
    scoped(plan) plan = plan_new("flatten", state->domain->name, NULL);
    g_autoptr(GPtrArray) flattened = g_ptr_array_new();

    if (disks ? !plan_named(plan, state, disks, flattened, notes, error)
              : !plan_all(plan, state, flattened, notes, error))
        return NULL;
    if (!plan_domain(plan, state, flattened, error))
        return NULL;
    /* what cannot be read may stand on any layer */
    if (flattened->len > 0 && state->snapshots->problems->len == 0 &&
        merge_rules_state_known(state, NULL))
        flatten_layers_plan(plan, state, flattened, notes);
    record_watch(plan, state);
    return g_steal_pointer(&plan);
}
