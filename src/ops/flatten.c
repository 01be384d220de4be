/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/flatten.h"

#include <string.h>

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

/* Whether nothing will stand on IMAGE when the images of GONE stand on nothing. */
static bool
is_left_alone(const struct state *state, const struct image *image, GHashTable *gone)
{
    g_autoptr(GPtrArray) overlays = usage_overlays(state, image);
    const GPtrArray *dependents = state_find_dependents(state, image);

    for (guint i = 0; i < overlays->len; i++) {
        if (!g_hash_table_contains(gone, g_ptr_array_index(overlays, i)))
            return false;
    }
    return !dependents || dependents->len == 0;
}

/* Why a layer without a name stays that nothing will stand on, or NULL. */
static const char *
find_reason(const struct state *state, const struct image *image)
{
    if (image->block)
        return "it is a block device";
    if (image->symlink || image->links != 1)
        return "it has more than one name";
    if (state_get_tags(state, image)->len > 0)
        return "it holds internal snapshots";
    return NULL;
}

/* Whether IMAGE is a layer without a name that has no more use when the images of GONE stand on
 * nothing.
 */
static bool
is_unused(const struct state *state, const struct image *image, GHashTable *gone)
{
    return state_is_layer(state, image) && !usage_find_active(state, image) &&
           !usage_find_snapshot(state, image, NULL) && is_left_alone(state, image, gone);
}

/* Collect in GONE what becomes superfluous when the images that are in it stand on nothing. Returns
 * whether there was anything, which may have stood on another layer.
 */
static bool
collect_layers(const struct state *state, GHashTable *gone)
{
    GHashTableIter iter;
    gpointer layer;
    bool found = false;

    g_hash_table_iter_init(&iter, state->layers);
    while (g_hash_table_iter_next(&iter, &layer, NULL)) {
        if (!g_hash_table_contains(gone, layer) && is_unused(state, layer, gone) &&
            !find_reason(state, layer))
            found = g_hash_table_add(gone, layer);
    }
    return found;
}

static void
plan_removal(struct plan *plan, const struct image *layer, GPtrArray *notes)
{
    plan_check_lock(plan, layer->path, &layer->identity);
    plan_check_unchanged(plan, layer->path, &layer->identity);
    record_removal(plan, layer->path, &layer->identity);
    g_ptr_array_add(notes, g_strdup_printf("image '%s' is removed: no snapshot needs it any more",
                                           layer->path));
}

static int
compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct image *)a)->path, ((const struct image *)b)->path);
}

/* Say of what FLATTENED images leave without a use, and GONE does not take, why it stays. */
static void
note_left(const struct state *state, const GPtrArray *flattened, GHashTable *gone, GPtrArray *notes)
{
    for (guint i = 0; i < flattened->len; i++) {
        const struct image *below = ((struct image *)g_ptr_array_index(flattened, i))->backing;

        while (below && g_hash_table_contains(gone, below))
            below = below->backing;
        if (below && is_unused(state, below, gone))
            g_ptr_array_add(notes, g_strdup_printf("'%s' stays: %s", below->path,
                                                   find_reason(state, below)));
    }
}

/* A flattened image shows no longer that a snapshot or a revert made it, or will not when that
 * snapshot is gone, which a later revert has to know before it gives it up. Free the container with
 * g_ptr_array_unref().
 */
static GPtrArray *
find_ours(const struct state *state, const GPtrArray *flattened)
{
    GPtrArray *ours = g_ptr_array_new();

    for (guint i = 0; i < flattened->len; i++) {
        struct image *image = g_ptr_array_index(flattened, i);

        if (!state_is_layer(state, image) && usage_is_ours_while_active(state, image))
            g_ptr_array_add(ours, image);
    }
    return ours;
}

/* Plan that layers go on which only FLATTENED images stood. */
static void
plan_layers(struct plan *plan, const struct state *state, GPtrArray *flattened, GPtrArray *notes)
{
    g_autoptr(GHashTable) gone = g_hash_table_new(NULL, NULL);
    g_autoptr(GPtrArray) remaining = g_ptr_array_new();
    g_autoptr(GList) layers = g_list_sort(g_hash_table_get_keys(state->layers), compare_paths);
    g_autoptr(GPtrArray) ours = find_ours(state, flattened);

    for (guint i = 0; i < flattened->len; i++)
        g_hash_table_add(gone, g_ptr_array_index(flattened, i));
    while (collect_layers(state, gone))
        ;
    for (GList *layer = layers; layer; layer = layer->next) {
        if (g_hash_table_contains(gone, layer->data) &&
            !g_ptr_array_find(flattened, layer->data, NULL))
            plan_removal(plan, layer->data, notes);
        else
            g_ptr_array_add(remaining, layer->data);
    }
    note_left(state, flattened, gone, notes);
    if (ours->len > 0 || remaining->len < g_hash_table_size(state->layers))
        record_layers(plan, state, remaining, ours);
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
    g_autofree char *text = NULL;

    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);
        const struct domain_disk_change change = {.target = disk->def->target};

        if (disk->def->layers && g_ptr_array_find((GPtrArray *)flattened, disk->image, NULL))
            g_array_append_val(changes, change);
    }
    if (changes->len == 0)
        return true;
    if (state->domain_is_symlink) {
        g_set_error(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED,
                    "the domain XML '%s' is a symbolic link: name the file itself",
                    state->location->xml);
        return false;
    }
    text = domain_def_rewrite(state->domain, (const struct domain_disk_change *)changes->data,
                              changes->len, false, error);
    if (text)
        record_domain(plan, state, text);
    return text != NULL;
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
        plan_layers(plan, state, flattened, notes);
    record_watch(plan, state);
    return g_steal_pointer(&plan);
}
