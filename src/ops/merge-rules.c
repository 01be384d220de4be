/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <config.h>

#include "ops/merge-rules.h"

#include <string.h>

#include "conf/snapshot-facts.h"
#include "image/tags.h"
#include "util/error.h"

bool
merge_refuse(GError **error, const char *format, ...)
{
    va_list args;
    g_autofree char *message = NULL;

    va_start(args, format);
    message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, OFFSHOT_ERROR, OFFSHOT_ERROR_REFUSED, message);
    return false;
}

static bool
is_removed(const struct merge_setting *setting, const struct snapshot_def *def)
{
    return g_hash_table_contains(setting->removed, def->name);
}

/* What is raw by its definition stands on nothing. */
static bool
is_raw(const struct domain_disk *disk)
{
    return !disk->format || strcmp(disk->format, "raw") == 0;
}

static const struct domain_disk *
find_domain_disk(const struct domain_def *domain, const char *target)
{
    for (guint i = 0; domain && i < domain->disks->len; i++) {
        const struct domain_disk *disk = g_ptr_array_index(domain->disks, i);

        if (strcmp(disk->target, target) == 0)
            return disk;
    }
    return NULL;
}

static bool
stands_alone(const struct state *state, const struct domain_disk *disk)
{
    g_autoptr(GPtrArray) all = usage_images(state);

    if (!disk->source || !is_raw(disk))
        return false;
    /* but it may be an image that is known in another format, and itself */
    for (guint i = 0; i < all->len; i++) {
        if (strcmp(((const struct image *)g_ptr_array_index(all, i))->path, disk->source) == 0)
            return false;
    }
    return true;
}

static bool
snapshot_disk_is_known(const struct state *state, const struct state_frozen *frozen, GError **error)
{
    const struct domain_disk *disk = find_domain_disk(frozen->def->domain, frozen->disk->name);

    /* in another format it is one of the images nevertheless */
    if (frozen->image ? !frozen->error : disk && stands_alone(state, disk))
        return true;
    return merge_refuse(
        error,
        "disk '%s' of snapshot '%s' cannot be read, and nobody knows what it stands on "
        "(%s)",
        frozen->disk->name, frozen->def->name, frozen->error ? frozen->error->message : "no image");
}

/* A snapshot that lists no disks may need every image that its domain had. */
static bool
snapshot_is_known(const struct snapshot_def *def, GError **error)
{
    return def->disks->len > 0 || !def->domain || def->domain->disks->len == 0 ||
           merge_refuse(error, "snapshot '%s' does not say which disks it holds", def->name);
}

static bool
disk_is_known(const struct state *state, const struct state_disk *disk, GError **error)
{
    const struct domain_disk *def = disk->def;

    if (disk->error && (disk->image || !stands_alone(state, def)))
        return merge_refuse(error,
                            "disk '%s' cannot be read, and nobody knows what it stands on (%s)",
                            def->target, disk->error->message);
    if (disk->overruled || def->has_slices || def->has_encryption)
        return merge_refuse(
            error,
            "disk '%s' has a <backingStore>, <slices> or <encryption> in the domain XML, "
            "which overrules what the images say",
            def->target);
    return true;
}

bool
merge_rules_all_known(const struct merge_setting *setting, GError **error)
{
    const struct state *state = setting->state;
    g_autoptr(GPtrArray) all = snapshot_tree_all(state->snapshots->tree);

    for (guint i = 0; i < state->disks->len; i++) {
        if (!disk_is_known(state, &g_array_index(state->disks, struct state_disk, i), error))
            return false;
    }
    for (guint i = 0; i < all->len; i++) {
        const struct snapshot_def *def = g_ptr_array_index(all, i);

        if (!is_removed(setting, def) && !snapshot_is_known(def, error))
            return false;
    }
    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (!is_removed(setting, frozen->def) && !snapshot_disk_is_known(state, frozen, error))
            return false;
    }
    return true;
}

bool
merge_rules_state_known(const struct state *state, GError **error)
{
    g_autoptr(GHashTable) none = g_hash_table_new(g_str_hash, g_str_equal);
    const struct merge_setting setting = {state, none, MERGE_AUTO};

    return merge_rules_all_known(&setting, error);
}

/* Whether IMAGE lies, by any of its names, in the directory DIRECTORY. */
static bool
lies_in(const struct state *state, const struct image *image, const char *directory)
{
    g_autoptr(GPtrArray) names = usage_names(state, image);

    for (guint i = 0; i < names->len; i++) {
        g_autofree char *mine = g_path_get_dirname(g_ptr_array_index(names, i));

        if (strcmp(mine, directory) == 0)
            return true;
    }
    return false;
}

bool
merge_rules_beside_active(const struct state *state, const struct image *image)
{
    for (guint i = 0; i < state->disks->len; i++) {
        const struct state_disk *disk = &g_array_index(state->disks, struct state_disk, i);
        g_autofree char *directory = disk->image ? g_path_get_dirname(disk->def->source) : NULL;

        if (directory && lies_in(state, image, directory))
            return true;
    }
    return false;
}

static bool
says_adopted(const struct snapshot_def *def)
{
    g_autofree char *element = def->domain ? domain_def_element(def->domain) : NULL;

    return element && snapshot_facts_adopted(element);
}

/* Whether only adopted snapshots froze IMAGE: nobody saw it being the image of a disk. */
static bool
is_adopted(const struct state *state, const struct image *image)
{
    bool adopted = false;

    for (guint i = 0; i < state->frozen->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(state->frozen, i);

        if (frozen->image != image || frozen->disk->snapshot != SNAPSHOT_LOCATION_EXTERNAL)
            continue;
        if (!says_adopted(frozen->def))
            return false;
        adopted = true;
    }
    return adopted;
}

bool
merge_rules_same_file(const struct merge_setting *setting, const struct image *image,
                      GError **error)
{
    const struct state_frozen *frozen = usage_find_replaced(setting->state, image);

    return !frozen ||
           merge_refuse(error,
                        "'%s' is not the file that snapshot '%s' froze, and may be anybody's; if "
                        "you made it as a copy, remove it yourself once nothing stands on it, or "
                        "record the snapshot with `offshot create --redefine` beforehand, without "
                        "<offshot:frozen disk='%s'>",
                        image->path, frozen->def->name, frozen->disk->name);
}

bool
merge_rules_proven(const struct merge_setting *setting, const struct image *image, GError **error)
{
    if (!merge_rules_same_file(setting, image, error))
        return false;
    if (usage_is_ours(setting->state, image))
        return true;
    if (is_adopted(setting->state, image))
        return merge_refuse(error,
                            "no snapshot made '%s', which was adopted as the lowest image of its "
                            "chain, so that it may be a template for others; --strategy=commit "
                            "merges into it",
                            image->path);
    return merge_rules_beside_active(setting->state, image) ||
           merge_refuse(error,
                        "no snapshot made '%s', and it does not lie beside an active image, so "
                        "that it may be a template for others",
                        image->path);
}

bool
merge_rules_release(const struct merge_setting *setting, const struct image *image, GError **error)
{
    const GPtrArray *dependents = state_find_dependents(setting->state, image);

    if (!merge_rules_same_file(setting, image, error))
        return false;
    if (dependents && dependents->len > 1)
        return merge_refuse(error, "'%s' and %u more stand on '%s'",
                            (const char *)g_ptr_array_index(dependents, 0), dependents->len - 1,
                            image->path);
    if (dependents && dependents->len > 0)
        return merge_refuse(error, "'%s' stands on '%s'",
                            (const char *)g_ptr_array_index(dependents, 0), image->path);
    if (!image->block && image->links > 1)
        return merge_refuse(error, "'%s' has further names (hard links)", image->path);
    if (!image->writable)
        return merge_refuse(error, "'%s' is read-only", image->path);
    return true;
}

bool
merge_rules_is_frozen(const struct merge_setting *setting, const struct image *image, bool removed)
{
    const GPtrArray *all = setting->state->frozen;

    for (guint i = 0; i < all->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(all, i);

        if (frozen->image == image && frozen->disk->snapshot == SNAPSHOT_LOCATION_EXTERNAL &&
            is_removed(setting, frozen->def) == removed)
            return true;
    }
    return false;
}

bool
merge_rules_belongs(const struct state *state, const struct image *image)
{
    const struct image *backing = image->backing;

    return usage_is_in_use(state, image) ||
           (backing && (usage_find_snapshot(state, backing, NULL) ||
                        usage_is_in_use(state, backing) || state_is_layer(state, backing)));
}

bool
merge_rules_discard(const struct merge_setting *setting, const struct image *image, GError **error)
{
    const struct state *state = setting->state;

    return state_is_layer(state, image) ||
           (merge_rules_is_frozen(setting, image, true) &&
            (usage_is_ours(state, image) || merge_rules_belongs(state, image))) ||
           merge_refuse(error,
                        "no snapshot made '%s', and it is in no chain of the domain; remove it "
                        "yourself if nothing needs it",
                        image->path);
}

/* Whether TAG of IMAGE goes with a removed snapshot. */
static bool
is_doomed(const struct merge_setting *setting, const struct image *image,
          const struct image_tag *tag)
{
    const GPtrArray *all = setting->state->frozen;

    for (guint i = 0; i < all->len; i++) {
        const struct state_frozen *frozen = g_ptr_array_index(all, i);

        if (frozen->image == image && frozen->disk->snapshot == SNAPSHOT_LOCATION_INTERNAL &&
            strcmp(frozen->def->name, tag->name) == 0)
            return is_removed(setting, frozen->def);
    }
    return false;
}

const struct image_tag *
merge_rules_find_tag(const struct merge_setting *setting, const struct image *image)
{
    const GPtrArray *tags = state_get_tags(setting->state, image);

    for (guint i = 0; i < tags->len; i++) {
        const struct image_tag *tag = g_ptr_array_index(tags, i);

        if (!is_doomed(setting, image, tag))
            return tag;
    }
    return NULL;
}

bool
merge_rules_is_needed(const struct merge_setting *setting, const struct image *image)
{
    return usage_find_active(setting->state, image) ||
           usage_find_snapshot(setting->state, image, setting->removed) ||
           merge_rules_find_tag(setting, image);
}

uint64_t
merge_rules_bytes(const struct image *image)
{
    /* of a device nobody says how much is in it */
    return image->block ? MIN(image->size, image->identity.size) : image->allocated;
}
